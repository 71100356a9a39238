"""The images of a run, each with its one right answer; no two are alike in bytes or in size.

So each reaches the engine although the answer cache is on.
"""

import random
from dataclasses import dataclass
from pathlib import Path

from eva01.client.files import InputFile
from tests.files.drawing import Scene, random_scene

QUESTION = "Describe this image."
_FORMATS = ("PNG", "JPEG", "WEBP")


@dataclass(frozen=True)
class Picture:
    """A drawn scene in a file."""

    file: InputFile
    scene: Scene
    #: Width and height, in pixels.
    size: tuple[int, int]

    @property
    def name(self) -> str:
        """Its path in its batch."""
        return self.file.name

    def answer(self, model: str) -> str:
        """What `model` says of it: `nano` what is drawn, the stub how large it is."""
        return f"{self.size} {QUESTION}" if model == "stub" else self.scene.description


def draw(count: int, seed: int, folder: Path) -> list[Picture]:
    """Draw `count` pictures into `folder`; no name contains its answer."""
    rng = random.Random(seed)
    folder.mkdir()
    return [_draw(n, random_scene(rng, shapes=1 + n % 2), folder) for n in range(count)]


def _draw(n: int, scene: Scene, folder: Path) -> Picture:
    # Fifty widths for each height: up to 5,000 different sizes.
    width, height = 320 + 4 * (n % 50), 240 + 2 * (n // 50)
    image_format = _FORMATS[n % len(_FORMATS)]
    path = folder / f"{n:05}.{image_format.lower()}"
    path.write_bytes(scene.encode(image_format, width=width, height=height))
    file = InputFile(path, f"part {n % 7}/{path.name}", path.stat().st_size)
    return Picture(file, scene, (width, height))
