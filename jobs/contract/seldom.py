"""How often something is said. Imports nothing of ours."""

import threading
import time
from collections.abc import Callable

#: Seconds between two lines about the same.
PAUSE_S = 60.0


class Seldom:
    """Lets a kind of thing be said once every `PAUSE_S`; safe to use from many threads.

    `clock` gives seconds that only grow. Kinds are few, and are never forgotten.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._said_at_s: dict[str, float] = {}

    def is_due(self, kind: str) -> bool:
        """True when nothing of the kind was said for long enough; it counts as said then."""
        now_s = self._clock()
        with self._lock:
            is_due = now_s - self._said_at_s.get(kind, float("-inf")) >= PAUSE_S
            if is_due:
                self._said_at_s[kind] = now_s
        return is_due

    def forget(self) -> None:
        """Let every kind be said again."""
        with self._lock:
            self._said_at_s.clear()
