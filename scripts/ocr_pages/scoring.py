"""How what was read differs from what was written."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

#: A line is read well when no larger share of its characters differs.
_TOLERANCE = 0.02
#: Lines less alike than this are not the same line.
_LEAST_ALIKE = 0.6


@dataclass(frozen=True)
class Score:
    """What became of one page's lines."""

    lines: int
    good: int
    is_in_order: bool
    #: Lines written and what was read for them, where they differ too much.
    misread: tuple[tuple[str, str], ...]


def score(written: Sequence[str], read: Sequence[str]) -> Score:
    """Find each written line among those read, and see whether they come in the same order."""
    wanted, given = [_plain(line) for line in written], [_plain(line) for line in read]
    places = [_place(line, given) for line in wanted]
    misread = [
        (line, "" if place is None else read[place])
        for line, place, plain in zip(written, places, wanted, strict=True)
        if place is None or distance(plain, given[place]) > _TOLERANCE * len(plain)
    ]
    found = [place for place in places if place is not None]
    in_order = all(one < other for one, other in pairwise(found))
    return Score(len(wanted), len(wanted) - len(misread), in_order, tuple(misread))


def distance(one: str, other: str) -> int:
    """How many characters have to be changed, added or taken away to make one text of the other."""
    row = list(range(len(other) + 1))
    for i, mine in enumerate(one, 1):
        above, row[0] = row[0], i
        for j, theirs in enumerate(other, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (mine != theirs))
    return row[-1]


def _place(line: str, given: Sequence[str]) -> int | None:
    """Where a line is among those read: the line that is most alike, if one is alike enough."""
    if line in given:
        return given.index(line)
    matcher = SequenceMatcher(None, "", line, autojunk=False)
    best, found = _LEAST_ALIKE, None
    for place, other in enumerate(given):
        matcher.set_seq1(other)
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and matcher.ratio() > best:
            best, found = matcher.ratio(), place
    return found


def _plain(line: str) -> str:
    """A line with one form for each character (full and half width), and single spaces."""
    return " ".join(unicodedata.normalize("NFKC", line).split())
