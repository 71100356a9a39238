"""Folders of images: mixed sizes and formats, as people have them, and other files each time."""

import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.files.drawing import random_scene

Sizes = tuple[tuple[int, int], ...]
#: Width and height of what is drawn: thumbnails, screenshots, photos that were scaled down.
_SIZES = ((320, 240), (480, 320), (640, 480), (800, 1200), (1280, 720), (1600, 1200))
_FORMATS = ("JPEG", "PNG")


def write_mixed(folder: Path, count: int, seed: int) -> Sequence[Path]:
    """So many files; the same pictures for every seed, in files that are not the same."""
    return _write(folder, count, seed, _SIZES)


def write_small(folder: Path, count: int, seed: int) -> Sequence[Path]:
    """The same of images that cost next to nothing to look at."""
    return _write(folder, count, seed, ((48, 32),))


def _write(folder: Path, count: int, seed: int, sizes: Sizes) -> Sequence[Path]:
    drawn = _drawn(sizes)
    files = []
    for number in range(count):
        suffix, data = drawn[number % len(drawn)]
        # What stands behind the end of a picture is part of its file alone.
        files.append(folder / f"{number:05}.{suffix}")
        files[-1].write_bytes(data + f"{seed}.{number}".encode())
    return files


@cache
def _drawn(sizes: Sizes) -> Sequence[tuple[str, bytes]]:
    rng = random.Random(0)
    drawn = []
    for width, height in sizes:
        for kind in _FORMATS:
            for shapes in (1, 2, 3):
                scene = random_scene(rng, shapes=shapes)
                data = scene.encode(kind, width=width, height=height)
                drawn.append((kind.lower().replace("jpeg", "jpg"), data))
    return drawn
