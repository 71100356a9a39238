"""Single questions first: jobs of batches leave them the cores for a moment."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds that a single question may take before jobs of batches are prepared beside it again.
_MOST_S = 0.5


class Precedence:
    """Single questions in hand, for which jobs of batches wait before they use the cores; safe for threads.

    Decoding and cutting images takes the cores that the question's own image needs, and the device's thread
    where the device is the CPU. A batch waits for `most_s` seconds at most: long answers do not hold it up.
    """

    def __init__(self, most_s: float = _MOST_S) -> None:
        self._most_s = most_s
        self._changed = threading.Condition()
        #: When each question in hand began, the newest last.
        self._began_s: list[float] = []

    @contextmanager
    def asking(self) -> Iterator[None]:
        """A single question is in hand."""
        began_s = time.monotonic()
        with self._changed:
            self._began_s.append(began_s)
        try:
            yield
        finally:
            with self._changed:
                self._began_s.remove(began_s)
                self._changed.notify_all()

    def give_way(self) -> None:
        """Wait until no single question is in hand, or until the newest of now has had its time."""
        with self._changed:
            if self._began_s:
                left_s = self._began_s[-1] + self._most_s - time.monotonic()
                self._changed.wait_for(lambda: not self._began_s, max(0.0, left_s))
