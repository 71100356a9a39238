"""Which way a page is turned: its long boxes say lying or standing, reading a few both ways says the rest."""

from collections.abc import Callable, Sequence

import numpy as np

from worker.engines.reading.boxes import Box
from worker.engines.reading.recognizer import Reading

#: Longer than this many times its height, a box shows which way its text runs.
_LONG = 2.0
#: So many lines are read both ways, at most.
_SAMPLE = 6
#: One way is proved right when its readings are surer than the other's by this much, on average.
_PROVED = 0.15
#: A page is only turned on its head when the readings are surer then by this much, on average.
_DOUBT = 0.03
#: Of a line, so many times its height are read.
_SAMPLE_LENGTH = 12.0
#: Degrees: no slant is measured from boxes that lie further off.
_SLANTED = 45.0

Read = Callable[[Box], Reading]


def page_angle(boxes: Sequence[Box], read: Read) -> float:
    """The angle at which the page's lines run, in degrees clockwise: 0 for an upright page, 90 for one that
    was turned clockwise, and what it is askew.
    """
    angle = _slant(boxes)
    by_length = sorted(boxes, key=lambda box: abs(box.length / box.height - _SAMPLE_LENGTH))
    sample = by_length[:_SAMPLE]
    margin = 0.0
    for count, box in enumerate(sample, 1):
        lying = straightened(box, angle)
        part = lying.part(0, min(lying.length, _SAMPLE_LENGTH * lying.height))
        margin += read(part).confidence - read(part.turned(180)).confidence
        if count >= 2 and abs(margin) / count > _PROVED:
            break
    return angle + 180 if margin < -_DOUBT * len(sample) else angle


def straightened(box: Box, angle_deg: float) -> Box:
    """The box with its text running the page's way, as far as quarter turns can do that."""
    quarters = round((angle_deg - box.angle_deg) / 90)
    return box.turned(90.0 * quarters)


def _slant(boxes: Sequence[Box]) -> float:
    """The angle of most text, from -45 up to 135 degrees: the median of the long boxes, by their lengths.

    Short boxes, such as a digit alone, say nothing: they count as lying.
    """
    standing = [box for box in boxes if _is_long(box) and abs(box.angle_deg) > _SLANTED]
    lying = [box for box in boxes if _is_long(box) and abs(box.angle_deg) <= _SLANTED]
    short = sum(box.length for box in boxes if not _is_long(box))
    is_standing = _total(standing) > _total(lying) + short
    base = 90.0 if is_standing else 0.0
    along = standing if is_standing else lying
    if not along:
        return base
    angles = np.array([(box.angle_deg - base + 90) % 180 - 90 + base for box in along])
    weights = np.array([box.length for box in along])
    order = angles.argsort()
    middle = np.searchsorted(weights[order].cumsum(), weights.sum() / 2)
    return float(angles[order][middle])


def _is_long(box: Box) -> bool:
    return box.length > _LONG * box.height


def _total(boxes: Sequence[Box]) -> float:
    return sum(box.length for box in boxes)
