"""Which way a page is turned: guessed from its rhythm, proved by reading a few boxes in all ways."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from worker.engines.reading.boxes import Box
from worker.engines.reading.letters import Reading

#: Longer than this many times its height, a box shows which way its text runs.
_LONG = 2.0
#: So many lines are read both ways, at most.
_SAMPLE = 6
#: ... and so many of each kind, lying, standing or short, where a page has several.
_SAMPLE_OF_KIND = 3
#: One way is proved right when its readings are surer than the other's by this much, on average.
_PROVED = 0.15
#: A page is only turned on its head when the readings are surer then by this much, on average.
_DOUBT = 0.03
#: The ways in which text may run, in degrees clockwise.
_WAYS = (0.0, 90.0, 180.0, 270.0)
#: What is read less surely in all ways is no text.
_LEGIBLE = 0.5
#: Of a line, so many times its height are read.
_SAMPLE_LENGTH = 12.0
#: Degrees: no slant is measured from boxes that lie further off.
_SLANTED = 45.0
#: Lines follow each other as dark and light bands: looked for in a picture so large on its longer side,
#: averaged over so many pixels along the text, which is longer than words are.
_RHYTHM_PX, _ALONG_PX = 300, 128
#: A page seems to stand when its bands across are so many times as strong as those that lie.
_STRONGER = 1.4
#: Of a page, at least this share is paper: as bright as its median, give or take that share of the contrast.
_PAPER, _EVEN = 0.55, 0.15

Read = Callable[[Sequence[Box]], Sequence[Reading]]


def seems_standing(pictures: "Sequence[NDArray[np.uint8]]") -> bool:
    """True where the lines of a page (BGR) seem to stand: a guess that costs next to nothing.

    One that is wrong costs the time of finding text twice. Of a photograph nothing is guessed.
    """
    grays = [cv2.cvtColor(_small(pixels), cv2.COLOR_BGR2GRAY).astype(np.float32) for pixels in pictures]
    if not all(map(_is_mostly_paper, grays)):
        return False
    return sum(_rhythm(gray.T) for gray in grays) > _STRONGER * sum(_rhythm(gray) for gray in grays)


def _small(pixels: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
    scale = min(1.0, _RHYTHM_PX / max(pixels.shape))
    size = [max(1, round(side * scale)) for side in (pixels.shape[1], pixels.shape[0])]
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _is_mostly_paper(gray: "NDArray[np.float32]") -> bool:
    darkest, paper, lightest = np.percentile(gray, (1, 50, 99))
    return bool((abs(gray - paper) <= _EVEN * (lightest - darkest)).mean() >= _PAPER)


def _rhythm(gray: "NDArray[np.float32]") -> float:
    """How strongly the rows of a picture change from each to the next."""
    rows = cv2.blur(np.ascontiguousarray(gray), (_ALONG_PX, 1))
    return float(np.square(np.diff(rows, axis=0)).mean()) if len(rows) > 1 else 0.0


def page_angle(boxes: Sequence[Box], read: Read) -> float:
    """The angle at which the page's lines run, in degrees clockwise: 0 for an upright page, 90 for one that
    was turned clockwise, and what it is askew.
    """
    lying = [box for box in boxes if _is_long(box) and _is_lying(box)]
    standing = [box for box in boxes if _is_long(box) and not _is_lying(box)]
    short = [box for box in boxes if not _is_long(box)]
    base = (
        _surest_base([lying, standing, short], read) if standing and lying + short else 90.0 * bool(standing)
    )
    along = standing if base else lying
    angle = _slant(along, base)
    sample = _telling(along or boxes, _SAMPLE)
    margin = 0.0
    for count, box in enumerate(sample, 1):
        part = _beginning(straightened(box, angle))
        upright, on_its_head = read([part, part.turned(180)])
        margin += upright.confidence - on_its_head.confidence
        if count >= 2 and abs(margin) / count > _PROVED:
            break
    return angle + 180 if margin < -_DOUBT * len(sample) else angle


def straightened(box: Box, angle_deg: float) -> Box:
    """The box with its text running the page's way, as far as quarter turns can do that."""
    quarters = round((angle_deg - box.angle_deg) / 90)
    return box.turned(90.0 * quarters)


def _surest_base(kinds: Sequence[Sequence[Box]], read: Read) -> float:
    """0 for a lying page and 90 for a standing one: a few boxes of each kind are read in all four ways.

    Each box has one voice, however long: a chart's title along its edge does not turn the chart. One that
    says nothing in any way, such as a chart's bar, has none.
    """
    scores = dict.fromkeys(_WAYS, 0.0)
    for kind in filter(None, kinds):
        tried, voices = 0, []
        for box in _telling(kind, 2 * _SAMPLE_OF_KIND):
            tried += 1
            ways = [_beginning(straightened(box, angle)) for angle in _WAYS]
            sure = [reading.confidence for reading in read(ways)]
            if max(sure) > _LEGIBLE:
                voices.append(sure)
            if len(voices) == _SAMPLE_OF_KIND:
                break
        for angle, *said in zip(_WAYS, *voices, strict=True):
            scores[angle] += sum(said) / tried * len(kind)
    return max(scores, key=lambda angle: scores[angle]) % 180


def _telling(boxes: Sequence[Box], count: int) -> list[Box]:
    """So many boxes, those first whose length tells most of how sure their readings are."""
    return sorted(boxes, key=lambda box: abs(box.length / box.height - _SAMPLE_LENGTH))[:count]


def _beginning(box: Box) -> Box:
    return box.part(0, min(box.length, _SAMPLE_LENGTH * box.height))


def _slant(along: Sequence[Box], base: float) -> float:
    """The angle of most text, up to 90 degrees off the base: the median of these boxes, by their lengths."""
    if not along:
        return base
    angles = np.array([(box.angle_deg - base + 90) % 180 - 90 + base for box in along])
    weights = np.array([box.length for box in along])
    order = angles.argsort()
    middle = np.searchsorted(weights[order].cumsum(), weights.sum() / 2)
    return float(angles[order][middle])


def _is_lying(box: Box) -> bool:
    return abs((box.angle_deg + 90) % 180 - 90) <= _SLANTED


def _is_long(box: Box) -> bool:
    return box.length > _LONG * box.height
