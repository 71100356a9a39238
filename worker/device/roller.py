"""The one thread that owns the device, for an engine with a rolling batch.

    slots ──submit──► arrived ──► the engine's loop, turn by turn ──► each slot's reply, once it has ended

It always answers every slot: the loop narrows an error down to the image that causes it, and when the thread
itself ends, every slot is told. Which jobs were cancelled is asked in another thread, so that a slow Redis
never holds up the device.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Unpack

from worker.device.base import Away, Cancelled, Device, Item, Suspected, Terms
from worker.engines.base import Answer, Ended, GoesBack, Prepared, Request, Rolling
from worker.ops.metrics import ModelMetrics

logger = logging.getLogger(__name__)


class Roller(Device[Prepared], Generic[Prepared, Request]):
    """Calls `rolling.turn` while there is anything to do; see Device.

    Which jobs were cancelled is asked every `look_s` seconds. `after_turn` is called after each turn, in the
    device's thread.
    """

    def __init__(
        self,
        rolling: Rolling[Prepared, Request],
        metrics: ModelMetrics,
        on_crash: Callable[[], None],
        *,
        look_s: float = 1.0,
        after_turn: Callable[[], object] = lambda: None,
        **terms: Unpack[Terms],
    ) -> None:
        super().__init__(metrics, on_crash, **terms)
        self._rolling = rolling
        self._look_s, self._after_turn = look_s, after_turn
        #: All that has no answer yet.
        self._items: dict[Request, Item[Prepared]] = {}
        #: Of those, what the loop has to be told before its next turn: the new ones, and the cancelled.
        self._arrived: list[Request] = []
        self._unwanted_now: list[Request] = []

    def start(self) -> None:
        """Start the threads."""
        threading.Thread(target=self._look_for_cancelled, name="cancelled", daemon=True).start()
        super().start()

    def _ready(self, item: Item[Prepared]) -> Callable[[], None]:
        request = self._rolling.request(
            item.prepared,
            company=item.company,
            is_interactive=item.is_interactive,
            owner=item.owner,
            hear=item.hear,
        )
        return lambda: self._add(request, item)

    def _add(self, request: Request, item: Item[Prepared]) -> None:
        self._items[request] = item
        self._arrived.append(request)

    def _has_work(self) -> bool:
        return bool(self._arrived or not self._rolling.is_idle)

    def _take_all(self) -> Sequence[Item[Prepared]]:
        items = list(self._items.values())
        self._items.clear()
        return items

    def _on_device(self) -> Sequence[Item[Prepared]]:
        return [self._items[request] for request in self._rolling.on_device() if request in self._items]

    # The device's thread

    def _work(self) -> None:
        """Do one turn with what has come since the last, and answer what has ended."""
        with self._watchdog.watching(), self._metrics.device("busy"):
            self._hand_over()
            ended = self._rolling.turn()
        self._after_turn()
        # Those that were answered in this turn took part in its step as well.
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

    def _answer(self, ended: Ended[Request]) -> None:
        with self._changed:
            item = self._items.pop(ended.request, None)
        if ended.device_s:
            self._metrics.observe_stage("generate", ended.device_s)
        self._metrics.count_prompt(ended.read_tokens, ended.shared_tokens)
        if item:
            item.reply.end(_heard(ended.outcome))

    # Another thread

    def _look_for_cancelled(self) -> None:
        while not self._closed.wait(self._look_s):
            with self._changed:
                items = dict(self._items)
            if items:
                self._note_cancelled(items)

    def _note_cancelled(self, items: Mapping[Request, Item[Prepared]]) -> None:
        try:
            unwanted = self._unwanted([item.job_id for item in items.values()])
        except Exception as error:
            logger.warning("Could not ask which of %d jobs were cancelled: %r", len(items), error)
            return
        with self._changed:
            self._unwanted_now += [request for request, item in items.items() if item.job_id in unwanted]


def _heard(outcome: Answer | Exception | None) -> Answer | Exception:
    """What a slot hears of what became of its job."""
    if isinstance(outcome, GoesBack):
        return Suspected(str(outcome)) if outcome.is_suspect else Away(str(outcome))
    return outcome or Cancelled("cancelled before it had an answer")
