"""What all parts of the store stand on: a client, a clock, the scripts."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import redis
from redis.commands.core import Script

from jobs.contract import names
from jobs.contract.models import Job
from jobs.contract.refusals import unavailable
from jobs.storage.connection.client import check_writes
from jobs.storage.scripts import load
from jobs.storage.store.records import SHARED, Record, Shared, job_from, time_text
from jobs.storage.unreadable import pass_over, readable, replies

#: Jobs that are settled in one step.
_SETTLED_AT_ONCE = 500
#: What a reader has to know of a job's batch.
_CONTEXT = (*SHARED, "removed_at", "pending")


class Base:
    """A part of the store.

    `clock` gives the time now in Unix seconds. Every method raises redis.RedisError when Redis is away.
    """

    def __init__(self, client: "redis.Redis", clock: Callable[[], float] = time.time) -> None:
        self.redis = client
        self._clock = clock
        self._scripts: dict[str, Script] = {}

    def _call(self, script: str, *args: Any, **how: Any) -> Any:
        """What a script of jobs/storage/lua/ gives."""
        if script not in self._scripts:
            self._scripts[script] = load(self.redis, script)
        return self._scripts[script](args=args, **how)

    def _now_text(self) -> str:
        return time_text(datetime.fromtimestamp(self._clock(), UTC))

    def _text_of(self, at: datetime | None) -> str:
        return time_text(at) if at else self._now_text()

    def _settle(self, batch_id: str, job_ids: Sequence[str]) -> None:
        """Settle those of the jobs that were cancelled or retried with their whole batch."""
        for start in range(0, len(job_ids), _SETTLED_AT_ONCE):
            self._call("settle", batch_id, 0, *job_ids[start : start + _SETTLED_AT_ONCE])

    def _contexts(self, batch_ids: Sequence[str]) -> dict[str, "Context"]:
        with self.redis.pipeline(transaction=False) as pipe:
            for batch_id in batch_ids:
                pipe.hmget(names.batch_key(batch_id), _CONTEXT)
            found = replies(pipe)
        return {
            batch_id: Context(reply) if reply else Context()
            for batch_id, reply in zip(batch_ids, found, strict=True)
        }

    def _records(self, job_ids: Sequence[str]) -> list[Record | None]:
        """The jobs' records; empty where there is none, None where something else is kept in its place."""
        with self.redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hgetall(names.job_key(job_id))
            return replies(pipe)

    def _job(self, job_id: str, record: Record | None, shared: Shared) -> Job | None:
        """A job from its record; None when there is none, or it cannot be read."""
        if record is None:
            pass_over("job", names.job_key(job_id), TypeError("no hash"))
        return (
            readable("job", names.job_key(job_id), lambda: job_from(job_id, record, shared))
            if record
            else None
        )

    def check(self) -> None:
        """Raises Unavailable when Redis does not answer, or takes no writes."""
        try:
            check_writes(self.redis)
        except redis.RedisError as error:
            raise unavailable(error) from error


class Context:
    """What a reader has to know of a job's batch: what its jobs share, and whether they are as they seem."""

    def __init__(self, reply: Sequence[str | None] = (None,) * len(_CONTEXT)) -> None:
        self.shared: Shared = reply[: len(SHARED)]
        #: True when the batch was deleted: its jobs are unknown to users.
        self.is_removed = reply[-2] is not None
        #: The sets of jobs that are still to be settled, as JSON; see jobs/storage/lua/lib/bulk.lua.
        self.pending = reply[-1]
