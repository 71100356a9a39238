"""Images whose right answers are known, as files and as bytes."""

import random
from dataclasses import dataclass
from pathlib import Path

from tests.files.drawing import Scene, random_scene

DESCRIBE = "Describe this image."
#: The scene that is dropped, pasted or typed about where one image will do.
RED_CIRCLE = Scene("white", (("red", "circle"),))
BLUE_SQUARE = Scene("white", (("blue", "square"),))


@dataclass(frozen=True)
class Drawn:
    """Files by their paths in a batch, and the right answer to each."""

    files: dict[str, bytes]
    answers: dict[str, str]

    def write(self, folder: Path) -> list[Path]:
        """Write the files below `folder`; gives their paths."""
        for path, content in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return [folder / path for path in self.files]


def drawn(count: int, seed: int = 1, folder: str = "", side: int = 240) -> Drawn:
    """`count` different images in subfolders of `folder`; `side` is the first one's width in pixels.

    No two have the same bytes, so none is answered from the cache; no path contains its answer.
    """
    rng = random.Random(seed)
    files, answers = {}, {}
    for n in range(count):
        scene = random_scene(rng, shapes=1 + n % 2)
        path = f"{folder}/part {n % 3}/{n:04}.png" if folder else f"{n:04}.png"
        files[path] = scene.encode(width=side + n, height=180 + seed)
        answers[path] = scene.description
    return Drawn(files, answers)


def cut_short() -> bytes:
    """A truncated image: its header is valid, decoding fails."""
    whole = RED_CIRCLE.encode()
    return whole[: len(whole) // 3]
