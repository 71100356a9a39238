"""Single questions first: jobs of their owner's batches leave them the cores for a moment."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds that a single question may take before jobs of batches are prepared beside it again.
_MOST_S = 0.5


class Precedence:
    """Single questions in hand, for which jobs of their owner's batches wait before they use the cores.

    Decoding and cutting images takes the cores that the question's own image needs, and the device's thread
    where the device is the CPU. A batch waits for `most_s` seconds at most: long answers do not hold it up.
    Owners have turns, so nobody's batch waits for another owner's questions. Safe to use from many threads.
    """

    def __init__(self, most_s: float = _MOST_S) -> None:
        self._most_s = most_s
        self._changed = threading.Condition()
        #: When each question in hand began, and whose it is; the newest last.
        self._in_hand: list[tuple[float, str | None]] = []

    @contextmanager
    def asking(self, owner: str | None) -> Iterator[None]:
        """A single question of an owner is in hand."""
        question = time.monotonic(), owner
        with self._changed:
            self._in_hand.append(question)
        try:
            yield
        finally:
            with self._changed:
                self._in_hand.remove(question)
                self._changed.notify_all()

    def give_way(self, owner: str | None) -> None:
        """Wait until no question of the owner is in hand, or until the newest of now has had its time."""
        with self._changed:
            if began_s := self._began_s(owner):
                left_s = began_s[-1] + self._most_s - time.monotonic()
                self._changed.wait_for(lambda: not self._began_s(owner), max(0.0, left_s))

    def _began_s(self, owner: str | None) -> list[float]:
        return [began_s for began_s, whose in self._in_hand if whose == owner]
