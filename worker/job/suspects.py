"""Who may begin in a worker: all beside each other, but for a suspect that runs alone.

came ──► line ──► nobody before it that it may not be with ──► begun ──► left
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile

from worker.engines.company import Company
from worker.job.decode.room import CheckWanted

#: Seconds between looks at whether who waits is still wanted.
_LOOK_S = 0.5


@dataclass(frozen=True, eq=False)
class Place:
    """Where a job stands in the line."""

    company: Company


class Suspects:
    """Lets the jobs of a worker begin in the order they came; safe to use from many threads.

    One that runs alone begins when all before it have left, and who comes after it waits until it has left.
    So nothing else is decoded or on the device meanwhile, and what ends the process is its own doing. Others
    do not wait for each other here: the device itself keeps suspects from innocents. Who has begun needs
    nothing of those that wait, so all get their turn.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: list[Place] = []

    @contextmanager
    def turn(self, company: Company, check_wanted: CheckWanted) -> Iterator[None]:
        """Wait for the turn of a job of `company`, which lasts as long as this.

        Raises what `check_wanted` raises, which is called while it waits.
        """
        place = self.join(company)
        try:
            while not self._comes_soon(place):
                check_wanted()
            yield
        finally:
            self.leave(place)

    def join(self, company: Company) -> Place:
        """A place at the end of the line."""
        place = Place(company)
        with self._changed:
            self._line.append(place)
        return place

    def may_begin(self, place: Place) -> bool:
        """True when it is the turn of whoever stands there."""
        with self._changed:
            before = takewhile(lambda other: other is not place, self._line)
            return not any(Company.NOBODY in (place.company, other.company) for other in before)

    def leave(self, place: Place) -> None:
        """Leave the line, begun or not."""
        with self._changed:
            self._line.remove(place)
            self._changed.notify_all()

    def _comes_soon(self, place: Place) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.may_begin(place), _LOOK_S)
