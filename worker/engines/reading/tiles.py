"""Long images, cut where nothing is written, so that small text is read at its own size."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: A piece's longest side, in pixels: a size at which the text detector reads well.
_TILE_PX = 1600
#: Above this many times its width (or height) an image is long, and cut.
_LONG = 2.0
#: Rows whose contrast is measured at a time.
_AT_A_TIME = 256
#: The share of a piece, at its end, in which the cut is searched for.
_SEARCH = 0.35


def tiles(image: Image.Image) -> list[tuple[int, int, Image.Image]]:
    """The image in pieces, each with its left and top edge in it; one that is not long is one piece."""
    width, height = image.size
    if max(width, height) <= _TILE_PX or max(width, height) <= _LONG * min(width, height):
        return [(0, 0, image)]
    gray = np.asarray(image.convert("L"))
    if height >= width:
        edges = _edges(gray)
        return [(0, top, image.crop((0, top, width, end))) for top, end in pairwise(edges)]
    edges = _edges(gray.T)
    return [(left, 0, image.crop((left, 0, end, height))) for left, end in pairwise(edges)]


def _edges(gray: "NDArray[np.uint8]") -> list[int]:
    """Where to cut along the first axis, both ends included: in the emptiest rows, not through a line."""
    # The mean difference of neighbours is zero on plain paper, and large where something is written.
    contrast = np.zeros(len(gray), dtype=np.float32)
    if gray.shape[1] > 1:
        for start in range(0, len(gray), _AT_A_TIME):
            some = gray[start : start + _AT_A_TIME].astype(np.float32)
            contrast[start : start + _AT_A_TIME] = np.abs(np.diff(some, axis=1)).mean(axis=1)
    edges = [0]
    while len(gray) - edges[-1] > _TILE_PX:
        first = edges[-1] + int(_TILE_PX * (1 - _SEARCH))
        window = contrast[first : edges[-1] + _TILE_PX]
        edges.append(first + _middle_of_empty(window))
    return [*edges, len(gray)]


def _middle_of_empty(contrast: "NDArray[np.floating]") -> int:
    """The middle of the widest run of rows that are as empty as the emptiest."""
    are_empty = contrast <= contrast.min() + 0.5
    best, start = (0, int(contrast.argmin())), None
    for place, is_empty in enumerate([*are_empty, False]):
        if is_empty and start is None:
            start = place
        elif not is_empty and start is not None:
            best = max(best, (place - start, (start + place) // 2))
            start = None
    return best[1]
