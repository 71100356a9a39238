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


def draw_jobs(count: int, length: Callable[[random.Random], int], seed: int) -> list[Asked]:
    """So many jobs, the same for the same seed."""
    rng = random.Random(seed)
    noise = torch.Generator().manual_seed(seed)
    return [_draw(rng, noise, length(rng)) for _ in range(count)]


def _draw(rng: random.Random, noise: torch.Generator, output_tokens: int) -> Asked:
    height, width = rng.choice(_GRIDS)
    seen = {
        "pixel_values": torch.randn(height * width, _VALUES_PER_PATCH, generator=noise),
        "image_grid_thw": torch.tensor([[1, height, width]]),
    }
    return Asked(ask_about(rng, seen), output_tokens)


def ask_about(rng: random.Random, seen: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A question of random words about an image that was cut into patches."""
    places = int(seen["image_grid_thw"].prod()) // 4
    image = [VISION_START, *[IMAGE] * places, VISION_END]
    ids = torch.tensor([[*_words(rng, 10), *image, *_words(rng, rng.randint(5, 20))]])
    kinds = (ids == IMAGE).int()
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "mm_token_type_ids": kinds, **seen}


def _words(rng: random.Random, count: int) -> list[int]:
    return [rng.randrange(WORDS) for _ in range(count)]
