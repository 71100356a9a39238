"""A batch's jobs in the order they came, read a page or a chunk at a time."""

import json
from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import Any, TypeVar, cast

from jobs.contract import names
from jobs.contract.models import Job, JobState
from jobs.storage.store.base import Base, Context
from jobs.storage.store.records import Record, Shared, job_from, row_from

#: Records read from Redis at a time while streaming.
_CHUNK = 500
_T = TypeVar("_T")
#: A number that grows along the order, and a job's id.
_Place = tuple[int, str]


class Results(Base):
    """Reads the jobs of a batch.

    While jobs of a batch are still to be settled (jobs/storage/lua/lib/bulk.lua), they are found in further
    sets, and are settled before they are read.
    """

    def page(
        self, batch_id: str, *, cursor: int = 0, limit: int = 100, state: JobState | None = None
    ) -> tuple[list[Job], int | None]:
        """Up to `limit` jobs of a batch in the order they came, after `cursor`; and the next cursor.

        The next cursor is None at the end.
        """
        return self._page(batch_id, cursor, limit, state, job_from)

    def results(self, batch_id: str, state: JobState | None = None) -> Iterator[Job]:
        """All jobs of a batch in the order they came, read a chunk at a time."""
        return self._all(batch_id, state, job_from)

    def rows(self, batch_id: str, state: JobState | None = None) -> Iterator[dict[str, Any]]:
        """The same as the API shows them."""
        return self._all(batch_id, state, row_from)

    def _all(
        self, batch_id: str, state: JobState | None, read: Callable[[str, Record, Shared], _T]
    ) -> Iterator[_T]:
        cursor: int | None = 0
        while cursor is not None:
            some, cursor = self._page(batch_id, cursor, _CHUNK, state, read)
            yield from some

    def _page(
        self,
        batch_id: str,
        cursor: int,
        limit: int,
        state: JobState | None,
        read: Callable[[str, Record, Shared], _T],
    ) -> tuple[list[_T], int | None]:
        context = self._contexts([batch_id])[batch_id]
        keys = [(key, 0) for key in _sets_of(batch_id, state, context)]
        places = self._places(keys, cursor, limit + 1)
        shown = places[:limit]
        found = self._read(batch_id, context, shown, read)
        return found, shown[-1][0] if len(places) > limit else None

    def _places(self, keys: Sequence[tuple[str, int]], cursor: int, limit: int) -> list[_Place]:
        """The first `limit` places behind `cursor` in several sets, whose scores begin at an offset."""
        with self.redis.pipeline(transaction=True) as pipe:
            for key, offset in keys:
                pipe.zrangebyscore(key, f"({cursor - offset}", "+inf", start=0, num=limit, withscores=True)
            found = cast(list[list[tuple[str, float]]], pipe.execute())
        ordered = (
            [(int(score) + offset, job_id) for job_id, score in rows]
            for rows, (_, offset) in zip(found, keys, strict=True)
        )
        return [*islice(merge(*ordered), limit)]

    def _read(
        self,
        batch_id: str,
        context: Context,
        places: Sequence[_Place],
        read: Callable[[str, Record, Shared], _T],
    ) -> list[_T]:
        job_ids = [job_id for _, job_id in places]
        if context.pending:
            self._settle(batch_id, job_ids)
        with self.redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hgetall(names.job_key(job_id))
            records = cast(list[Record], pipe.execute())
        return [
            read(job_id, record, context.shared)
            for job_id, record in zip(job_ids, records, strict=True)
            if record
        ]


def pending_sets(context: Context) -> list[dict[str, Any]]:
    """The sets of a batch's jobs that are still to be settled, with the steps that these have to take."""
    return json.loads(context.pending) if context.pending else []


def _sets_of(batch_id: str, state: JobState | None, context: Context) -> list[str]:
    """The sets that hold a batch's jobs in one state, or all its jobs."""
    if state is None:
        return [names.batch_jobs_key(batch_id)]
    keys = [names.batch_state_key(batch_id, state)]
    if state is JobState.FAILED:
        keys.append(names.batch_refused_key(batch_id))
    pending = (one["set"] for one in pending_sets(context) if one["steps"][-1]["to"] == state)
    return keys + [names.batch_pending_key(batch_id, one) for one in pending]
