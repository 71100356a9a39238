"""The thread that sees to batches made of files: their lines become jobs, and what is late is cancelled.

    lines are left?     ──► some of them become jobs, in turns with other owners
    at an address?      ──► their images are fetched, and meanwhile others have their turns
    all lines are jobs  ──► the batch takes no more
    its time is over?   ──► what has no answer is cancelled
    all is answered?    ──► nothing is left to see to

One process at a time does it. Each step may be done twice, or by two at once, and changes nothing then; who
takes over from one that died begins with the file again.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import redis

from jobs import flow
from jobs.contract.asking.order import Order
from jobs.contract.errors import Conflict, Eva01Error, NotFound, Unavailable
from jobs.contract.models import Batch, BatchState
from web.openai.bulk.filling import LINES_AT_A_TIME, Filling, puts_off
from web.services import Services

_log = logging.getLogger(__name__)

#: Seconds after which a process that falls silent is no longer the one: a step, after which it speaks, takes
#: far less.
_SILENT_S = 60.0


class Filler:
    """Looks every EVA01_HOUSEKEEPING_S, and whenever this process was told of a new batch.

    Each owner has one step in a round, whatever the number of their batches. `clock` gives the time now in
    Unix seconds, `ticks` seconds that only grow.
    """

    def __init__(
        self,
        serving: Services,
        clock: Callable[[], float] = time.time,
        lines_at_a_time: int = LINES_AT_A_TIME,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._serving, self._clock = serving, clock
        self._lines_at_a_time, self._ticks = lines_at_a_time, ticks
        self._turn = serving.fillers_turn(_SILENT_S)
        self._thread = threading.Thread(target=self._run, name="filler", daemon=True)
        self._filling: dict[str, Filling] = {}
        self._orders: dict[str, Order] = {}
        #: Owners who had their step in this round, and batches whose last step was put off.
        self._served: set[str | None] = set()
        self._put_off: set[str] = set()

    def start(self) -> None:
        """Begin; it ends when the services are stopping, and with the process."""
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait until it has ended: a line that is cut off would count as one that the process died of."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        serving = self._serving
        while not serving.stopping.is_set():
            try:
                is_more = self._turn.take() and self.run_once(self._turn.take)
            except (redis.RedisError, Unavailable) as error:
                _log.warning("Batches that are made of files have to wait: %s", error)
                is_more = False
            except Exception:
                _log.exception("Seeing to batches that are made of files failed; it goes on.")
                is_more = False
            if not is_more:
                serving.ordered.wait(serving.web.housekeeping_s)
                serving.ordered.clear()
        self.close()
        self._turn.let_go()

    def close(self) -> None:
        """Fetch no more images."""
        for batch_id in [*self._filling]:
            self._drop(batch_id)

    def run_once(self, is_mine: Callable[[], bool] = lambda: True) -> bool:
        """See to each batch once, as long as that `is_mine` to do; True when some have more lines.

        Raises redis.RedisError or Unavailable when Redis or the blob store is away.
        """
        underway = self._serving.orders.underway()
        self._orders |= self._serving.orders.of(one for one in underway if one not in self._orders)
        for gone in self._orders.keys() - set(underway):
            self._forget(gone)
        self._served.clear()
        # Of an owner's batches one after the other; those that were put off do not hold up the others.
        underway.sort(key=lambda batch_id: batch_id in self._put_off)
        # Of each, whatever came of those before.
        more = [self._see_to(batch_id) for batch_id in underway if is_mine()]
        return any(more)

    def _see_to(self, batch_id: str) -> bool:
        self._put_off.discard(batch_id)
        try:
            return self._step(batch_id)
        except Exception as error:
            if puts_off(error):
                self._put_off.add(batch_id)
                return False
            # What was read of the file and is no job yet is read again.
            self._drop(batch_id)
            if isinstance(error, Unavailable | redis.RedisError):
                raise
            if not isinstance(error, Eva01Error):
                _log.exception("Batch %s could not be seen to; it is tried again.", batch_id)
            return False

    def _step(self, batch_id: str) -> bool:
        """Do what is next for a batch; True when it has more lines."""
        order = self._orders.get(batch_id)
        try:
            batch = self._serving.store.get_batch(batch_id)
        except NotFound:
            if not self._serving.journal.has_batch(batch_id):
                self._end(batch_id)
            return False
        if batch.is_done or order is None:
            self._end(batch_id)
            return False
        if self._clock() >= order.expires_at.timestamp():
            self._expire(order)
            return False
        return batch.state is BatchState.OPEN and self._fill(order, batch)

    def _fill(self, order: Order, batch: Batch) -> bool:
        if not order.is_filled:
            if batch.owner in self._served:
                return True
            try:
                if self._fill_some(order, batch):
                    return True
            except Conflict:
                _log.info("Batch %s was closed before all lines of its file were jobs.", batch.id)
            self._note(order.model_copy(update={"is_filled": True}))
            self._serving.readings.end(batch.id)
        self._drop(batch.id)
        flow.close_batch(self._serving, batch.id)
        return False

    def _fill_some(self, order: Order, batch: Batch) -> bool:
        if batch.id not in self._filling:
            how = (batch.owner, self._lines_at_a_time, self._ticks)
            self._filling[batch.id] = Filling(self._serving, order, *how)
        filling = self._filling[batch.id]
        try:
            return filling.step()
        finally:
            if filling.has_read:
                self._served.add(batch.owner)

    def _expire(self, order: Order) -> None:
        """Cancel what has no answer; that this was for its time is noted first."""
        at = datetime.fromtimestamp(self._clock(), UTC)
        self._note(order.model_copy(update={"expired_at": at}))
        flow.cancel_batch(self._serving, order.batch_id)
        _log.info("The time of batch %s is over: what had no answer is cancelled.", order.batch_id)

    def _note(self, order: Order) -> None:
        self._serving.orders.note(order)
        self._orders[order.batch_id] = order

    def _end(self, batch_id: str) -> None:
        self._serving.readings.end(batch_id)
        self._serving.orders.end(batch_id)
        self._forget(batch_id)

    def _forget(self, batch_id: str) -> None:
        self._orders.pop(batch_id, None)
        self._put_off.discard(batch_id)
        self._drop(batch_id)

    def _drop(self, batch_id: str) -> None:
        if filling := self._filling.pop(batch_id, None):
            filling.close()
