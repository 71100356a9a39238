"""What was done, in numbers that add up. Imports nothing of ours."""

from dataclasses import astuple, dataclass
from operator import add
from typing import Self


@dataclass(frozen=True)
class Sums:
    """Base of dataclasses whose fields are numbers alone: two of a kind add up field by field."""

    def __add__(self, other: Self) -> Self:
        return type(self)(*map(add, astuple(self), astuple(other)))
