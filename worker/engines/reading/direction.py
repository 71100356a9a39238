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
    sample = sorted(boxes, key=lambda box: abs(box.length / box.height - _SAMPLE_LENGTH))
    margin = 0.0
    for count, box in enumerate(sample[:_SAMPLE], 1):
        lying = straightened(box, angle)
        part = lying.part(0, min(lying.length, _SAMPLE_LENGTH * lying.height))
        margin += read(part).confidence - read(part.turned(180)).confidence
        if count >= 2 and abs(margin) / count > _PROVED:
            break
    return angle if margin >= 0 else angle + 180


def straightened(box: Box, angle_deg: float) -> Box:
    """The box with its text running the page's way, as far as quarter turns can do that."""
    quarters = round((angle_deg - box.angle_deg) / 90)
    return box.turned(90.0 * quarters)


def _slant(boxes: Sequence[Box]) -> float:
    """The angle of most text, from -45 up to 135 degrees: the median of the long boxes, by their lengths."""
    long = [box for box in boxes if box.length > _LONG * box.height] or list(boxes)
    standing = sum(box.length for box in long if abs(box.angle_deg) > _SLANTED)
    lying = sum(box.length for box in long if abs(box.angle_deg) <= _SLANTED)
    base = 90.0 if standing > lying else 0.0
    along = [box for box in long if (abs(box.angle_deg) > _SLANTED) == (base == 90.0)]
    angles = np.array([(box.angle_deg - base + 90) % 180 - 90 + base for box in along])
    weights = np.array([box.length for box in along])
    order = angles.argsort()
    middle = np.searchsorted(weights[order].cumsum(), weights.sum() / 2)
    return float(angles[order][middle])
