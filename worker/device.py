"""What a slot has to do with the device: it hands a job over, and waits for what comes of it."""

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from worker.engines.base import Answer
from worker.engines.deadline import Deadline
from worker.metrics import ModelMetrics

logger = logging.getLogger(__name__)

#: Seconds after which idle time is counted, so that the counter grows while nothing comes.
_COUNT_IDLE_S = 1.0


class GivenBack(Exception):
    """Raised in a slot whose job goes back to the queue, because this worker will not answer it."""


class Overran(GivenBack):
    """Raised in a slot whose job was on the device, with others, when it did not come back in time.

    One of them is why, and nobody knows which: each is a suspect.
    """


class Cancelled(Exception):
    """Raised in a slot whose job was cancelled before it had an answer: nobody waits for one."""


class Unwanted(Protocol):
    """Says which of some jobs were cancelled."""

    def __call__(self, job_ids: Sequence[str], /) -> Collection[str]:
        """Those that nobody waits for any more."""


@dataclass(eq=False)
class Item:
    """A job on its way through the device; `prepared` is what its engine made of it."""

    prepared: Any
    job_id: str
    #: It may be what took a worker down: nothing else is on the device with it.
    is_alone: bool = False
    future: "Future[Answer]" = field(default_factory=Future)

    def answer(self, outcome: Answer | Exception) -> None:
        """Tell the slot; does nothing when it was told already, as on giving back."""
        with suppress(InvalidStateError):
            if isinstance(outcome, Answer):
                self.future.set_result(outcome)
            else:
                self.future.set_exception(outcome)


class Device(Protocol):
    """One thread that owns the device, whichever way it puts jobs together."""

    @property
    def is_alive(self) -> bool:
        """True while the thread runs."""

    def start(self) -> None:
        """Start the thread."""

    def submit(
        self, prepared: Any, job_id: str, *, is_alone: bool = False, is_interactive: bool = False
    ) -> "Future[Answer]":
        """Have one job answered, with nothing beside it if `is_alone`, before those of batches if it may.

        The future raises EngineFailure when the model failed on it or was too slow, Cancelled when nobody
        wants the answer, Overran when the device did not come back, and GivenBack when the worker stops
        first.
        """

    def give_back(self) -> None:
        """Send every job that has no answer yet back to its slot, and take no more.

        What runs on the device cannot be interrupted; its answer comes to nothing.
        """


def give_up(items: Sequence[Item], timeout_s: float, patience_s: float) -> None:
    """Tell those on a device that does not come back what becomes of them.

    One job on it is to blame, and fails. Of several each is given back as a suspect, to run alone.
    """
    logger.critical(
        "The device has not come back after %.1f s: the worker ends. On it: %s.",
        patience_s,
        ", ".join(item.job_id for item in items),
    )
    is_culprit = len(items) == 1
    for item in items:
        failure = Deadline(timeout_s).failure()
        item.answer(failure if is_culprit else Overran("the device does not come back"))


def wait_for_work(
    changed: threading.Condition, has_work: Callable[[], object], metrics: ModelMetrics
) -> None:
    """Wait until there is something to do, and count the time as idle; `changed` is held by the caller."""
    is_there = bool(has_work())
    while not is_there:
        with metrics.device("idle"):
            is_there = bool(changed.wait_for(has_work, _COUNT_IDLE_S))
