"""What was read, letter by letter."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, pairwise
from unicodedata import east_asian_width


@dataclass(frozen=True)
class Letter:
    """A letter, or a space."""

    text: str
    #: How sure the net is of it, from 0 to 1.
    sure: float
    #: Where it stands in the strip, in pixels from its beginning.
    place: float


@dataclass(frozen=True)
class Reading:
    """What is written in a strip; nothing where there are no letters."""

    letters: tuple[Letter, ...] = ()

    @cached_property
    def text(self) -> str:
        """Its letters."""
        return "".join(letter.text for letter in self.letters)

    @cached_property
    def confidence(self) -> float:
        """How sure the net is of a letter, on average."""
        return sum(letter.sure for letter in self.letters) / max(1, len(self.letters))

    def moved(self, by: float) -> "Reading":
        """The same, so many pixels further on."""
        return Reading(tuple(replace(letter, place=letter.place + by) for letter in self.letters))

    def unclear(self, least_sure: float) -> list[tuple[int, int]]:
        """Where words begin and end that have a letter, or a space beside them, that is less sure.

        Those that follow each other are together.
        """
        letters = self.letters
        spaces = [place for place, letter in enumerate(letters) if letter.text.isspace()]
        edges = pairwise([-1, *spaces, len(letters)])
        words = [(before, behind) for before, behind in edges if behind - before > 1]

        def is_unclear(word: tuple[int, int]) -> bool:
            before, behind = word
            return any(letter.sure < least_sure for letter in letters[max(before, 0) : behind + 1])

        runs = [list(run) for unclear, run in groupby(words, is_unclear) if unclear]
        return [(run[0][0] + 1, run[-1][1]) for run in runs]


def together(parts: Sequence[Reading]) -> Reading:
    """What was read in parts of one strip as one."""
    letters: tuple[Letter, ...] = ()
    for part in filter(lambda part: part.letters, parts):
        if letters and not is_wide(letters[-1].text + part.letters[0].text):
            place = (letters[-1].place + part.letters[0].place) / 2
            letters += (Letter(" ", sure=1.0, place=place),)
        letters += part.letters
    return Reading(letters)


def is_wide(letters: str) -> bool:
    """True where one of the letters is Chinese, which needs no space beside it."""
    return any(east_asian_width(letter) in "WF" for letter in letters)
