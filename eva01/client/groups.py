"""Which files make one job, told by their paths; a server has the same rule (jobs/contract/asking/groups.py).

folder    trip/day 1/a.jpg   trip/day 1/b.jpg  ──► trip/day 1: all that lie in it, not those below
prefix    shop/front_1.jpg   shop/front_2.jpg  ──► shop/front: the same but for the number at their end

The images of a job are in the natural order of their names: 2 before 10.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Never

#: What sets a number at a name's end apart from what stands before it.
_SEPARATORS = " ._-(["
_DIGITS = re.compile(r"([0-9]+)")


class GroupBy(StrEnum):
    """What the files of one job have in common."""

    #: The folder in which they lie.
    FOLDER = "folder"
    #: The folder, and their names but for the number at their end.
    PREFIX = "prefix"

    @classmethod
    def _missing_(cls, value: object) -> Never:
        """Says what there is to choose from."""
        choices = " or ".join(repr(by.value) for by in cls)
        raise ValueError(f"Files are grouped by {choices}, and not by {value!r}.")


@dataclass(frozen=True)
class Group:
    """The files of one job."""

    #: What the job is called; None for a file by itself, which is a job as it always was.
    name: str | None
    #: The places of its files among all paths, in the order in which they are asked about.
    places: tuple[int, ...]


def grouped(paths: Sequence[str], by: GroupBy | str, top: str = "") -> list[Group]:
    """All files in groups, each in exactly one, in the order in which the groups begin.

    `top` is what a job of files in no folder is called; without it, the first of them gives it its name.
    Paths have `/` between their parts. Raises ValueError for what is no value of GroupBy.
    """
    by = GroupBy(by)
    groups: dict[str | int, list[int]] = {}
    for place, path in enumerate(paths):
        common = common_name(path, by)
        groups.setdefault(place if common is None else common, []).append(place)
    return [_group(paths, common, places, top) for common, places in groups.items()]


def common_name(path: str, by: GroupBy) -> str | None:
    """What a file has in common with the others of its job; None for one that is a job by itself.

    >>> common_name("trip/day 1/a.jpg", GroupBy.FOLDER), common_name("shop/front (2).jpg", GroupBy.PREFIX)
    ('trip/day 1', 'shop/front')
    """
    folder, slash, name = path.rpartition("/")
    if by is GroupBy.FOLDER:
        return folder
    stem = _stem(name)
    numbered = stem[:-1] if stem.endswith((")", "]")) else stem
    prefix = numbered.rstrip("0123456789")
    if prefix == numbered:
        return None
    prefix = prefix.rstrip(_SEPARATORS)
    return f"{folder}{slash}{prefix}" if prefix else folder


def _group(paths: Sequence[str], common: str | int, places: Sequence[int], top: str) -> Group:
    if isinstance(common, int):
        return Group(None, (common,))
    ordered = sorted(places, key=lambda place: natural_order(paths[place]))
    return Group(common or top or paths[ordered[0]], tuple(ordered))


def natural_order(path: str) -> tuple[list[tuple[str, int, str]], str]:
    """What paths are sorted by so that their numbers count as such.

    >>> sorted(["page 10", "page 2", "page 02"], key=natural_order)
    ['page 02', 'page 2', 'page 10']
    """
    texts = _DIGITS.split(path)
    parts = []
    for text, digits in zip(texts[::2], [*texts[1::2], ""], strict=True):
        number = digits.lstrip("0")
        # A number with more digits is larger; so one of any length is compared.
        parts.append((text, len(number), number))
    return parts, path


def _stem(name: str) -> str:
    """A name without its ending."""
    stem, dot, _ = name.rpartition(".")
    return stem if dot and stem else name
