"""Notices when a call to the device does not return."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: The deadline while nothing is watched.
_NEVER = float("inf")


class Watchdog:
    """Calls `on_overrun` once, in a thread of its own, when something that it watches takes too long.

    `timeout_s` is what a job may take; the engine then gets a tenth of that, or `grace_s` if that is more, to
    end its work by itself. A watched call that returns while `on_overrun` runs waits for that, so that the
    jobs on the device do not change meanwhile.
    """

    def __init__(self, timeout_s: float, grace_s: float, on_overrun: Callable[[], None]) -> None:
        self.patience_s = timeout_s + max(grace_s, timeout_s / 10)
        self._on_overrun = on_overrun
        self._latest_s = _NEVER
        self._deciding = threading.Lock()
        self._is_over = threading.Event()

    def start(self) -> None:
        """Begin to watch."""
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._is_over.set()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch what is done now."""
        self._latest_s = time.monotonic() + self.patience_s
        try:
            yield
        finally:
            with self._deciding:
                self._latest_s = _NEVER

    def _run(self) -> None:
        look_s = min(1.0, self.patience_s / 20)
        while not self._is_over.wait(look_s):
            with self._deciding:
                if time.monotonic() > self._latest_s:
                    self._on_overrun()
                    return
