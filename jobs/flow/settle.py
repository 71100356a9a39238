"""Settle what a mark on a batch has left to do: the first jobs at once, the rest in the background.

A mark on the batch has made the change true (jobs/storage/lua/lib/bulk.lua). What is left is to write it
into each job's record, and to send the tickets of those that run again. The first go with the request, so
that small batches are done with it and workers have something to do; housekeeping does the rest, in steps
as short as these.
"""

import logging

import redis

from jobs.contract.refusals import Refusal
from jobs.storage.stores import Stores

logger = logging.getLogger(__name__)

#: Jobs that are settled in one step: Redis does nothing else meanwhile, for some milliseconds.
STEP = 100


def settle_first(stores: Stores, batch_id: str) -> None:
    """Settle the first jobs of a batch."""
    stores.store.settle_some(batch_id, STEP)


def settle_all(stores: Stores, limit: int) -> int:
    """Settle up to about `limit` jobs of all batches, those first that wait longest; gives how many."""
    settled = 0
    for batch_id in stores.store.unsettled_batches():
        try:
            while settled < limit and (step := stores.store.settle_some(batch_id, STEP)):
                settled += step
        except redis.ResponseError as error:
            if Refusal.of(error):
                raise
            logger.exception("The jobs of batch %s cannot be settled; those of others are.", batch_id)
    return settled
