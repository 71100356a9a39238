"""Long images, cut where nothing is written, so that small text is read at its own size."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: A piece's longest side, in pixels: what the text detector is at home with.
_TILE_PX = 1600
#: Above this many times its width (or height) an image is long, and cut.
_LONG = 2.0
#: The cut is looked for in the last part of a piece.
_SEARCH = 0.35


def tiles(image: Image.Image) -> list[tuple[int, int, Image.Image]]:
    """The image in pieces, each with its left and top edge in it; one that is not long is one piece."""
    width, height = image.size
    if max(width, height) <= _TILE_PX or max(width, height) <= _LONG * min(width, height):
        return [(0, 0, image)]
    gray = np.asarray(image.convert("L"), dtype=np.float32)
    if height >= width:
        edges = _edges(gray)
        return [(0, top, image.crop((0, top, width, end))) for top, end in pairwise(edges)]
    edges = _edges(gray.T)
    return [(left, 0, image.crop((left, 0, end, height))) for left, end in pairwise(edges)]


def _edges(gray: "NDArray[np.float32]") -> list[int]:
    """Where to cut along the first axis, both ends included: at the calmest rows, never within a line."""
    # The mean change between neighbours is zero on plain paper, and large where something is written.
    unrest = np.abs(np.diff(gray, axis=1)).mean(axis=1) if gray.shape[1] > 1 else np.zeros(len(gray))
    edges = [0]
    while len(gray) - edges[-1] > _TILE_PX:
        first = edges[-1] + int(_TILE_PX * (1 - _SEARCH))
        window = unrest[first : edges[-1] + _TILE_PX]
        edges.append(first + _middle_of_calm(window))
    return [*edges, len(gray)]


def _middle_of_calm(unrest: "NDArray[np.floating]") -> int:
    """The middle of the widest run of rows that are as calm as the calmest."""
    is_calm = unrest <= unrest.min() + 0.5
    best, start = (0, int(unrest.argmin())), None
    for place, calm in enumerate([*is_calm, False]):
        if calm and start is None:
            start = place
        elif not calm and start is not None:
            best = max(best, (place - start, (start + place) // 2))
            start = None
    return best[1]
