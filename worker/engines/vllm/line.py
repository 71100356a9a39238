"""Which job goes to vLLM next: all that are there at a time are of one company."""

from collections.abc import Collection
from typing import Generic, Protocol, TypeVar

from worker.engines.company import Company


class Waits(Protocol):
    """What waits."""

    company: Company
    is_interactive: bool


_W = TypeVar("_W", bound=Waits)


class Line(Generic[_W]):
    """Those that wait; used in one thread.

    Suspects go first, so that those of a lost worker are together once, then single questions. Who may not
    be with those that are there has all others wait behind it, so that it gets its turn.
    """

    def __init__(self) -> None:
        self._waiting: list[_W] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, one: _W) -> None:
        """Put it behind all of its kind."""
        self._waiting.append(one)

    def remove(self, one: _W) -> bool:
        """Take it out; False when it does not wait."""
        is_there = one in self._waiting
        if is_there:
            self._waiting.remove(one)
        return is_there

    def next(self, there: Collection[_W]) -> _W | None:
        """Take out the next that may be with those that are `there`; None when it has to wait."""
        first = min(self._waiting, key=_turn, default=None)
        if first is None or not all(one.company.admits(first.company) for one in there):
            return None
        self._waiting.remove(first)
        return first


def _turn(one: Waits) -> tuple[bool, bool]:
    """What comes before what."""
    return one.company is not Company.SUSPECTS, not one.is_interactive
