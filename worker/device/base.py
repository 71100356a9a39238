"""The hand-off between the slots' threads and the one thread that owns the device."""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NotRequired, Protocol, TypedDict

from jobs import log
from worker.device.reply import Reply
from worker.device.watchdog import Watchdog
from worker.engines.base import Hear, Prepared
from worker.engines.company import Company
from worker.engines.deadline import Deadline
from worker.ops.metrics import ModelMetrics

logger = logging.getLogger(__name__)

#: Seconds after which idle time is counted, so that the counter grows while nothing comes.
_COUNT_IDLE_S = 1.0


class GivenBack(Exception):
    """Raised in a slot whose job goes back to the queue, because this worker will not answer it."""

    #: Why, as metrics call it.
    reason = "drain"


class Away(GivenBack):
    """Raised in a slot whose job goes back to the queue, because the server that was to answer it is away."""

    reason = "away"


class Suspected(GivenBack):
    """Raised in a slot whose job goes back to the queue because it may be why others were lost with it.

    One of them is the cause, and it is not known which: each is a suspect.
    """

    reason = "crash"


class Overran(Suspected):
    """Raised in a slot whose job was on the device, with others, when it did not come back in time."""

    reason = "deadline"


class Cancelled(Exception):
    """Raised in a slot whose job was cancelled before it had an answer: nobody waits for one."""


class Unwanted(Protocol):
    """Tells which of some jobs were cancelled."""

    def __call__(self, job_ids: Sequence[str], /) -> Collection[str]:
        """The cancelled among `job_ids`."""


class Terms(TypedDict):
    """What holds for every device, whichever way it puts jobs together."""

    #: Seconds that a job may be on the device.
    timeout_s: float
    #: Tells which of some jobs were cancelled.
    unwanted: Unwanted
    #: See Watchdog.
    grace_s: NotRequired[float]


@dataclass(eq=False)
class Item(Generic[Prepared]):
    """A job on its way through the device."""

    prepared: Prepared
    job_id: str
    #: What may be on the device with it.
    company: Company = Company.INNOCENTS
    #: A single question, which may go before the jobs of batches.
    is_interactive: bool = False
    #: Whose it is; None where there are no owners.
    owner: str | None = None
    #: Hears of its answer piece by piece; None where nobody listens.
    hear: Hear | None = None
    reply: Reply = field(default_factory=Reply)
    #: What lines of the log about it say.
    context: Mapping[str, Any] = field(default_factory=log.context)
    #: Seconds of the device so far: its part of each batch that it was in.
    device_s: float = 0.0


class Device(ABC, Generic[Prepared]):
    """One thread that owns the device, whichever way it puts jobs together.

    `on_crash` is called when an error has ended the thread, or a call to the device does not return.
    """

    def __init__(
        self,
        metrics: ModelMetrics,
        on_crash: Callable[[], None],
        *,
        timeout_s: float,
        unwanted: Unwanted,
        grace_s: float = 5.0,
    ) -> None:
        self._metrics = metrics
        self._on_crash = on_crash
        self._timeout_s = timeout_s
        self._unwanted = unwanted
        self._watchdog = Watchdog(timeout_s, grace_s, self._overrun)
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="device", daemon=True)

    def start(self) -> None:
        """Start the threads."""
        self._watchdog.start()
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._thread.is_alive()

    @property
    def is_closed(self) -> bool:
        """True when it takes no more jobs."""
        return self._closed.is_set()

    def submit(
        self,
        prepared: Prepared,
        job_id: str,
        *,
        company: Company = Company.INNOCENTS,
        is_interactive: bool = False,
        owner: str | None = None,
        hear: Hear | None = None,
    ) -> Reply:
        """Hand over one job; `company`, `is_interactive`, `owner` and `hear`: see Item.

        The reply raises EngineFailure when the model failed on it or was too slow, Cancelled when nobody
        wants the answer, Overran when the device did not come back, and GivenBack when the worker stops
        first.
        """
        item = Item(prepared, job_id, company, is_interactive, owner, hear)
        add = self._ready(item)
        with self._changed:
            if not self._closed.is_set():
                add()
                self._changed.notify()
                return item.reply
        item.reply.end(GivenBack("the worker takes no more jobs"))
        return item.reply

    def give_back(self) -> None:
        """Send every job that has no answer yet back to its slot, and take no more.

        What runs on the device cannot be interrupted; its answer is dropped.
        """
        with self._changed:
            self._closed.set()
            items = self._take_all()
            self._changed.notify()
        for item in items:
            item.reply.end(GivenBack("the worker stops"))

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
        """Wait until there is something to do, and count the time as idle; False when closed."""
        with self._changed:
            is_there = self._has_work() or self._closed.is_set()
            while not is_there:
                with self._metrics.device("idle"):
                    is_there = self._changed.wait_for(
                        lambda: self._has_work() or self._closed.is_set(), _COUNT_IDLE_S
                    )
            return not self._closed.is_set()

    def _overrun(self) -> None:
        """End the worker, because a call to the device does not return; called in the watchdog's thread.

        One job on it is to blame, and fails. Of several each is given back as a suspect.
        """
        with self._changed:
            self._closed.set()
            items = self._on_device()
        logger.critical(
            "The device has not come back after %.1f s: the worker ends. On it: %s.",
            self._watchdog.patience_s,
            ", ".join(item.job_id for item in items),
        )
        is_culprit = len(items) == 1
        for item in items:
            failure = Deadline(self._timeout_s).failure()
            item.reply.end(failure if is_culprit else Overran("the device does not come back"))
        self.give_back()
        self._on_crash()

    @abstractmethod
    def _ready(self, item: Item[Prepared]) -> Callable[[], None]:
        """Do the slot's part for a job, in the slot's thread; gives what lets the job wait."""

    @abstractmethod
    def _work(self) -> None:
        """Do the next piece of work, and answer what has ended."""

    # Called with `_changed` held, as is what `_ready` gives.

    @abstractmethod
    def _has_work(self) -> bool:
        """True when there is something to do."""

    @abstractmethod
    def _take_all(self) -> Sequence[Item[Prepared]]:
        """All that has no answer yet; what waits is forgotten."""

    @abstractmethod
    def _on_device(self) -> Sequence[Item[Prepared]]:
        """The jobs that the engine works on now."""
