"""What a model of random weights is asked: small images, short questions, answers of drawn lengths."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

#: Sides in pixels of images, multiples of what is one visual token: 16 to 64 of them.
_SIZES = ((112, 112), (168, 112), (112, 224), (224, 168), (224, 224))
_FEWEST, _MOST, _MEAN = 8, 256, 55
_WORDS = ("what", "where", "how", "sign", "color", "many", "stands", "beside", "left", "behind")


@dataclass(frozen=True)
class Task:
    """One image and question."""

    file: str
    question: str
    #: How long the answer is; None where the model itself says when it ends.
    tokens: int | None = None


def write_tasks(folder: Path, count: int, seed: int) -> Sequence[Task]:
    """So many, each with an image of its own in `folder`; the same for the same seed."""
    rng = random.Random(seed)
    return [_task(folder, number, rng) for number in range(count)]


def _task(folder: Path, number: int, rng: random.Random) -> Task:
    file = folder / f"{number:05}.png"
    width, height = rng.choice(_SIZES)
    # Few colors: what a file of noise takes to be sent is not what is measured.
    small = Image.frombytes("RGB", (8, 8), rng.randbytes(192))
    small.resize((width, height), Image.Resampling.NEAREST).save(file)
    question = " ".join(rng.choices(_WORDS, k=rng.randint(1, 4)))
    return Task(str(file), question, _geometric(rng))


def _geometric(rng: random.Random) -> int:
    """A length as scripts/rolling draws it."""
    return min(_MOST, max(_FEWEST, 1 + int(rng.expovariate(1 / _MEAN))))
