"""Lines cut out of a page: straight, of one height, dark on light, none too long."""

from math import cos, radians, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from worker.engines.reading.boxes import Box
from worker.engines.reading.recognizer import STRIP_PX

#: A strip that is longer is cut, in pixels.
_LONGEST_PX = 1600
#: A gap so wide may part columns or cells, and is hardly a space between words: most of a line's height.
_WIDE_GAP_PX = 42
#: What is kept of the gap at both ends of a part; and how thin the rest of a letter is.
_EDGE_PX, _REMAINDER_PX = 6, 20
#: What is darker than paper by this share of the contrast is ink.
_INK = 0.4
#: A line that is scaled down further is averaged, not sampled.
_MUCH_SMALLER = 0.7


def strip(pixels: "NDArray[np.uint8]", box: Box) -> "NDArray[np.uint8]":
    """What is in the box, its text running to the right, dark on light: (STRIP_PX, width, 3)."""
    scale = STRIP_PX / max(box.height, 1)
    cut_out = _cut_out(pixels, box, max(1, round(box.length)), max(1, round(box.height)))
    # The recognizer has learnt from lines that were scaled like this.
    method = cv2.INTER_AREA if scale < _MUCH_SMALLER else cv2.INTER_LINEAR
    size = (max(1, round(box.length * scale)), STRIP_PX)
    scaled = np.asarray(cv2.resize(cut_out, size, interpolation=method), np.uint8)
    darkest, paper, lightest = np.percentile(_brightness(scaled), (1, 50, 99))
    return 255 - scaled if paper - darkest < lightest - paper else scaled


def _brightness(strip: "NDArray[np.uint8]") -> "NDArray[np.float32]":
    """How bright each pixel is, from 0 to 3 · 255."""
    return strip[..., 0].astype(np.float32) + strip[..., 1] + strip[..., 2]


def _cut_out(pixels: "NDArray[np.uint8]", box: Box, width: int, height: int) -> "NDArray[np.uint8]":
    cosine, sine = cos(radians(box.angle_deg)), sin(radians(box.angle_deg))
    # From a pixel's middle in the strip to one in the page.
    turn = np.array([[cosine, -sine], [sine, cosine]])
    shift = np.array([box.x - 0.5, box.y - 0.5]) - turn @ ((width - 1) / 2, (height - 1) / 2)
    matrix = np.hstack([turn, shift[:, None]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    cut_out = cv2.warpAffine(pixels, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut_out, np.uint8)


def parts(strip: "NDArray[np.uint8]") -> list[tuple[int, int]]:
    """Where a strip has text, left and right of gaps so wide that what is beyond stands by itself.

    What is thin and cut off at an end is the last of a neighbour, and left out.
    """
    width = strip.shape[1]
    gaps = [
        (begin, end)
        for begin, end in _empty_runs(strip).tolist()
        if end - begin >= _WIDE_GAP_PX or begin == 0 or end == width
    ]
    edges = [0, *(edge for gap in gaps for edge in gap), width]
    spans = [
        (max(0, begin - _EDGE_PX), min(width, end + _EDGE_PX))
        for begin, end in zip(edges[::2], edges[1::2], strict=True)
        if end - begin >= _REMAINDER_PX or 0 < begin < end < width
    ]
    return spans or [(0, width)]


def cuts(strip: "NDArray[np.uint8]") -> list[int]:
    """Where to cut a strip that is too long to be read at once, in its widest gaps; both ends included."""
    width = strip.shape[1]
    count = -(-width // _LONGEST_PX)
    edges = [0]
    if count > 1:
        runs = _empty_runs(strip)
        edges += [_cut(runs, width * number // count, width // count // 3) for number in range(1, count)]
    return [*edges, width]


def gap_near(strip: "NDArray[np.uint8]", place: float) -> int:
    """Where nothing is written near a place, which is taken itself where something is all around."""
    return _cut(_empty_runs(strip), round(place), STRIP_PX // 2)


def _cut(runs: "NDArray[np.intp]", wanted: int, reach: int) -> int:
    """The middle of the widest empty run near a place, which is taken itself where there is none."""
    near = runs[(runs.sum(axis=1) // 2 > wanted - reach) & (runs.sum(axis=1) // 2 < wanted + reach)]
    return int(near[(near[:, 1] - near[:, 0]).argmax()].sum()) // 2 if len(near) else wanted


def _empty_runs(strip: "NDArray[np.uint8]") -> "NDArray[np.intp]":
    """Where no column of a strip has ink: (runs, 2), each with its begin and end."""
    rows = _brightness(strip[STRIP_PX // 8 : -STRIP_PX // 8])
    darkest, paper = np.percentile(rows, (1, 75))
    is_empty = rows.min(axis=0) > paper - _INK * (paper - darkest)
    changes = np.flatnonzero(np.diff(np.concatenate(([False], is_empty, [False]))))
    return changes.reshape(-1, 2)
