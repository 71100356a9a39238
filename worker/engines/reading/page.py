"""A page, read: its boxes found, its direction proved, its lines cut out, read and put in order."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import cos, inf, radians, sin
from statistics import median

import numpy as np
from numpy.typing import NDArray

from worker.engines.deadline import Deadline
from worker.engines.reading.boxes import Box
from worker.engines.reading.detector import Detector
from worker.engines.reading.direction import page_angle, seems_standing, straightened
from worker.engines.reading.letters import Reading, is_wide, together
from worker.engines.reading.order import TextBox, in_reading_order
from worker.engines.reading.recognizer import Recognizer
from worker.engines.reading.strips import cuts, gap_near, parts, strip

#: A piece of a page: its left and top edge in the whole, and its BGR pixels.
Piece = tuple[int, int, "NDArray[np.uint8]"]
#: What is written in a box.
Text = tuple[Box, Reading]
#: Words with a letter that is less sure are read a second time, in a strip of this share of their height.
_HESITANT, _NARROWED = 0.75, 0.82
#: Below this all of a reading is doubted, and the line is read with its text running other ways too.
_DOUBTED = 0.85
#: Another way is right when its reading is surer by so much. So many lines of a page are doubted at most.
_SURER, _MOST_DOUBTED = 0.1, 24
#: A box may end before a full stop that ends its line: so many heights more are read.
_BEHIND = 0.25
#: Boxes nearer to each other, in heights, are parts of the same words.
_NEAR = 0.8
#: A less sure reading is left out; one of fewer letters was nothing written at all
#: where it is not this share as high as the page's lines.
_LEAST_CONFIDENCE, _LEAST_LETTERS, _SPECK = 0.5, 3, 0.6


@dataclass(frozen=True)
class Line:
    """What is written in one line, where it stands in the picture as it was given, and how sure that is."""

    text: str
    #: Left, top, right, bottom, in pixels.
    bounds: tuple[float, float, float, float]
    confidence: float


@dataclass(frozen=True)
class PageText:
    """What a page says."""

    #: In reading order.
    lines: tuple[Line, ...] = ()
    #: How sure the readings are that are left out as too unsure, though something is written there.
    left_out: tuple[float, ...] = ()

    @property
    def confidence(self) -> float:
        """That of the least sure line, from 0 to 1: a mean would hide one bad line of many.

        Lines of one or two letters, which may be specks, only count where there are no others.
        """
        words = [line.confidence for line in self.lines if len(line.text) >= _LEAST_LETTERS]
        return min([*(words or [line.confidence for line in self.lines]), *self.left_out], default=0.0)


class TimeIsOver(Exception):
    """Raised when the deadline came before the page was read."""


class PageReader:
    """Reads pages, one after the other, and the lines of each beside each other, one on each core.

    A line is too little work to share among cores: they would spend more time waiting for each other.
    """

    def __init__(self, detector: Detector, recognizer: Recognizer, threads: int) -> None:
        self._detector, self._recognizer = detector, recognizer
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="read-lines")

    def read(self, pieces: Sequence[Piece], deadline: Deadline) -> PageText:
        """The lines of a page in reading order.

        Raises TimeIsOver.
        """
        guess = int(seems_standing([pixels for *_, pixels in pieces]))
        boxes = self._boxes(pieces, guess, deadline)
        if not boxes and guess:
            guess, boxes = 0, self._boxes(pieces, 0, deadline)
        if not boxes:
            return PageText()
        angle = page_angle(boxes, partial(self._glimpses, pieces))
        quarters = round(angle / 90) % 4
        if (quarters - guess) % 2 == 1:
            # The detector has learnt from lines that lie: of those that stand it joins and loses short ones.
            boxes = self._boxes(pieces, quarters, deadline)
        texts = self._texts(pieces, [straightened(box, angle) for box in boxes], deadline)
        left_out = _left_out(texts)
        upright = [
            _upright(box, reading, angle) for box, reading in texts if reading.confidence >= _LEAST_CONFIDENCE
        ]
        return PageText(tuple(map(_joined, in_reading_order(upright))), tuple(left_out))

    def _boxes(self, pieces: Sequence[Piece], quarters: int, deadline: Deadline) -> list[Box]:
        """Where text stands that was turned clockwise by so many quarters."""
        boxes: list[Box] = []
        for left, top, pixels in pieces:
            _check(deadline)
            upright = np.ascontiguousarray(np.rot90(pixels, quarters))
            boxes += [
                box.in_turned_page(quarters, *upright.shape[:2]).moved(left, top)
                for box in self._detector.find(upright)
            ]
        return boxes

    def _glimpses(self, pieces: Sequence[Piece], boxes: Sequence[Box]) -> list[Reading]:
        """What is written in a few boxes, each read once as it is."""
        return list(self._threads.map(lambda box: self._recognizer.read(_strip(pieces, box)), boxes))

    def _texts(self, pieces: Sequence[Piece], boxes: Sequence[Box], deadline: Deadline) -> list[Text]:
        """What is written in each box; those that are doubted most are read again in other ways."""

        def read(box: Box) -> list[Text]:
            _check(deadline)
            longer = box.part(0, box.length + _BEHIND * box.height)
            whole = _strip(pieces, longer)
            scale = longer.length / whole.shape[1]
            some = []
            for begin, end in parts(whole):
                part = longer.part(begin * scale, end * scale)
                reading = self._read_twice(pieces, part, whole[:, begin:end])
                # Where it stands is told as it was found, since a neighbour may be near.
                some.append((box.part(begin * scale, min(end * scale, box.length)), reading))
            return some

        def read_again(place: int) -> Text:
            _check(deadline)
            return self._read_again(pieces, *texts[place])

        # A long line that is read last would leave the other cores without work.
        longest_first = sorted(boxes, key=lambda box: box.length, reverse=True)
        texts = [text for some in self._threads.map(read, longest_first) for text in some]
        least_sure_first = sorted(range(len(texts)), key=lambda place: texts[place][1].confidence)
        doubted = [
            place for place in least_sure_first[:_MOST_DOUBTED] if texts[place][1].confidence < _DOUBTED
        ]
        for place, better in zip(doubted, self._threads.map(read_again, doubted), strict=True):
            texts[place] = better
        return texts

    def _read_twice(self, pieces: Sequence[Piece], box: Box, whole: "NDArray[np.uint8]") -> Reading:
        """What is written in a strip; of words that are not clear, the surer one of two looks."""
        reading, narrow = self._read_strip(whole), box.narrowed(_NARROWED)
        scale, before = box.length / whole.shape[1], (box.length - narrow.length) / 2
        # From the last to the first, since what is read anew may have more letters.
        for begin, end in reversed(reading.unclear(_HESITANT)):
            letters = reading.letters
            left = gap_near(whole, letters[begin - 1].place) if begin else 0
            right = gap_near(whole, letters[end].place) if end < len(letters) else whole.shape[1]
            part = narrow.part(max(0, left * scale - before), min(narrow.length, right * scale - before))
            second = self._read_strip(_strip(pieces, part))
            if second.confidence > Reading(letters[begin:end]).confidence:
                reading = Reading((*letters[:begin], *second.letters, *letters[end:]))
        return reading

    def _read_strip(self, whole: "NDArray[np.uint8]") -> Reading:
        """What is written in a strip; a long one is read in parts."""
        edges = pairwise(cuts(whole))
        return together([self._recognizer.read(whole[:, begin:end]).moved(begin) for begin, end in edges])

    def _read_again(self, pieces: Sequence[Piece], box: Box, first: Reading) -> Text:
        """The surest reading of a doubted box: as it is, on its head, or standing, if it is tall."""
        best = (box, first)
        turns = [180.0] if box.height < 1.5 * box.length else [180.0, 90.0, -90.0]
        for turn in turns:
            turned = box.turned(turn)
            reading = self._read_strip(_strip(pieces, turned))
            # A letter alone on its side may look like another.
            if len(reading.text) > 1 and reading.confidence > best[1].confidence + _SURER:
                best = (turned, reading)
        return best


def _strip(pieces: Sequence[Piece], box: Box) -> "NDArray[np.uint8]":
    """A box's strip out of the piece in which its middle is."""
    left, top, pixels = next(
        (piece for piece in reversed(pieces) if piece[0] <= box.x and piece[1] <= box.y), pieces[0]
    )
    return strip(pixels, box.moved(-left, -top))


def _left_out(texts: Sequence[Text]) -> list[float]:
    """How sure the readings are that are too unsure to be shown, of what is no speck.

    That is as long as three letters, or as high as the lines that are read.
    """
    read = [box.height for box, reading in texts if reading.confidence >= _LEAST_CONFIDENCE]
    usual = median(read) if read else inf

    def is_speck(box: Box, reading: Reading) -> bool:
        # A letter is about half as wide as its line is high.
        letters = len(reading.text) or 2 * box.length / box.height
        return letters < _LEAST_LETTERS and not _SPECK < box.height / usual < 1 / _SPECK

    return [
        reading.confidence
        for box, reading in texts
        if reading.confidence < _LEAST_CONFIDENCE and not is_speck(box, reading)
    ]


def _upright(box: Box, reading: Reading, angle_deg: float) -> TextBox:
    """Where a box would stand if the page were straight."""
    cosine, sine = cos(radians(angle_deg)), sin(radians(angle_deg))
    x, y = box.x * cosine + box.y * sine, box.y * cosine - box.x * sine
    lying = straightened(box, angle_deg)
    return TextBox(
        reading.text,
        reading.confidence,
        left=x - lying.length / 2,
        top=y - lying.height / 2,
        right=x + lying.length / 2,
        bottom=y + lying.height / 2,
        bounds=box.bounds,
    )


def _joined(line: Sequence[TextBox]) -> Line:
    """The boxes of a line as one, spaces between them, save where a Chinese letter is near."""
    text = line[0].text
    for box, following in pairwise(line):
        is_near = following.left - box.right < _NEAR * box.height
        text += ("" if is_near and is_wide(box.text[-1] + following.text[0]) else " ") + following.text
    bounds = np.array([box.bounds for box in line])
    return Line(
        text,
        (*bounds[:, :2].min(axis=0).tolist(), *bounds[:, 2:].max(axis=0).tolist()),
        min(box.confidence for box in line),
    )


def _check(deadline: Deadline) -> None:
    if deadline.is_over:
        raise TimeIsOver
