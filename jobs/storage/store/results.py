"""A batch's jobs in the order they came, read a page or a chunk at a time."""

import json
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import Any, cast

from jobs.contract import names
from jobs.contract.models import Job, JobState
from jobs.storage.store.base import Base, Context
from jobs.storage.store.records import Record, Shared, job_from
from jobs.storage.store.rows import ROW_FIELDS, read_ahead, row_from

#: Records read from Redis at a time while streaming.
_CHUNK = 500
#: Ids read from Redis at a time while streaming.
_IDS = 10 * _CHUNK
#: What jobs share with their batch, and the values of ROW_FIELDS for each.
_Records = tuple[Shared, Sequence[Sequence[str | None]]]
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
        context = self._contexts([batch_id])[batch_id]
        places, next_cursor = self._slice(batch_id, context, cursor, limit, state)
        return self._read(batch_id, context, places), next_cursor

    def results(self, batch_id: str, state: JobState | None = None) -> Iterator[Job]:
        """All jobs of a batch in the order they came, read a chunk at a time."""
        cursor: int | None = 0
        while cursor is not None:
            some, cursor = self.page(batch_id, cursor=cursor, limit=_CHUNK, state=state)
            yield from some

    def rows(self, batch_id: str, state: JobState | None = None) -> Iterator[dict[str, Any]]:
        """The same as the API shows them; a chunk is read while the one before is used.

        A job that is gone, or in another state by then, is left out.
        """
        for job_ids, (shared, records) in read_ahead(self._chunks(batch_id, state)):
            for job_id, values in zip(job_ids, records, strict=True):
                if values[0] is not None and state in (None, values[0]):
                    yield row_from(job_id, values, shared)

    def _chunks(self, batch_id: str, state: JobState | None) -> Iterator[tuple[list[str], _Records]]:
        """Chunks of ids and records, which are settled before."""
        for job_ids in self._ids(batch_id, state):
            yield job_ids, self._call("read", batch_id, json.dumps(ROW_FIELDS), *job_ids)

    def _ids(self, batch_id: str, state: JobState | None) -> Iterator[list[str]]:
        cursor: int | None = 0
        while cursor is not None:
            context = self._contexts([batch_id])[batch_id]
            places, cursor = self._slice(batch_id, context, cursor, _IDS, state)
            for start in range(0, len(places), _CHUNK):
                yield [job_id for _, job_id in places[start : start + _CHUNK]]

    def _slice(
        self, batch_id: str, context: Context, cursor: int, limit: int, state: JobState | None
    ) -> tuple[list[_Place], int | None]:
        """Up to `limit` places after `cursor`, and the next cursor."""
        keys = [(key, 0) for key in _sets_of(batch_id, state, context)]
        places = self._places(keys, cursor, limit + 1)
        return places[:limit], places[limit - 1][0] if len(places) > limit else None

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

    def _read(self, batch_id: str, context: Context, places: Sequence[_Place]) -> list[Job]:
        job_ids = [job_id for _, job_id in places]
        if context.pending:
            self._settle(batch_id, job_ids)
        with self.redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hgetall(names.job_key(job_id))
            records = cast(list[Record], pipe.execute())
        return [
            job_from(job_id, record, context.shared)
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
