"""A bell: wakes whoever waits for what happens in another thread."""

import threading
from collections.abc import Callable


class Bell:
    """Rung from any thread, and heard by one: it stays rung until it is silenced, so that no ring is lost."""

    def __init__(self) -> None:
        self._rung = threading.Event()
        self._call: Callable[[], object] | None = None

    def ring(self) -> None:
        """Wake who waits, or who will."""
        if not self._rung.is_set():
            self._rung.set()
            if call := self._call:
                call()

    def silence(self) -> None:
        """Expect another ring; what was rung for is looked at after this."""
        self._rung.clear()

    def wait(self, longest_s: float) -> None:
        """Wait for a ring in this thread."""
        self._rung.wait(longest_s)

    def on_ring(self, call: Callable[[], object] | None) -> None:
        """Have `call` called with the next ring, in that thread; at once where it has been rung."""
        self._call = call
        if call and self._rung.is_set():
            call()
