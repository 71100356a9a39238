"""What this process has written into the audit trail of late, so that polling and guessing do not fill it."""

import threading
import time
from collections.abc import Callable

#: Seconds for which a further look at the same thing is not written again.
LOOK_S = 3600.0
#: Looks that are remembered; beyond them some are written again.
_MOST_LOOKS = 10_000
#: Seconds of which refused sign-ins are counted together.
_WINDOW_S = 60.0
Clock = Callable[[], float]


class Looks:
    """Tells first looks from further ones; safe to use from many threads."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._looked_s: dict[tuple[str, str], float] = {}

    def is_known(self, who: str, what: str) -> bool:
        """True when that was noted within the hour."""
        with self._lock:
            return self._clock() - self._looked_s.get((who, what), float("-inf")) < LOOK_S

    def note(self, who: str, what: str) -> None:
        """Remember a look that was written."""
        with self._lock:
            if len(self._looked_s) >= _MOST_LOOKS:
                self._looked_s.clear()
            self._looked_s[who, what] = self._clock()


class Refused:
    """Lets `most` refused sign-ins a minute be written, and counts the others; safe for many threads."""

    def __init__(self, most: int, clock: Clock = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._lock = threading.Lock()
        self._began_s = float("-inf")
        self._written = 0
        self._unwritten = 0

    def take(self) -> int | None:
        """How many were only counted before this one, which is to be written; None when it is counted too."""
        with self._lock:
            if self._clock() - self._began_s >= _WINDOW_S:
                self._began_s, self._written = self._clock(), 0
            if self._written >= self._most:
                self._unwritten += 1
                return None
            self._written += 1
            unwritten, self._unwritten = self._unwritten, 0
            return unwritten

    def give_back(self, unwritten: int) -> None:
        """Count what could not be written, and try no other in this minute."""
        with self._lock:
            self._written = self._most
            self._unwritten += unwritten + 1
