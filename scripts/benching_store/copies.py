"""Saves the keys that a verb changes and restores them, so that the verb can be repeated."""

from typing import cast

import redis

from jobs.contract import names
from jobs.contract.models import Batch, JobState
from jobs.flow.settle import STEP


class Copy:
    """A batch's keys as they are now; not its tickets, nor its feed of changes.

    The batch must have no pending jobs (marked by an earlier verb, and not yet settled). A verb settles only
    the first jobs at once, so only their records are saved.
    """

    def __init__(self, client: "redis.Redis", batch: Batch) -> None:
        self._redis, self._batch = client, batch
        self._sets = int(str(client.hget(names.batch_key(batch.id), "pending_sets") or 0))
        first = cast(list[str], client.zrange(names.batch_jobs_key(batch.id), 0, STEP))
        self._keys = [
            names.batch_key(batch.id),
            names.batch_timeline_key(batch.id),
            names.turns_key(batch.model),
            names.REMOVALS,
            names.UNSETTLED,
            *(names.batch_state_key(batch.id, state) for state in JobState),
            *map(names.job_key, first),
        ]
        for key in self._keys:
            client.copy(key, _copy_of(key), replace=True)

    def put_back(self) -> None:
        """Restore all saved keys."""
        marked = (names.batch_pending_key(self._batch.id, str(self._sets + n)) for n in (1, 2))
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.unlink(*self._keys, *marked)
            for key in self._keys:
                pipe.copy(_copy_of(key), key)
            pipe.execute()

    def forget(self) -> None:
        """Delete the saved keys."""
        self._redis.unlink(*map(_copy_of, self._keys))


def _copy_of(key: str) -> str:
    return f"copy:{key}"
