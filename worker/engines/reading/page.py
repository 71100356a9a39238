"""A page, read: its boxes found, its direction proved, its lines cut out, read and put in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin
from unicodedata import east_asian_width

import numpy as np
from numpy.typing import NDArray

from worker.engines.deadline import Deadline
from worker.engines.reading.boxes import Box
from worker.engines.reading.detector import Detector
from worker.engines.reading.direction import page_angle, straightened
from worker.engines.reading.order import TextBox, in_reading_order
from worker.engines.reading.recognizer import NOTHING, Reading, Recognizer
from worker.engines.reading.strips import cuts, strip

#: A piece of a page: its left and top edge in the whole, and its BGR pixels.
Piece = tuple[int, int, "NDArray[np.uint8]"]
#: Below this a reading is doubted, and the line is read in other ways too.
_DOUBTED = 0.85
#: So many lines of a page are read again at most.
_MOST_DOUBTED = 24
#: Below this nothing is written there.
_LEAST_CONFIDENCE = 0.5


@dataclass(frozen=True)
class Line:
    """What is written in one line, where it stands in the picture as it was given, and how sure that is."""

    text: str
    #: Left, top, right, bottom, in pixels.
    bounds: tuple[float, float, float, float]
    confidence: float


class TimeIsOver(Exception):
    """Raised when the deadline came before the page was read."""


class PageReader:
    """Reads pages, one after the other."""

    def __init__(self, detector: Detector, recognizer: Recognizer) -> None:
        self._detector, self._recognizer = detector, recognizer

    def read(self, pieces: Sequence[Piece], deadline: Deadline) -> list[Line]:
        """The lines of a page in reading order.

        Raises TimeIsOver.
        """
        boxes: list[Box] = []
        for left, top, pixels in pieces:
            _check(deadline)
            boxes += [box.moved(left, top) for box in self._detector.find(pixels)]
        if not boxes:
            return []
        angle = page_angle(boxes, lambda box: self._read_strip(pieces, box))
        texts = []
        doubts = _MOST_DOUBTED
        for box in boxes:
            _check(deadline)
            box = straightened(box, angle)
            reading = self._read_line(pieces, box)
            if reading.confidence < _DOUBTED and doubts > 0:
                doubts -= 1
                box, reading = self._read_again(pieces, box, reading)
            if reading.text and reading.confidence >= _LEAST_CONFIDENCE:
                texts.append(_upright(box, reading, angle))
        return [_joined(line) for line in in_reading_order(texts)]

    def _read_line(self, pieces: Sequence[Piece], box: Box) -> Reading:
        """What is written in a box; a long one in parts."""
        whole = _strip(pieces, box)
        edges = cuts(whole)
        if len(edges) == 2:
            return self._recognizer.read(whole)
        parts = [
            self._recognizer.read(np.ascontiguousarray(whole[:, begin:end]))
            for begin, end in zip(edges, edges[1:], strict=False)
        ]
        return _together([part for part in parts if part.text])

    def _read_strip(self, pieces: Sequence[Piece], box: Box) -> Reading:
        return self._recognizer.read(_strip(pieces, box))

    def _read_again(self, pieces: Sequence[Piece], box: Box, first: Reading) -> tuple[Box, Reading]:
        """The surest reading of a doubted box: as it is, on its head, or standing, if it is tall."""
        best = (box, first)
        turns = [180.0] if box.height < 1.5 * box.length else [180.0, 90.0, -90.0]
        for turn in turns:
            turned = box.turned(turn)
            reading = self._read_line(pieces, turned)
            if reading.confidence > best[1].confidence + 0.1:
                best = (turned, reading)
        return best


def _strip(pieces: Sequence[Piece], box: Box) -> "NDArray[np.uint8]":
    """A box's strip out of the piece in which its middle is."""
    left, top, pixels = next(
        (piece for piece in reversed(pieces) if piece[0] <= box.x and piece[1] <= box.y), pieces[0]
    )
    return strip(pixels, box.moved(-left, -top))


def _upright(box: Box, reading: Reading, angle_deg: float) -> TextBox:
    """Where a box would stand if the page were straight."""
    cosine, sine = cos(radians(angle_deg)), sin(radians(angle_deg))
    x, y = box.x * cosine + box.y * sine, box.y * cosine - box.x * sine
    lying = straightened(box, angle_deg)
    return TextBox(
        reading.text, reading.confidence,
        left=x - lying.length / 2, top=y - lying.height / 2,
        right=x + lying.length / 2, bottom=y + lying.height / 2, bounds=box.bounds,
    )


def _joined(line: Sequence[TextBox]) -> Line:
    bounds = np.array([box.bounds for box in line])
    return Line(
        join([box.text for box in line]),
        (*bounds[:, :2].min(axis=0).tolist(), *bounds[:, 2:].max(axis=0).tolist()),
        min(box.confidence for box in line),
    )


def _together(parts: Sequence[Reading]) -> Reading:
    if not parts:
        return NOTHING
    letters = sum(len(part.text) for part in parts)
    sure = sum(part.confidence * len(part.text) for part in parts) / letters
    return Reading(join([part.text for part in parts]), sure)


def join(texts: Sequence[str]) -> str:
    """Texts beside each other: with a space between them, except between two Chinese letters."""
    joined = texts[0]
    for text in texts[1:]:
        joined += ("" if _is_wide(joined[-1]) and _is_wide(text[0]) else " ") + text
    return joined


def _is_wide(letter: str) -> bool:
    return east_asian_width(letter) in "WF"


def _check(deadline: Deadline) -> None:
    if deadline.is_over:
        raise TimeIsOver
