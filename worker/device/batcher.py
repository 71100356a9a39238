"""The one thread that owns the device, for an engine that answers batch by batch.

    slots ──submit──► waiting ──batching rule──► engine.generate ──► each slot's reply

It never waits for a batch to fill, and it always answers every slot: a batch that fails is split in halves
until the image that is the cause fails alone; when the thread itself ends, every slot is told.

The time limit counts from when a batch goes to the device. The engine stops by itself at the deadline; a call
that does not return cannot be interrupted, and only a new process helps: see Device.
"""

import itertools
import logging
import time
from collections.abc import Callable, Sequence
from typing import Unpack

from jobs import log
from jobs.contract.errors import EngineFailure
from worker.device.base import Cancelled, Device, Item, Terms
from worker.device.batching import size_of_next_batch
from worker.engines.base import Answer, DeviceLost, OutOfMemory, Prepared, Static, failure_of
from worker.engines.deadline import Deadline
from worker.ops.metrics import ModelMetrics

logger = logging.getLogger(__name__)


class Batcher(Device[Prepared]):
    """Runs the engine on batches of at most `budget_tokens` visual tokens; see Device.

    Which jobs were cancelled is asked once a batch, right before the device. The first that waits always
    goes, and with it those of its company in the order they came: single questions come first in the queue
    already.
    """

    def __init__(
        self,
        engine: Static[Prepared],
        metrics: ModelMetrics,
        budget_tokens: int,
        on_crash: Callable[[], None],
        **terms: Unpack[Terms],
    ) -> None:
        super().__init__(metrics, on_crash, **terms)
        self._engine = engine
        self._budget_tokens = budget_tokens
        self._waiting: list[Item[Prepared]] = []
        self._running: list[Item[Prepared]] = []
        #: Those of them that the engine works on now: all, or a half while a culprit is searched for.
        self._tried: Sequence[Item[Prepared]] = ()
        self._numbers = itertools.count(1)

    def _ready(self, item: Item[Prepared]) -> Callable[[], None]:
        return lambda: self._waiting.append(item)

    def _has_work(self) -> bool:
        return bool(self._waiting)

    def _take_all(self) -> Sequence[Item[Prepared]]:
        items = [*self._running, *self._waiting]
        self._waiting.clear()
        return items

    def _on_device(self) -> Sequence[Item[Prepared]]:
        return self._tried

    def _work(self) -> None:
        if wanted := self._without_cancelled(self._next_batch()):
            self._run_batch(wanted)
        with self._changed:
            self._running = []

    def _next_batch(self) -> list[Item[Prepared]]:
        with self._changed:
            together = self._company_of_first()
            costs = [item.prepared.visual_tokens for item in together]
            size = size_of_next_batch(costs, self._budget_tokens, self._engine.max_batch)
            self._running = together[:size]
            self._waiting = [item for item in self._waiting if item not in self._running]
            return self._running

    def _company_of_first(self) -> list[Item[Prepared]]:
        """Of those that wait the first, and all that may go to the device with it."""
        if not self._waiting:
            return []
        first, *others = self._waiting
        return [first, *(item for item in others if first.company.admits(item.company))]

    def _without_cancelled(self, batch: list[Item[Prepared]]) -> list[Item[Prepared]]:
        """The batch less its cancelled jobs; all of it when it cannot be asked which those are."""
        try:
            unwanted = self._unwanted([item.job_id for item in batch])
        except Exception as error:
            logger.warning("Could not ask which of %d jobs were cancelled, so all run: %r", len(batch), error)
            return batch
        for item in batch:
            if item.job_id in unwanted:
                item.reply.end(Cancelled("cancelled before it went to the device"))
        return [item for item in batch if item.job_id not in unwanted]

    def _run_batch(self, batch: list[Item[Prepared]]) -> None:
        number = next(self._numbers)
        tokens = sum(item.prepared.visual_tokens for item in batch)
        self._metrics.batch_size.observe(len(batch))
        started_s = time.monotonic()
        with self._metrics.stage("generate"), self._metrics.device("busy"):
            self._answer(batch, number)
        seconds = time.monotonic() - started_s
        logger.info("Batch %d: %d images, %d visual tokens, %.2f s.", number, len(batch), tokens, seconds)

    def _answer(self, items: Sequence[Item[Prepared]], number: int) -> None:
        """Answer all; when the engine fails on them together, try each half, down to the culprit."""
        with log.within(*(item.context for item in items)):
            self._try(items, number)

    def _try(self, items: Sequence[Item[Prepared]], number: int) -> None:
        try:
            outcomes = self._generate(items)
        except DeviceLost:
            raise
        except Exception as error:
            self._note_memory(items, error)
            if len(items) == 1:
                # Said first: whoever hears of the failure finds the line about it.
                logger.warning("Batch %d: one image failed: %r", number, error)
                items[0].reply.end(failure_of(error))
                return
            logger.warning(
                "Batch %d: %d images failed together, trying halves: %r", number, len(items), error
            )
            middle = len(items) // 2
            self._answer(items[:middle], number)
            self._answer(items[middle:], number)
        else:
            for item, outcome in zip(items, outcomes, strict=True):
                answered = outcome.costing(item.device_s) if isinstance(outcome, Answer) else outcome
                item.reply.end(answered)

    def _generate(self, items: Sequence[Item[Prepared]]) -> Sequence[Answer | EngineFailure]:
        self._tried = items
        began_s = time.monotonic()
        try:
            with self._watchdog.watching():
                outcomes = self._engine.generate([item.prepared for item in items], Deadline(self._timeout_s))
        finally:
            share_s = (time.monotonic() - began_s) / len(items)
            for item in items:
                item.device_s += share_s
        if len(outcomes) != len(items):
            raise EngineFailure(f"The engine gave {len(outcomes)} answers for a batch of {len(items)}.")
        return outcomes

    def _note_memory(self, items: Sequence[Item[Prepared]], error: Exception) -> None:
        """Plan smaller batches from now on if this one did not fit into the device's memory."""
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
