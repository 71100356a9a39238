"""Boxes of text, put in the order in which a person reads them."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class TextBox:
    """A piece of text and the upright rectangle it stands in, in pixels of the image."""

    text: str
    confidence: float
    left: float
    top: float
    bottom: float

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top


def in_reading_order(boxes: Iterable[TextBox]) -> list[list[TextBox]]:
    """The lines from top to bottom, and in each its boxes from left to right."""
    lines: list[list[TextBox]] = []
    for box in sorted(boxes, key=lambda box: box.top + box.bottom):
        line = next((line for line in reversed(lines) if _are_on_one_line(line[-1], box)), None)
        if line is None:
            lines.append([box])
        else:
            line.append(box)
    return [sorted(line, key=lambda box: box.left) for line in lines]


def _are_on_one_line(one: TextBox, other: TextBox) -> bool:
    """True when they share at least half of the lower one's height."""
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return shared >= 0.5 * min(one.height, other.height)
