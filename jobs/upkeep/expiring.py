"""What goes at a time of its own: files of requests, and batches whose answers were asked to go early.

A file from which lines are read stays until the last one is, and a batch until all of it has ended.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from jobs.storage.stores import Stores

logger = logging.getLogger(__name__)


class Expiring:
    """Deletes files of requests, and marks batches as removed, when their time is over.

    Whoever asks for one whose time is over is told that it is gone, whether it is deleted by then or not.
    Files that came `retention_s` seconds ago go as well. To be called regularly; `clock` gives the time now
    in Unix seconds.
    """

    def __init__(
        self, stores: Stores, retention_s: float, settle_s: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._stores, self._retention_s, self._settle_s = stores, retention_s, settle_s
        self._clock = clock

    def run_once(self) -> None:
        """Look at all of them.

        Raises redis.RedisError when Redis is away, and Unavailable when the blob store is.
        """
        self._forget_files()
        self._expire_batches()

    def _forget_files(self) -> None:
        now_s = self._clock()
        self._stores.sent_files.forget(
            sent_before=datetime.fromtimestamp(now_s - self._retention_s, UTC),
            # A request that has just found the file may be about to make a batch of it.
            over_before=datetime.fromtimestamp(now_s - self._settle_s, UTC),
            but=self._stores.orders.files_being_read(),
        )

    def _expire_batches(self) -> None:
        stores = self._stores
        expiring = stores.orders.expiring()
        known, underway = stores.orders.of(expiring), {*stores.orders.underway()}
        for batch_id, order in known.items():
            life_s = max(order.output_expires_after_s or 0, self._settle_s)
            if batch_id not in underway and stores.store.expire_batch(batch_id, self._clock() - life_s):
                logger.info("Batch %s has expired, as was asked for.", batch_id)
        # What was asked of a batch goes with the last of it.
        lost = [batch_id for batch_id in expiring if batch_id not in known]
        stores.orders.forget_expiring(one for one in lost if not stores.journal.has_batch(one))
