"""Where the lines of an answer stand on the pages of its image, packed into one short text.

    "10 12 180 40 98;10 52 170 80 97/10 12 90 40 99"

A page after the other, set apart by `/`; in each a line after the other, set apart by `;`: its left, top,
right and bottom edge in pixels of the upright page, and how sure its text is, in hundredths. The text itself
is in the answer, a line each; an empty line there, such as between two pages, has no place.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Place(NamedTuple):
    """Where a line stands: pixels of its upright page, counted from 1; and how sure its text is, 0 to 1."""

    left: int
    top: int
    right: int
    bottom: int
    confidence: float
    page: int = 1


def packed(places: Sequence[Place]) -> str | None:
    """Lines that come page after page as one text, some 20 bytes a line; None for none."""
    if not places:
        return None
    pages: list[list[str]] = [[] for _ in range(places[-1].page)]
    for place in places:
        *edges, confidence, page = place
        pages[page - 1].append(" ".join(map(str, [*edges, round(100 * confidence)])))
    return "/".join(";".join(page) for page in pages)


def unpacked(text: str) -> list[Place]:
    """The opposite of `packed`."""
    return [
        _place(line, number)
        for number, page in enumerate(text.split("/"), 1)
        for line in page.split(";")
        if line
    ]


def _place(line: str, page: int) -> Place:
    left, top, right, bottom, hundredths = map(int, line.split(" "))
    return Place(left, top, right, bottom, hundredths / 100, page)


def described(answer: str | None, text: str | None) -> list[dict[str, Any]] | None:
    """Each line of an answer with its place, as the API shows it; None when it has none.

    Where the places are not those of the answer's lines, none is named rather than a wrong one. The page is
    left out where there is one.
    """
    if not answer or not text:
        return None
    places = unpacked(text)
    lines = [line for line in answer.split("\n") if line.strip()]
    if len(lines) != len(places):
        return None
    has_pages = places[-1].page > 1
    return [_line(line, place, has_pages=has_pages) for line, place in zip(lines, places, strict=True)]


def _line(text: str, place: Place, *, has_pages: bool) -> dict[str, Any]:
    *box, confidence, page = place
    line: dict[str, Any] = {"text": text, "box": box, "confidence": confidence}
    return line | {"page": page} if has_pages else line
