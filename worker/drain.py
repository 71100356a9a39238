"""How a worker stops: it finishes what it holds, and gives back what it cannot finish in time.

    SIGTERM ──► take no more ──► all finished? ──────────────► stop
                                   │ no: drain_s over,
                                   │ or a second signal
                                   └──► give the rest back ──► stop

Celery's own warm shutdown would wait without limit, with its consumer closed. Here the consumer lives on
while slots finish, so every answer is acknowledged at once.
"""

import logging
import signal
import threading
import time
from queue import Empty, SimpleQueue
from typing import Protocol

from worker.device.base import GivenBack

logger = logging.getLogger(__name__)

#: Seconds that slots get to give their jobs back.
_GRACE_S = 3.0
#: Seconds between looks at what is still held.
_LOOK_S = 0.05


class Stoppable(Protocol):
    """The worker as a drain stops it, step by step."""

    def take_no_more(self) -> None:
        """Stop listening to the queue."""

    def how_many_held(self) -> int:
        """Jobs that slots still hold."""

    def give_back(self) -> None:
        """Send what has no answer yet back to the queue."""

    def stop(self) -> None:
        """End, now that nothing is held any more."""


class Drain:
    """Stops a worker when a signal says so, or when one of its own parts is broken."""

    def __init__(self, drain_s: float) -> None:
        self._drain_s = drain_s
        self._began_s: float | None = None
        # A signal handler may interrupt any code of its thread: only a SimpleQueue is safe to touch there.
        self._orders: SimpleQueue[str] = SimpleQueue()
        self._has_begun = threading.Event()
        self._is_ending = threading.Event()
        self.exit_code = 0

    @property
    def has_begun(self) -> bool:
        """True when no more jobs are taken."""
        return self._has_begun.is_set()

    def seconds(self) -> float:
        """How long it has lasted by now; 0 when it has not begun."""
        return time.monotonic() - self._began_s if self._began_s is not None else 0.0

    def pause(self, seconds: float) -> None:
        """Wait; raises GivenBack as soon as jobs are to be given back."""
        if self._is_ending.wait(seconds):
            raise GivenBack("the worker stops")

    def start(self, worker: Stoppable) -> None:
        """Stop `worker` on SIGTERM or SIGINT, quickly on the second; to be called in the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: self._orders.put(signal.Signals(number).name))
        threading.Thread(target=self._run, args=(worker,), name="drain", daemon=True).start()

    def fail(self) -> None:
        """Stop because a part is broken: give everything back, and exit with 1."""
        self.exit_code = 1
        for _ in ("stop", "and quickly"):
            self._orders.put("a broken part")

    def _run(self, worker: Stoppable) -> None:
        reason = self._orders.get()
        self._began_s = time.monotonic()
        self._has_begun.set()
        worker.take_no_more()
        logger.info("Stopping (%s): finishing %d jobs.", reason, worker.how_many_held())
        self._wait_for_slots(worker, self._drain_s, is_patient=True)
        if left := worker.how_many_held():
            logger.warning("Giving %d jobs back.", left)
        self._is_ending.set()
        worker.give_back()
        self._wait_for_slots(worker, _GRACE_S, is_patient=False)
        logger.info("Drained in %.1f s.", self.seconds())
        worker.stop()

    def _wait_for_slots(self, worker: Stoppable, longest_s: float, *, is_patient: bool) -> None:
        """Wait until nothing is held, the time is over, or (when patient) another order comes."""
        deadline_s = time.monotonic() + longest_s
        while worker.how_many_held() and time.monotonic() < deadline_s:
            try:
                self._orders.get(timeout=_LOOK_S)
            except Empty:
                continue
            if is_patient:
                return
