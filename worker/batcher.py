"""The one thread that owns the device.

    slots ──submit──► waiting ──batching rule──► engine.generate ──► each slot's future

It never waits while something waits for it, and it always answers every slot: an exception on a batch is
narrowed down by halves until it is one image's own error; an end of the thread itself reaches everyone.

Time on the device runs from when a batch goes there. The engine ends its work at the deadline; when it does
not come back at all, nothing can interrupt it, and only a new process helps: see `_overrun`.
"""

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from jobs.errors import EngineFailure, Eva01Error
from worker import metrics
from worker.batching import size_of_next_batch
from worker.engines.base import Answer, DeviceLost, Engine, OutOfMemory, Prepared
from worker.engines.deadline import Deadline

logger = logging.getLogger(__name__)


class GivenBack(Exception):
    """Raised in a slot whose job goes back to the queue, because this worker will not answer it."""


class Overran(GivenBack):
    """Raised in a slot whose job was on the device, with others, when it did not come back in time.

    One of them is why, and nobody knows which: each is a suspect.
    """


class Cancelled(Exception):
    """Raised in a slot whose job was cancelled before it went to the device: nobody waits for an answer."""


@dataclass(eq=False)
class _Item:
    prepared: Prepared
    job_id: str
    is_alone: bool
    future: "Future[Answer]" = field(default_factory=Future)

    def answer(self, outcome: Answer | Exception) -> None:
        """Tell the slot; does nothing when it was told already, as on giving back."""
        with suppress(InvalidStateError):
            if isinstance(outcome, Answer):
                self.future.set_result(outcome)
            else:
                self.future.set_exception(outcome)


class Batcher:
    """Runs the engine on batches of at most `budget_tokens` visual tokens, for `timeout_s` at most.

    `unwanted` says which of some jobs were cancelled; it is asked, once a batch, right before the device.
    `on_crash` is called, in a thread of ours, when the device or the batching thread will do no more.
    `grace_s`, or a tenth of the time if that is more, is what an engine gets to come back by itself.
    """

    def __init__(
        self,
        engine: Engine,
        model: str,
        budget_tokens: int,
        on_crash: Callable[[], None],
        *,
        timeout_s: float,
        unwanted: Callable[[Sequence[str]], Collection[str]],
        grace_s: float = 5.0,
    ) -> None:
        self._engine = engine
        self._metrics = metrics.ModelMetrics(model)
        self._budget_tokens = budget_tokens
        self._on_crash = on_crash
        self._timeout_s = timeout_s
        self._patience_s = timeout_s + max(grace_s, timeout_s / 10)
        self._unwanted = unwanted
        self._waiting: deque[_Item] = deque()
        self._running: list[_Item] = []
        self._changed = threading.Condition()
        self._is_open = True
        self._numbers = itertools.count(1)
        self._thread = threading.Thread(target=self._run, name="batcher", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._thread.is_alive()

    def submit(self, prepared: Prepared, job_id: str, *, is_alone: bool = False) -> "Future[Answer]":
        """Have one job answered, in a batch of its own if `is_alone`.

        The future raises EngineFailure when the model failed on it or was too slow, Cancelled when nobody
        wants the answer, Overran when the device did not come back, and GivenBack when the worker stops
        first.
        """
        item = _Item(prepared, job_id, is_alone)
        with self._changed:
            if self._is_open:
                self._waiting.append(item)
                self._changed.notify()
                return item.future
        item.answer(GivenBack("the worker takes no more jobs"))
        return item.future

    def give_back(self) -> None:
        """Send every job that has no answer yet back to its slot, and take no more.

        What runs on the device cannot be interrupted; its answer comes to nothing.
        """
        with self._changed:
            self._is_open = False
            items = [*self._running, *self._waiting]
            self._waiting.clear()
            self._changed.notify()
        for item in items:
            item.answer(GivenBack("the worker stops"))

    def _run(self) -> None:
        try:
            while batch := self._next_batch():
                if wanted := self._without_cancelled(batch):
                    self._work(wanted)
        except BaseException:
            logger.critical("The batching thread has ended; its jobs go back to the queue.", exc_info=True)
            self.give_back()
            self._on_crash()

    def _next_batch(self) -> list[_Item]:
        """Wait until something waits, and take the next batch of it; empty when closed."""
        with self._changed:
            self._running = []
            self._changed.wait_for(lambda: self._waiting or not self._is_open)
            self._running = [self._waiting.popleft() for _ in range(self._size_of_next_batch())]
            return self._running

    def _size_of_next_batch(self) -> int:
        if self._waiting and self._waiting[0].is_alone:
            return 1
        together = itertools.takewhile(lambda item: not item.is_alone, self._waiting)
        costs = [item.prepared.visual_tokens for item in together]
        return size_of_next_batch(costs, self._budget_tokens, self._engine.max_batch)

    def _without_cancelled(self, batch: list[_Item]) -> list[_Item]:
        """Those that somebody waits for; all of them when that cannot be learned now."""
        try:
            unwanted = self._unwanted([item.job_id for item in batch])
        except Exception as error:
            logger.warning("Could not ask which of %d jobs were cancelled, so all run: %r", len(batch), error)
            return batch
        for item in batch:
            if item.job_id in unwanted:
                item.answer(Cancelled("cancelled before it went to the device"))
        return [item for item in batch if item.job_id not in unwanted]

    def _work(self, batch: list[_Item]) -> None:
        number = next(self._numbers)
        tokens = sum(item.prepared.visual_tokens for item in batch)
        self._metrics.batch_size.observe(len(batch))
        started_s = time.monotonic()
        with self._metrics.stage("generate"):
            self._answer(batch, number)
        seconds = time.monotonic() - started_s
        logger.info("Batch %d: %d images, %d visual tokens, %.2f s.", number, len(batch), tokens, seconds)

    def _answer(self, items: Sequence[_Item], number: int) -> None:
        """Answer all; when the engine fails on them together, try each half, down to the culprit."""
        try:
            outcomes = self._generate(items)
        except DeviceLost:
            raise
        except Exception as error:
            self._note_memory(items, error)
            if len(items) == 1:
                items[0].answer(_as_failure(error))
                logger.warning("Batch %d: one image failed: %r", number, error)
                return
            logger.warning(
                "Batch %d: %d images failed together, trying halves: %r", number, len(items), error
            )
            middle = len(items) // 2
            self._answer(items[:middle], number)
            self._answer(items[middle:], number)
        else:
            for item, outcome in zip(items, outcomes, strict=True):
                item.answer(outcome)

    def _generate(self, items: Sequence[_Item]) -> Sequence[Answer | EngineFailure]:
        deadline = Deadline(self._timeout_s)
        with self._watched(items, deadline):
            outcomes = self._engine.generate([item.prepared for item in items], deadline)
        if len(outcomes) != len(items):
            raise EngineFailure(f"The engine gave {len(outcomes)} answers for a batch of {len(items)}.")
        return outcomes

    @contextmanager
    def _watched(self, items: Sequence[_Item], deadline: Deadline) -> Iterator[None]:
        watchdog = threading.Timer(self._patience_s, self._overrun, (items, deadline))
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()

    def _overrun(self, items: Sequence[_Item], deadline: Deadline) -> None:
        """End the worker, because the device does not come back; called in the watchdog's thread.

        One job on it is to blame, and fails. Of several each is given back as a suspect, to run alone.
        """
        logger.critical(
            "The device has not come back after %.1f s: the worker ends. On it: %s.",
            self._patience_s,
            ", ".join(item.job_id for item in items),
        )
        for item in items:
            is_culprit = len(items) == 1
            item.answer(deadline.failure() if is_culprit else Overran("the device does not come back"))
        self.give_back()
        self._on_crash()

    def _note_memory(self, items: Sequence[_Item], error: Exception) -> None:
        """Plan smaller batches from now on when this one burst the device's memory."""
        if not isinstance(error, OutOfMemory) or len(items) == 1:
            return
        cost = len(items) * max(item.prepared.visual_tokens for item in items)
        self._budget_tokens = max(1, min(self._budget_tokens, cost // 2))
        logger.warning(
            "A batch of %d images did not fit into the device's memory: batches now hold at most %d visual"
            " tokens. Set EVA01_BATCH_TOKENS to that.",
            len(items),
            self._budget_tokens,
        )


def _as_failure(error: Exception) -> Eva01Error:
    if isinstance(error, OutOfMemory):
        message = f"The image does not fit into the device's memory even alone: {error}. Lower MAX_PIXELS."
        return EngineFailure(message, code="out_of_memory")
    if isinstance(error, Eva01Error):
        return error
    return EngineFailure(f"The model failed on this image: {type(error).__name__}: {error}")
