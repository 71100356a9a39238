"""What looking at the files of a request may cost: seconds of CPU, which grow with the request.

The time is that of the threads that work for it, which wait for nobody: a busy machine refuses nothing more.
"""

import threading
import time

from jobs.contract.codes import Code
from jobs.contract.errors import TooLarge
from jobs.contract.settings import MIB, Limits

#: Bytes of a request that have one share of time; each further share has another.
_SHARE_BYTES = 50 * MIB


class Budget:
    """The time of one request, made in its thread before its body is read.

    Other threads that work for it were started for that alone: all their time counts.
    """

    def __init__(self) -> None:
        self._own = threading.local()
        self._own.counted_s = time.thread_time()
        self._lock = threading.Lock()
        self._spent_s = 0.0
        #: What is said once its time is spent: then nobody looks at the clock any more.
        self._refusal = ""

    def spend(self, cpu_s: float) -> None:
        """Note what a process that was started for it has taken."""
        with self._lock:
            self._spent_s += cpu_s

    def check(self, request_bytes: int, limits: Limits) -> None:
        """Raises TooLarge (`request_too_costly`) when the time of a request of so many bytes is spent."""
        self._refusal = self._refusal or self._look(request_bytes, limits)
        if self._refusal:
            raise TooLarge(self._refusal, code=Code.REQUEST_TOO_COSTLY)

    def _look(self, request_bytes: int, limits: Limits) -> str:
        """Add what its thread has taken since its last look; gives why no more is looked at, if so."""
        most_s = limits.request_cpu_s * max(1.0, request_bytes / _SHARE_BYTES)
        now_s = time.thread_time()
        with self._lock:
            self._spent_s += now_s - getattr(self._own, "counted_s", 0.0)
            spent_s = self._spent_s
        self._own.counted_s = now_s
        if spent_s <= most_s:
            return ""
        return (
            f"Looking at the files before took all {most_s:.3g} s of CPU that a request of this size has"
            " (EVA01_REQUEST_CPU_S). Send what is left in another one."
        )
