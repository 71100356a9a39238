"""Photos of mixed sizes and questions about them, prepared by the engine as a slot prepares them."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.models import Options
from scripts.rolling.load import geometric
from worker.engines.seeing.processors import JobInput, SeenImage
from worker.engines.transformers_engine import TransformersEngine

EXAMPLES = Path(__file__).parents[2] / "examples"
PHOTO = EXAMPLES / "photos" / "street-sign.jpg"
#: Millions of pixels of the images that are asked about, from a small screenshot to what the worker reads at.
_MEGAPIXELS = (0.2, 0.4, 0.7, 1.0)
_QUESTION = "What does the sign say, and where does it stand?"


def images(engine: TransformersEngine, megapixels: Sequence[float] = _MEGAPIXELS) -> list[SeenImage]:
    """The photo at each of these sizes, cut into patches."""
    photo = Image.open(PHOTO).convert("RGB")
    sides = [(1e6 * size / (photo.width * photo.height)) ** 0.5 for size in megapixels]
    return [engine.see(photo.resize((int(photo.width * s), int(photo.height * s)))) for s in sides]


def draw(
    engine: TransformersEngine,
    count: int,
    seed: int,
    *,
    length: Callable[[random.Random], int] = geometric,
    response_format: ResponseFormat | None = None,
    images_each: int = 1,
) -> list[JobInput]:
    """So many jobs, the same for the same seed."""
    rng, seen = random.Random(seed), images(engine)
    return [
        engine.prepare(
            [rng.choice(seen) for _ in range(images_each)],
            f"{_QUESTION} {rng.randrange(1000)}",
            Options(max_new_tokens=length(rng), response_format=response_format),
        )
        for _ in range(count)
    ]
