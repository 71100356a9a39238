"""When to look at the record of a job whose end is told."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from web.http.bell import Bell
from web.http.ears import Ear, Ears

_Found = TypeVar("_Found")

#: Seconds between two looks at the record, should it end unheard; each is so many times the one before.
_FIRST_LOOK_S, _LONGEST_LOOK_S, _LONGER = 1.0, 15.0, 4


class Heard:
    """A job whose answer is heard by an ear of its own; see Live.

    Its record is looked at once the end was heard, from `until_s` by the monotonic clock on, when the server
    stops, and now and then. `close` hears no more of it.
    """

    def __init__(
        self, ears: Ears, until_s: float, stopping: threading.Event, *, hears_pieces: bool = False
    ) -> None:
        self._ears, self._until_s, self._stopping = ears, until_s, stopping
        self._pause_s = _FIRST_LOOK_S
        self._next_look_s = time.monotonic() + self._pause_s
        self.ear: Ear = ears.open(hears_pieces=hears_pieces)
        #: True when it is time to look at the record.
        self.is_due = not self._may_wait()

    @contextmanager
    def closed_on_error(self) -> Iterator[Ear]:
        """Its ear, for who makes the job; where that fails there is nothing to hear."""
        try:
            yield self.ear
        except Exception:
            self.close()
            raise

    @property
    def bell(self) -> Bell:
        """Rings when something was heard."""
        return self.ear.bell

    def plan_look(self) -> bool:
        """Decide whether to look at the job's record; True when not."""
        self.is_due = self.ear.may_have_ended or not self._may_wait()
        return not self.is_due

    def _may_wait(self) -> bool:
        is_early = time.monotonic() < min(self._next_look_s, self._until_s)
        return is_early and not self._stopping.is_set()

    def note_look(self) -> None:
        """Expect the next one later."""
        self.ear.may_have_ended = False
        self._pause_s = min(_LONGER * self._pause_s, _LONGEST_LOOK_S)
        self._next_look_s = time.monotonic() + self._pause_s

    def look_again(self) -> None:
        """Expect the next one soon: Redis was away, and the end that was told is not told again."""
        self._pause_s = _FIRST_LOOK_S
        self._next_look_s = time.monotonic() + self._pause_s

    def look(self, find: Callable[[], _Found | None]) -> _Found | None:
        """What `find` makes of the record, once it is time; after that, and after an error, it is closed."""
        self.ear.take()
        if not self.is_due:
            return None
        self.note_look()
        try:
            found = find()
        except Exception:
            self.close()
            raise
        if found is not None:
            self.close()
        return found

    def close(self) -> None:
        """Hear no more."""
        self._ears.close(self.ear)
