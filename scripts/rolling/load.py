"""Jobs: images of mixed sizes, questions of mixed lengths, and answers of drawn lengths."""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from scripts.rolling.model import IMAGE, VISION_END, VISION_START, WORDS

#: Height and width of images, in patches of 14 pixels: 16 to 64 visual tokens.
_GRIDS = ((8, 8), (8, 12), (16, 8), (12, 16), (16, 16))
_VALUES_PER_PATCH = 3 * 2 * 14 * 14
_SHORTEST, _LONGEST, _MEAN = 8, 256, 55


@dataclass(frozen=True, eq=False)
class Asked:
    """One job: what the model is given, and how many tokens it is to write."""

    tensors: dict[str, torch.Tensor]
    output_tokens: int


def geometric(rng: random.Random) -> int:
    """A geometric length with a mean of about 55; 8 at least and 256 at most."""
    length = 1 + math.floor(math.log(1 - rng.random()) / math.log(1 - 1 / _MEAN))
    return min(_LONGEST, max(_SHORTEST, length))


def equal(rng: random.Random) -> int:
    """The same length for all."""
    return _MEAN


def draw_jobs(
    count: int, length: Callable[[random.Random], int], seed: int, *, images: int = 1
) -> list[Asked]:
    """So many jobs about so many images each, the same for the same seed."""
    rng = random.Random(seed)
    noise = torch.Generator().manual_seed(seed)
    return [_draw(rng, noise, length(rng), images) for _ in range(count)]


def _draw(rng: random.Random, noise: torch.Generator, output_tokens: int, images: int) -> Asked:
    grids = torch.tensor([(1, *rng.choice(_GRIDS)) for _ in range(images)])
    patches = int(grids.prod(dim=1).sum())
    seen = {
        "pixel_values": torch.randn(patches, _VALUES_PER_PATCH, generator=noise),
        "image_grid_thw": grids,
    }
    return Asked(ask_about(rng, seen), output_tokens)


def ask_about(rng: random.Random, seen: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A question of random words about images that were cut into patches."""
    images: list[int] = []
    for patches in seen["image_grid_thw"].prod(dim=1).tolist():
        images += [VISION_START, *[IMAGE] * (patches // 4), VISION_END]
    ids = torch.tensor([[*_words(rng, 10), *images, *_words(rng, rng.randint(5, 20))]])
    kinds = (ids == IMAGE).int()
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "mm_token_type_ids": kinds, **seen}


def _words(rng: random.Random, count: int) -> list[int]:
    return [rng.randrange(WORDS) for _ in range(count)]
