"""Where text stands in a picture."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from worker.engines.reading.boxes import Box

#: The picture is made this large on its shorter side, in pixels, where it is smaller.
_SHORT_SIDE_PX = 736
#: ... and at most so large on its longer side.
_LONG_SIDE_PX = 2000
#: The net takes multiples of this many pixels.
_STEP_PX = 32
#: How sure the net is that a pixel belongs to text; and of all pixels of a box together.
_PIXEL_SCORE, _BOX_SCORE = 0.3, 0.5
#: The net marks the core of a line; its box is larger by this many times area / circumference.
_GROWTH = 1.6
#: A core that is thinner is dirt.
_THINNEST_PX = 3


class Detector:
    """Runs the net and turns what it marks into boxes."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name

    def find(self, pixels: "NDArray[np.uint8]") -> list[Box]:
        """The boxes of a BGR picture, the longer side of each taken for the way its text runs."""
        height, width = pixels.shape[:2]
        scale = min(max(1.0, _SHORT_SIDE_PX / min(height, width)), _LONG_SIDE_PX / max(height, width))
        size = [max(_STEP_PX, round(side * scale / _STEP_PX) * _STEP_PX) for side in (width, height)]
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        scaled = cv2.resize(pixels, size, interpolation=method)
        values = (scaled.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None]
        (marks,) = self._session.run(None, {self._input: np.ascontiguousarray(values)})
        return list(_boxes(marks[0, 0], width / size[0], height / size[1]))


def _boxes(marks: "NDArray[np.float32]", x_scale: float, y_scale: float) -> Iterator[Box]:
    mask = cv2.dilate((marks > _PIXEL_SCORE).astype(np.uint8), np.ones((2, 2), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for outline in outlines:
        points: NDArray[np.float32] = np.asarray(outline, np.float32)
        _, (width, height), _ = cv2.minAreaRect(points)
        if min(width, height) < _THINNEST_PX or _score(marks, points) < _BOX_SCORE:
            continue
        grown = _GROWTH * width * height / (2 * (width + height))
        points = points * np.array([x_scale, y_scale], np.float32)
        (x, y), (width, height), angle = cv2.minAreaRect(points)
        width, height = width + 2 * grown * x_scale, height + 2 * grown * y_scale
        if width < height:
            width, height, angle = height, width, angle - 90
        yield Box(x, y, width, height, (angle + 90) % 180 - 90)


def _score(marks: "NDArray[np.float32]", outline: "NDArray[np.float32]") -> float:
    """The mean mark within the outline's rectangle."""
    corners = cv2.boxPoints(cv2.minAreaRect(outline))
    left, top = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 1
    window = marks[top:bottom, left:right]
    inside = np.zeros(window.shape, np.uint8)
    cv2.fillPoly(inside, [np.round(corners - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(window, inside)[0])
