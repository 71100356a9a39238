"""Boxes of text, put in the order in which a person reads them.

A page is cut by its white space. Where lines stand above each other with a gutter through all of them, they
are columns, read one after the other, or the rows of a table, read across. What reaches across the gutter,
such as a heading, ends the columns above it.

    region ──► slabs ──► bands ──► columns, each a region again
    (a page)   (rows)    (with a common gutter, or without)
                              └──► lines
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from statistics import median

#: A gutter is at least so many heights of a line wide.
_GUTTER = 0.5
#: No space between words is so many heights wide.
_WORDS = 0.9
#: White from edge to edge, so many heights high, ends the columns above it.
_BREAK = 2.5
#: A line in the columns' middle that is so many times as high as others, with white above it, is a heading.
_HEADING = 1.3
#: ... and so many times as high, where it stands across the middle of the width.
_LARGER = 1.2
#: So is one across the middle of the width that is shorter than this share of it, and off by less than this.
_SHORT, _OFF_CENTRE = 0.25, 0.06
#: Where so large a share of lines has a neighbour at its own height in the next column, they may be a table.
_ALIGNED = 0.6
#: A line of prose fills so much of its column's width.
_FULL = 0.6
#: How many heights long such a line is, and how much of a column's text is in such lines: where lines are not
#: beside each other, as in no table; where they are; and where they are as far apart as the rows of one, too.
_FREE, _BESIDE, _ROWS = (3.3, 0.4), (5.5, 0.65), (12.0, 0.85)
#: Where a smaller share of lines has any beside it, both sides are read from the top down: a chat.
_IN_TURN = 0.2
#: With less white between them, in heights, lines are of one block.
_CLOSE = 2.0
#: So few lines may as well be rows.
_FEW = 3
#: From so many lines on, their first and last signs tell the entries of a table from the lines of prose.
_ENTRIES, _NEARLY_ALL = 5, 0.9
#: What ends a sentence.
_ENDS = (".", "!", "?", "。", "！", "？")
#: What an item of a list begins with: such columns are read one after the other.
_MARK = re.compile(r"[-–—•·*+] ?|\d{1,2}[.)] ")
#: From line to line, in heights: more than this is usual in tables only.
_PITCH = 1.7

#: So many times as high as a line is no part of it, such as a chart's bar that was taken for a letter.
_FAR_HIGHER = 3.0
#: So many times as high as it is wide is text that stands.
_STANDING = 1.5

Gap = tuple[float, float]


@dataclass(frozen=True)
class TextBox:
    """A piece of text and where it stands on the page once that is upright and straight, in pixels."""

    text: str
    confidence: float
    left: float
    top: float
    right: float
    bottom: float
    #: The same in the picture as it was given: left, top, right, bottom.
    bounds: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def is_standing(self) -> bool:
        """True when its text runs up or down: of two letters or more, and far higher than it is wide."""
        return len(self.text) > 1 and self.height > _STANDING * self.width

    @property
    def middle(self) -> float:
        """Half-way from top to bottom."""
        return (self.top + self.bottom) / 2


Boxes = Sequence[TextBox]


def in_reading_order(boxes: Iterable[TextBox]) -> list[list[TextBox]]:
    """The lines in the order in which they are read, and in each its boxes from left to right."""
    lying, standing = _apart(boxes)
    lines = [line for band in _bands(lying) for line in _lines_of_band(band)]
    for label in sorted(standing, key=lambda box: -box.left):
        below = (place for place, line in enumerate(lines) if line[0].middle > label.middle)
        lines.insert(next(below, len(lines)), [label])
    return lines


def _apart(boxes: Iterable[TextBox]) -> tuple[list[TextBox], list[TextBox]]:
    """What lies and what stands, such as a label along a chart: that reaches past lines and is on none."""
    halves: tuple[list[TextBox], list[TextBox]] = ([], [])
    for box in boxes:
        halves[box.is_standing].append(box)
    return halves


def _lines_of_band(band: Boxes) -> list[list[TextBox]]:
    columns = _columns(band)
    if len(columns) == 1:
        return _lines(band)
    return [line for column in columns for line in in_reading_order(column)]


def _bands(boxes: Boxes) -> list[list[TextBox]]:
    """The boxes in bands from the top down: each has a gutter through all of it, or none at all."""
    slabs = _slabs(boxes)
    left = min((box.left for box in boxes), default=0.0)
    right = max((box.right for box in boxes), default=0.0)
    gaps = [_gaps(slab, left, right) for slab in slabs]
    bands: list[list[TextBox]] = []
    begin, is_plain = 0, False
    while begin < len(slabs):
        end = _end_of_run(slabs, gaps, begin)
        if end is None and is_plain:
            bands[-1] += slabs[begin]
        else:
            bands.append([box for slab in slabs[begin : end or begin + 1] for box in slab])
        begin, is_plain = end or begin + 1, end is None
    return bands


def _end_of_run(slabs: Sequence[Boxes], gaps: Sequence[Sequence[Gap]], begin: int) -> int | None:
    """Behind the last of the slabs from `begin` on that share a gutter; None when that one has none."""
    height = median(box.height for slab in slabs for box in slab)
    width = (
        min(box.left for slab in slabs for box in slab),
        max(box.right for slab in slabs for box in slab),
    )
    if _is_heading(slabs[begin], height, width):
        return None
    least = _GUTTER * height
    free = [(left, right) for left, right in gaps[begin] if right - left >= least]
    ends, begins, found = inf, -inf, None
    for place in range(begin, len(slabs)):
        slab = slabs[place]
        if place > begin:
            free = _shared(free, gaps[place], least)
        if not free or (place > begin and _ends_columns(slabs[place - 1], slab, height, width)):
            break
        ends = min(ends, *(box.right for box in slab))
        begins = max(begins, *(box.left for box in slab))
        if any(ends <= left and right <= begins for left, right in free):
            found = place + 1
    return found


def _ends_columns(above: Boxes, slab: Boxes, height: float, width: Gap) -> bool:
    """True when a slab belongs to nothing above it: white is between, or it is a heading."""
    white = min(box.top for box in slab) - max(box.bottom for box in above)
    return (_is_heading(slab, height, width) and white > 0.5 * height) or white > _BREAK * height


def _is_heading(slab: Boxes, height: float, width: Gap) -> bool:
    """True for a higher line alone, and for a short one in the middle of the width."""
    begin, end = width
    line = slab[0]
    is_short = line.width < _SHORT * (end - begin)
    middle = (begin + end) / 2
    off = abs((line.left + line.right) / 2 - middle)
    is_across = line.left < middle < line.right
    is_centred = is_short and is_across and off < _OFF_CENTRE * (end - begin)
    return len(slab) == 1 and (line.height > (_LARGER if is_across else _HEADING) * height or is_centred)


def _slabs(boxes: Boxes) -> list[list[TextBox]]:
    """Boxes that stand beside each other: the middle halves of their heights overlap."""
    slabs: list[list[TextBox]] = []
    bottom = 0.0
    for box in sorted(boxes, key=lambda box: box.middle - box.height / 4):
        if slabs and box.middle - box.height / 4 < bottom:
            slabs[-1].append(box)
            bottom = max(bottom, box.middle + box.height / 4)
        else:
            slabs.append([box])
            bottom = box.middle + box.height / 4
    return slabs


def _gaps(boxes: Boxes, left: float, right: float) -> list[Gap]:
    """What no box covers from left to right."""
    gaps, edge = [], left
    for box in sorted(boxes, key=lambda box: box.left):
        if box.left > edge:
            gaps.append((edge, box.left))
        edge = max(edge, box.right)
    return [*gaps, (edge, right)] if right > edge else gaps


def _shared(some: Sequence[Gap], others: Sequence[Gap], least: float) -> list[Gap]:
    """Where gaps of both overlap by at least so much."""
    overlaps = [(max(a, c), min(b, d)) for a, b in some for c, d in others]
    return [(begin, end) for begin, end in overlaps if end - begin >= least]


def _columns(band: Boxes) -> list[list[TextBox]]:
    """The columns of prose in a band; all of it is one where it has no gutter, or is a table."""
    height = median(box.height for box in band)
    gaps = _gaps(band, min(box.left for box in band), max(box.right for box in band))
    for begin, end in sorted(gaps, key=lambda gap: gap[0] - gap[1]):
        if end - begin < _GUTTER * height:
            continue
        left = [box for box in band if box.right <= begin]
        right = [box for box in band if box.left >= end]
        if _are_columns(left, right):
            return [*_columns(left), *_columns(right)]
    return [list(band)]


def _are_columns(left: Boxes, right: Boxes) -> bool:
    """True when two sides of a gutter are read one after the other, not across."""
    if _beside(left, right) < _IN_TURN or _are_rows(left, right):
        return False
    fewer, more = sorted((len(_lines(left)), len(_lines(right))))
    if more < 2:
        return False
    if fewer < 2 or more < _FEW:
        wanted = _ROWS
    elif _aligned(left, right) < _ALIGNED:
        wanted = _FREE
    else:
        wanted = _ROWS if max(_pitch(left), _pitch(right)) > _PITCH else _BESIDE
    return _is_prose(left, *wanted) and _is_prose(right, *wanted)


def _are_rows(left: Boxes, right: Boxes) -> bool:
    """True when lines stand exactly beside each other and nearly each of the left is an entry of its own."""
    lines = _lines(left)
    if len(lines) < _ENTRIES or _aligned(left, right) < _NEARLY_ALL:
        return False
    is_list = sum(bool(_MARK.match(line[0].text)) for line in lines) >= _NEARLY_ALL * len(lines)
    return not is_list and sum(map(_is_entry, lines)) >= _NEARLY_ALL * len(lines)


def _is_entry(line: Boxes) -> bool:
    """True for a digit or a capital first, or the end of a sentence last, as few lines of prose have it.

    A line all in capitals tells nothing by its first.
    """
    first = line[0].text
    begins = first[:1].isdigit() or (first[:1].isupper() and not first.isupper())
    return begins or line[-1].text.endswith(_ENDS)


def _beside(left: Boxes, right: Boxes) -> float:
    """The share of the shorter side's lines beside a block of the other side: none is in a chat."""
    fewer, more = sorted((left, right), key=len)
    blocks = _blocks(more)
    beside = [any(box.top < bottom and top < box.bottom for top, bottom in blocks) for box in fewer]
    return sum(beside) / len(beside)


def _blocks(column: Boxes) -> list[Gap]:
    """Top and bottom of the lines that stand close above each other."""
    blocks: list[Gap] = []
    for box in sorted(column, key=lambda box: box.top):
        if blocks and box.top - blocks[-1][1] < _CLOSE * box.height:
            blocks[-1] = (blocks[-1][0], max(blocks[-1][1], box.bottom))
        else:
            blocks.append((box.top, box.bottom))
    return blocks


def _pitch(column: Boxes) -> float:
    """How far it usually is from line to line, in heights."""
    middles = [line[0].middle for line in _lines(column)]
    return median(below - above for above, below in pairwise(middles)) / median(box.height for box in column)


def _aligned(left: Boxes, right: Boxes) -> float:
    """The share of the shorter side's lines that stand exactly beside one of the other side."""
    fewer, more = sorted((left, right), key=len)
    beside = [any(abs(box.middle - other.middle) < 0.2 * box.height for other in more) for box in fewer]
    return sum(beside) / len(beside)


def _is_prose(column: Boxes, long: float, share: float) -> bool:
    """True when so large a share of the text is in lines that are so many heights long and fill the width."""
    height = median(box.height for box in column)
    longest = [max(_spans(line, height)) for line in _lines(column)]
    usual = sorted(longest)[int(0.9 * (len(longest) - 1))]
    least = max(_FULL * usual, long * height)
    return sum(length for length in longest if length >= least) >= share * sum(longest)


def _spans(line: Boxes, height: float) -> list[float]:
    """How long the parts of a line are between which there is more room than between words."""
    begin, end, spans = line[0].left, line[0].right, []
    for box in line[1:]:
        if box.left - end > _WORDS * height:
            spans.append(end - begin)
            begin = box.left
        end = max(end, box.right)
    return [*spans, end - begin]


def _lines(boxes: Iterable[TextBox]) -> list[list[TextBox]]:
    """The lines from top to bottom, and in each its boxes from left to right."""
    lines: list[list[TextBox]] = []
    for box in sorted(boxes, key=lambda box: box.middle):
        line = next((line for line in reversed(lines) if _are_on_one_line(line[-1], box)), None)
        if line is None:
            lines.append([box])
        else:
            line.append(box)
    return [sorted(line, key=lambda box: box.left) for line in lines]


def _are_on_one_line(one: TextBox, other: TextBox) -> bool:
    """True when they share at least half of the lower one's height, and none is far higher."""
    if max(one.height, other.height) > _FAR_HIGHER * min(one.height, other.height):
        return False
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return shared >= 0.5 * min(one.height, other.height)
