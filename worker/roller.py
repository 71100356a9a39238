"""The one thread that owns the device, for an engine with a rolling batch.

    slots ──submit──► arrived ──► the engine's loop, turn by turn ──► each slot's future, once it has ended

It always answers every slot: the loop narrows an error down to the image that causes it, and an end of the
thread itself reaches everyone. Which jobs were cancelled is asked in another thread, so that a slow Redis
never holds up the device.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from worker.device import Cancelled, GivenBack, Item, Unwanted, give_up, wait_for_work
from worker.engines.base import Answer, Ended, Rolling
from worker.metrics import ModelMetrics
from worker.watchdog import Watchdog

logger = logging.getLogger(__name__)


class Roller:
    """Keeps `rolling` turning while there is anything to do; each job has `timeout_s` on the device.

    `unwanted` says which of some jobs were cancelled; it is asked every `look_s` seconds. `on_crash` is
    called, in a thread of ours, when the device or this thread will do no more. `grace_s`: see Watchdog.
    """

    def __init__(
        self,
        rolling: Rolling,
        metrics: ModelMetrics,
        on_crash: Callable[[], None],
        *,
        timeout_s: float,
        unwanted: Unwanted,
        grace_s: float = 5.0,
        look_s: float = 1.0,
    ) -> None:
        self._rolling = rolling
        self._metrics = metrics
        self._on_crash = on_crash
        self._timeout_s = timeout_s
        self._unwanted = unwanted
        self._look_s = look_s
        self._watchdog = Watchdog(timeout_s, grace_s, self._overrun)
        self._changed = threading.Condition()
        self._is_open = True
        self._closed = threading.Event()
        #: All that has no answer yet, by what the engine made of it.
        self._items: dict[Any, Item] = {}
        self._arrived: list[Any] = []
        self._unwanted_now: list[Any] = []
        self._thread = threading.Thread(target=self._run, name="roller", daemon=True)

    def start(self) -> None:
        """Start the threads."""
        self._watchdog.start()
        threading.Thread(target=self._look_for_cancelled, name="cancelled", daemon=True).start()
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._thread.is_alive()

    def submit(
        self, prepared: Any, job_id: str, *, is_alone: bool = False, is_interactive: bool = False
    ) -> "Future[Answer]":
        """Have one job answered; see Device."""
        item = Item(prepared, job_id, is_alone)
        request = self._rolling.request(prepared, is_alone=is_alone, is_interactive=is_interactive)
        with self._changed:
            if self._is_open:
                self._items[request] = item
                self._arrived.append(request)
                self._changed.notify()
                return item.future
        item.answer(GivenBack("the worker takes no more jobs"))
        return item.future

    def give_back(self) -> None:
        """Send every job that has no answer yet back to its slot, and take no more; see Device."""
        with self._changed:
            self._is_open = False
            self._closed.set()
            items = list(self._items.values())
            self._items.clear()
            self._changed.notify()
        for item in items:
            item.answer(GivenBack("the worker stops"))

    # The device's thread

    def _run(self) -> None:
        try:
            while self._wait_for_work():
                self._work()
        except BaseException:
            logger.critical("The device's thread has ended; its jobs go back to the queue.", exc_info=True)
            self.give_back()
            self._on_crash()
        finally:
            self._watchdog.stop()

    def _wait_for_work(self) -> bool:
        """Wait until there is something to do; False when closed."""
        with self._changed:
            wait_for_work(self._changed, self._has_work, self._metrics)
            return self._is_open

    def _has_work(self) -> bool:
        return bool(self._arrived or not self._rolling.is_idle or not self._is_open)

    def _work(self) -> None:
        """Do one turn with what has come since the last, and answer what has ended."""
        with self._watchdog.watching(), self._metrics.device("busy"):
            self._hand_over()
            ended = self._rolling.turn()
        # Those that were answered were on the device with those that still are.
        together = self._rolling.in_flight + sum(isinstance(one.outcome, Answer) for one in ended)
        if together:
            self._metrics.batch_size.observe(together)
        for one in ended:
            self._answer(one)

    def _hand_over(self) -> None:
        with self._changed:
            arrived, self._arrived = self._arrived, []
            unwanted, self._unwanted_now = self._unwanted_now, []
        for request in arrived:
            self._rolling.submit(request)
        for request in unwanted:
            self._rolling.cancel(request)

    def _answer(self, ended: Ended) -> None:
        with self._changed:
            item = self._items.pop(ended.request, None)
        if ended.device_s:
            self._metrics.observe_stage("generate", ended.device_s)
        if item:
            item.answer(ended.outcome or Cancelled("cancelled before it had an answer"))

    # Other threads

    def _look_for_cancelled(self) -> None:
        while not self._closed.wait(self._look_s):
            with self._changed:
                items = dict(self._items)
            if items:
                self._note_cancelled(items)

    def _note_cancelled(self, items: Mapping[Any, Item]) -> None:
        try:
            unwanted = self._unwanted([item.job_id for item in items.values()])
        except Exception as error:
            logger.warning("Could not ask which of %d jobs were cancelled: %r", len(items), error)
            return
        with self._changed:
            self._unwanted_now += [request for request, item in items.items() if item.job_id in unwanted]

    def _overrun(self) -> None:
        """End the worker, because the device does not come back; called in the watchdog's thread."""
        with self._changed:
            items = [self._items[request] for request in self._rolling.on_device() if request in self._items]
        give_up(items, self._timeout_s, self._watchdog.patience_s)
        self.give_back()
        self._on_crash()
