"""Batches in Redis, and what happens to all jobs of one at once.

Cancelling, retrying and deleting take the same few steps however many jobs there are: they mark the batch,
which is true at once for everyone who reads, and leave its jobs to be settled
(jobs/storage/lua/lib/bulk.lua).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from jobs.contract import names
from jobs.contract.access.owners import Quotas
from jobs.contract.codes import Code
from jobs.contract.errors import NotFound, Unreadable
from jobs.contract.models import FLEETING_BATCH, Batch, BatchState
from jobs.storage.store.base import Base
from jobs.storage.store.quotas import as_json, exceeded
from jobs.storage.store.records import Record, as_text, batch_from, rate_per_s
from jobs.storage.unreadable import pass_over, readable, replies

#: How a batch's jobs are kept: since 2, refused files are in a set of their own, and since 3 with them those
#: that failed by being cut.
_LAYOUT = 3
#: Failed jobs of a batch of an earlier version that are looked at in one step.
_SORTED_AT_ONCE = 1000


@dataclass(frozen=True)
class Cancelled:
    """How many jobs were cancelled, by the state that they were in."""

    queued: int
    running: int


@dataclass(frozen=True)
class Retried:
    """What became of the failed jobs of a batch."""

    queued: int
    #: How many were left as they are, since their answers were cut, and would be cut again.
    cut_short: int


class Batches(Base):
    """Makes batches, reads them, and changes them as a whole."""

    def create_batch(self, batch: Batch) -> Batch:
        """Write a new batch."""
        record = batch.model_dump(mode="json", exclude=FLEETING_BATCH, exclude_none=True)
        record["layout"] = _LAYOUT
        with self.redis.pipeline(transaction=True) as pipe:
            pipe.hset(names.batch_key(batch.id), mapping=as_text(record))
            for index in (names.BATCHES, *([names.owner_batches_key(batch.owner)] if batch.owner else [])):
                pipe.zadd(index, {batch.id: self._clock()})
            pipe.execute()
        return batch

    def get_batch(self, batch_id: str) -> Batch:
        """The batch with its counters as they are now.

        Raises NotFound, and Unreadable.
        """
        found = self.get_batches([batch_id])
        if not found:
            if self.has_record(batch_id) and not self._is_removed(batch_id):
                raise Unreadable(f"batch {batch_id}")
            raise unknown_batch(batch_id)
        return found[0]

    def get_batches(self, batch_ids: Sequence[str]) -> list[Batch]:
        """Those of the batches that there are and can be read, at one moment, with their counters."""
        with self.redis.pipeline(transaction=True) as pipe:
            for batch_id in batch_ids:
                pipe.hgetall(names.batch_key(batch_id))
                pipe.lrange(names.batch_finishes_key(batch_id), 0, -1)
            found = replies(pipe)
        batches = map(_batch, batch_ids, found[::2], found[1::2])
        return [batch for batch in batches if batch]

    def _is_removed(self, batch_id: str) -> bool:
        return self._contexts([batch_id])[batch_id].is_removed

    def has_record(self, batch_id: str) -> bool:
        """True when there is anything of a batch, also of one that is being removed."""
        return bool(self.redis.exists(names.batch_key(batch_id)))

    def rename_batch(self, batch_id: str, name: str) -> Batch:
        """Give a batch another name; that is no change of its jobs, and its retention goes on.

        Raises NotFound.
        """
        self._call("change_batch", batch_id, "name", name)
        return self.get_batch(batch_id)

    def close_batch(
        self, batch_id: str, state: BatchState = BatchState.CLOSED, at: datetime | None = None
    ) -> Batch:
        """Take no more files from now on or since `at`, whatever becomes of the jobs; the first time counts.

        Raises NotFound.
        """
        if self.get_batch(batch_id).state is BatchState.OPEN:
            closed = ("state", state.value, "closed_at", self._text_of(at))
            self._call("change_batch", batch_id, *closed)
        return self.get_batch(batch_id)

    def cancel_batch(self, batch_id: str, at: datetime | None = None) -> Cancelled:
        """Take no more files and cancel every job that has no answer yet, now or `at`; gives how many.

        Raises NotFound.
        """
        counts = self._call("cancel_batch", batch_id, self._text_of(at), self._clock())
        return Cancelled(*self._known(batch_id, counts))

    def retry_batch(self, batch_id: str, at: datetime | None = None, quotas: Quotas | None = None) -> Retried:
        """Queue the failed jobs again, now or `at`, but for those that stay so (Job.stays_failed).

        Their tickets are sent as they are settled. Raises NotFound, and QuotaExceeded when they are more than
        `quotas` leave.
        """
        while self._call("sort_failed", batch_id, _SORTED_AT_ONCE, _LAYOUT):
            pass
        counts = self._call("retry_batch", batch_id, self._text_of(at), self._clock(), as_json(quotas))
        if counts[:1] == ["over"]:
            raise exceeded(quotas or Quotas(), counts[1:], self._clock())
        return Retried(*self._known(batch_id, counts))

    def mark_removed(self, batch_id: str) -> Cancelled:
        """Make a batch unknown at once, and cancel what has no answer yet; gives how many jobs that were.

        Its parts are removed later (jobs/upkeep/removal.py). Raises NotFound.
        """
        outcome, *counts = self._call("mark_removed", batch_id, self._now_text(), self._clock(), "")
        return Cancelled(*self._known(batch_id, counts if outcome == "marked" else []))

    def expire_batch(self, batch_id: str, before_s: float) -> bool:
        """Mark a batch as removed if its last change is older than `before_s` and no job is unfinished.

        True when that was done now. `before_s` is in Unix seconds.
        """
        outcome, *_ = self._call("mark_removed", batch_id, self._now_text(), self._clock(), before_s)
        return cast(str, outcome) == "marked"

    def unsettled_batches(self) -> list[str]:
        """The batches with jobs that are still to be settled, the one that waits longest first."""
        return cast(list[str], self.redis.zrange(names.UNSETTLED, 0, -1))

    def settle_some(self, batch_id: str, limit: int) -> int:
        """Settle up to `limit` jobs of a batch; gives how many there were, 0 when none is left."""
        return int(self._call("settle", batch_id, limit))

    def _known(self, batch_id: str, counts: list[int]) -> list[int]:
        if not counts:
            raise unknown_batch(batch_id)
        return counts


def _batch(batch_id: str, record: Record | None, finishes: Sequence[str] | None) -> Batch | None:
    """A batch from its record and its newest finish times; None when it is gone, or cannot be read."""
    key = names.batch_key(batch_id)
    if record is None:
        pass_over("batch", key, TypeError("no hash"))
        return None
    rate = readable("finishes", names.batch_finishes_key(batch_id), lambda: rate_per_s(finishes or ()))
    return readable("batch", key, lambda: batch_from(record, rate))


def unknown_batch(batch_id: str) -> NotFound:
    """What is said of a batch that is not there, or not the caller's."""
    return NotFound(f"There is no batch {batch_id}.", code=Code.BATCH_NOT_FOUND)
