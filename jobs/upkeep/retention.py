"""Retention: what has not changed for long enough is removed, with all that belongs to it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from jobs.storage.files.journal import Journal
from jobs.storage.store import JobStore

logger = logging.getLogger(__name__)

#: Batches, and jobs without one, that are looked at in one pass.
_BATCHES_A_PASS, _JOBS_A_PASS = 100, 1000


@dataclass(frozen=True)
class Expired:
    """What has expired."""

    #: Batches that are marked as removed now; jobs/upkeep/removal.py removes their parts.
    batches: int = 0
    #: Jobs without a batch that are gone.
    jobs: int = 0


class Retention:
    """Removes batches and single jobs that are finished and have not changed for `retention_s` seconds.

    To be called regularly. `clock` gives the time now in Unix seconds.
    """

    def __init__(
        self,
        store: JobStore,
        journal: Journal,
        retention_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._journal = store, journal
        self._retention_s = retention_s
        self._clock = clock
        self._batches = _Old(store.old_batches, _BATCHES_A_PASS)
        self._jobs = _Old(store.old_single_jobs, _JOBS_A_PASS)

    def run_once(self) -> Expired:
        """Look at some of what is old, and remove it if it is finished; gives how much.

        Raises redis.RedisError when Redis is away, and Unavailable when the blob store is.
        """
        before_s = self._clock() - self._retention_s
        return Expired(
            self._batches.expire(before_s, lambda ids: self._expire_batches(ids, before_s)),
            self._jobs.expire(before_s, self._expire_jobs),
        )

    def _expire_batches(self, batch_ids: list[str], before_s: float) -> int:
        expired = [batch_id for batch_id in batch_ids if self._store.expire_batch(batch_id, before_s)]
        for batch_id in expired:
            logger.info("Batch %s has expired.", batch_id)
        return len(expired)

    def _expire_jobs(self, job_ids: list[str]) -> int:
        finished = self._store.finished_singles(job_ids)
        # The record goes last: what breaks off in between is found again.
        self._journal.forget_jobs(finished)
        return sum(map(self._expire_job, finished))

    def _expire_job(self, job_id: str) -> bool:
        if self._store.remove_job(job_id, only_finished=True):
            logger.info("Job %s has expired.", job_id)
            return True
        # Somebody has just retried it.
        self._journal.note_jobs(None, self._store.get_jobs([job_id]))
        return False


class _Old:
    """The oldest of an index by the time of the last change, some at a time.

    What is old and unfinished stays in the index: the next pass goes on behind it, and at the end from the
    beginning.
    """

    def __init__(self, old: Callable[[float, int, int], list[str]], limit: int) -> None:
        self._old, self._limit = old, limit
        self._skipped = 0

    def expire(self, before_s: float, expire: Callable[[list[str]], int]) -> int:
        """Give the next ones to `expire`, which says how many of them are gone; gives that."""
        found = self._old(before_s, self._skipped, self._limit)
        expired = expire(found) if found else 0
        self._skipped = self._skipped + len(found) - expired if len(found) == self._limit else 0
        return expired
