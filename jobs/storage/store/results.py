"""A batch's jobs in the order they came, read a page or a chunk at a time."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from jobs.contract import names
from jobs.contract.models import Job, JobState
from jobs.contract.saying.lines import described
from jobs.storage.store.base import Base
from jobs.storage.store.records import Shared
from jobs.storage.store.rows import LINES_FIELD, ROW_FIELDS, read_ahead, row_from, unreadable_row
from jobs.storage.unreadable import readable

#: Records read from Redis at a time while streaming.
_CHUNK = 500
#: Ids read from Redis at a time while streaming.
_IDS = 10 * _CHUNK
#: What jobs share with their batch, and the values of ROW_FIELDS for each.
_Records = tuple[Shared, Sequence[list[str | None]]]
#: What the script finds when no state is named.
_ALL = "all"
#: A number that grows along the order, and a job's id.
Place = tuple[int, str]


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
        places, is_pending, next_cursor = self._slice(batch_id, state or _ALL, cursor, limit)
        return self._read(batch_id, places, is_pending=is_pending), next_cursor

    def results(self, batch_id: str, state: JobState | None = None) -> Iterator[Job]:
        """All jobs of a batch in the order they came, read a chunk at a time.

        A job that is gone, or in another state by then, is left out.
        """
        cursor: int | None = 0
        while cursor is not None:
            some, cursor = self.page(batch_id, cursor=cursor, limit=_CHUNK, state=state)
            yield from (job for job in some if state in (None, job.state))

    def rows(
        self, batch_id: str, state: JobState | None = None, *, with_lines: bool = False
    ) -> Iterator[dict[str, Any]]:
        """The same as the API shows them; a chunk is read while the one before is used.

        One that cannot be read is a row that says so: there are as many rows as files.
        """
        # What cannot be read at all is said before the first row, while an error can still be told.
        self._places(batch_id, state or _ALL, 0, 1)
        return self._rows(batch_id, state, with_lines=with_lines)

    def _rows(self, batch_id: str, state: JobState | None, *, with_lines: bool) -> Iterator[dict[str, Any]]:
        fields = (*ROW_FIELDS, LINES_FIELD) if with_lines else ROW_FIELDS
        for job_ids, (shared, records) in read_ahead(self._chunks(batch_id, state, fields)):
            for job_id, values in zip(job_ids, records, strict=True):
                lines = values.pop() if with_lines else None
                if row := _row(batch_id, job_id, values, shared, state):
                    yield row | {"lines": described(row["answer"], lines)} if with_lines else row

    def _chunks(
        self, batch_id: str, state: JobState | None, fields: Sequence[str]
    ) -> Iterator[tuple[list[str], _Records]]:
        """Chunks of ids and records, which are settled before."""
        for job_ids in self._ids(batch_id, state):
            yield job_ids, self._call("read", batch_id, json.dumps(fields), *job_ids)

    def _ids(self, batch_id: str, state: JobState | None) -> Iterator[list[str]]:
        cursor: int | None = 0
        while cursor is not None:
            places, _, cursor = self._slice(batch_id, state or _ALL, cursor, _IDS)
            for start in range(0, len(places), _CHUNK):
                yield [job_id for _, job_id in places[start : start + _CHUNK]]

    def _slice(
        self, batch_id: str, what: str, cursor: int, limit: int
    ) -> tuple[list[Place], bool, int | None]:
        """Up to `limit` places after `cursor`, whether some are to be settled, and the next cursor."""
        places, is_pending = self._places(batch_id, what, cursor, limit + 1)
        return places[:limit], is_pending, places[limit - 1][0] if len(places) > limit else None

    def _places(self, batch_id: str, what: str, cursor: int, limit: int) -> tuple[list[Place], bool]:
        """The first `limit` places behind `cursor`, at one moment; and whether some are to be settled."""
        is_pending, *flat = self._call("places", batch_id, what, cursor, limit)
        return [*zip(map(int, flat[::2]), flat[1::2], strict=True)], bool(is_pending)

    def _read(self, batch_id: str, places: Sequence[Place], *, is_pending: bool) -> list[Job]:
        job_ids = [job_id for _, job_id in places]
        if is_pending:
            self._settle(batch_id, job_ids)
        shared = self._contexts([batch_id])[batch_id].shared
        records = self._records(job_ids)
        jobs = (self._job(job_id, record, shared) for job_id, record in zip(job_ids, records, strict=True))
        return [job for job in jobs if job]


def _row(
    batch_id: str, job_id: str, values: Sequence[str | None], shared: Shared, state: JobState | None
) -> dict[str, Any] | None:
    """A job's row; None when it is gone, or not in `state` by now."""
    if values[0] is None:
        return None
    row = readable("job", names.job_key(job_id), lambda: row_from(job_id, values, shared))
    if row is None:
        return unreadable_row(job_id, batch_id, values, shared)
    return row if state in (None, row["state"]) else None
