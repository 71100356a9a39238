"""How much of the engine each job took: a second that several have is divided among them."""

import time
from collections.abc import Callable


class Shares:
    """A clock that goes the slower the more jobs are there; used in one thread.

    >>> now = 0.0
    >>> shares = Shares(lambda: now)
    >>> one = shares.enter(); now = 4.0
    >>> other = shares.enter(); now = 6.0
    >>> shares.leave(one), shares.leave(other)
    (5.0, 1.0)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._count, self._share_s, self._at_s = 0, 0.0, clock()

    def enter(self) -> float:
        """Count one more; gives what its time is read from when it leaves."""
        self._go_on()
        self._count += 1
        return self._share_s

    def leave(self, entered: float) -> float:
        """Count one less; gives the seconds that it took of the engine."""
        self._go_on()
        self._count -= 1
        return self._share_s - entered

    def _go_on(self) -> None:
        now_s = self._clock()
        if self._count:
            self._share_s += (now_s - self._at_s) / self._count
        self._at_s = now_s
