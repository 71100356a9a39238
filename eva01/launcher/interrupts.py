"""Signals as flags to poll: "stop", and "stop now"."""

import signal
from types import FrameType
from typing import Self


class Interrupts:
    """While entered, SIGINT, SIGTERM and SIGHUP set a flag instead of ending the process.

    Must be entered in the main thread.
    """

    _SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._is_set = False
        self._is_hurried = False

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in self._SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def is_set(self) -> bool:
        """True once any of the signals has come."""
        return self._is_set

    def is_hurried(self) -> bool:
        """True once Ctrl-C has come after a first signal."""
        return self._is_hurried

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._is_hurried = self._is_hurried or (self._is_set and number == signal.SIGINT)
        self._is_set = True
