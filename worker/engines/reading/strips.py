"""Lines cut out of a page: straight, of one height, dark on light, none too long."""

import cv2
import numpy as np
from math import cos, radians, sin
from numpy.typing import NDArray

from worker.engines.reading.boxes import Box
from worker.engines.reading.recognizer import STRIP_PX

#: A strip that is longer is cut, in pixels.
_LONGEST_PX = 1600


def strip(pixels: "NDArray[np.uint8]", box: Box) -> "NDArray[np.uint8]":
    """What is in the box, its text running to the right: (STRIP_PX, width, 3)."""
    scale = STRIP_PX / max(box.height, 1)
    width = max(4, round(box.length * scale))
    if scale >= 0.7:
        return _dark_on_light(_warped(pixels, box, width, STRIP_PX))
    full = _warped(pixels, box, max(1, round(box.length)), max(1, round(box.height)))
    return _dark_on_light(cv2.resize(full, (width, STRIP_PX), interpolation=cv2.INTER_AREA))


def _warped(pixels: "NDArray[np.uint8]", box: Box, width: int, height: int) -> "NDArray[np.uint8]":
    cosine, sine = cos(radians(box.angle_deg)), sin(radians(box.angle_deg))
    along, across = box.length / width, box.height / height
    # From a place in the strip to one in the page; pixels are counted from their middles.
    matrix = np.array(
        [[cosine * along, -sine * across, 0.0], [sine * along, cosine * across, 0.0]], np.float64
    )
    matrix[:, 2] = np.array([box.x - 0.5, box.y - 0.5]) - matrix[:, :2] @ ((width - 1) / 2, (height - 1) / 2)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(pixels, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _dark_on_light(strip: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
    """The strip with its contrast stretched, turned into its negative where letters are the lighter part."""
    grey = strip.mean(axis=2)
    darkest, paper, lightest = np.percentile(grey, (1, 50, 99))
    if lightest - darkest < 8:
        return strip
    values = (strip.astype(np.float32) - darkest) * (255 / (lightest - darkest))
    if paper - darkest < lightest - paper:
        values = 255 - values
    return np.clip(values, 0, 255).astype(np.uint8)


def cuts(strip: "NDArray[np.uint8]") -> list[int]:
    """Where to cut a strip that is too long: at its widest gaps, both ends included."""
    width = strip.shape[1]
    count = -(-width // _LONGEST_PX)
    if count == 1:
        return [0, width]
    ink = strip.min(axis=2).min(axis=0) if strip.ndim == 3 else strip.min(axis=0)
    edges = [0]
    for number in range(1, count):
        wanted = width * number // count
        reach = width // count // 3
        edges.append(_widest_gap(ink, wanted - reach, wanted + reach))
    return [*edges, width]


def _widest_gap(ink: "NDArray[np.uint8]", begin: int, end: int) -> int:
    """The middle of the widest run of columns without ink."""
    window = ink[begin:end]
    is_empty = np.concatenate(([False], window > 0.6 * window.max(), [False]))
    changes = np.flatnonzero(is_empty[1:] != is_empty[:-1])
    runs = changes.reshape(-1, 2)
    if not len(runs):
        return (begin + end) // 2
    widest = runs[(runs[:, 1] - runs[:, 0]).argmax()]
    return begin + int(widest.sum()) // 2
