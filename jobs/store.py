"""JobStore: every read, write and change of state that both sides may make.

Each change of a job's state is one Lua script, which also updates its batch's counters: readers never
see one without the other, and a change that no longer applies changes nothing. So a job that runs
twice is counted once, and its first answer stays.

    queued ──begin──► running ──finish──► succeeded | failed
       │  ▲              │ │                            │
       │  └─give_back────┘ │                            │
       │  └─take_back────┘ │                            │
       │  ▲                │                            │
       └──┼────cancel──────┴──► cancelled               │
          └────────────────────retry────────────────────┘
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import redis

from jobs import names
from jobs.errors import Conflict, NotFound, Unavailable
from jobs.models import Batch, BatchState, Job, JobError, JobState, Options, Result, Usage

#: Fields kept as JSON in a record; all others are plain text.
_JSON_FIELDS = {"options": Options, "usage": Usage, "error": JobError}
_LUA = Path(__file__).parent / "lua"
#: Finish times further apart than this many seconds are not part of the same run of work.
_RATE_WINDOW_S = 60.0
#: Records read from Redis at a time while streaming.
_CHUNK = 200

_UNFINISHED = (JobState.QUEUED, JobState.RUNNING)


def connect(redis_url: str, timeout_s: float = 5.0) -> "redis.Redis":
    """A client for `redis_url`; it connects when first used, and again after a loss."""
    return redis.Redis.from_url(
        redis_url,
        decode_responses=True,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        health_check_interval=30,
    )


class JobStore:
    """Jobs and batches in Redis.

    `clock` gives the time now in Unix seconds. Every method raises redis.RedisError when Redis is away.
    """

    def __init__(self, client: "redis.Redis", clock: Callable[[], float] = time.time) -> None:
        self.redis = client
        self._clock = clock
        self._create = client.register_script((_LUA / "create.lua").read_text())
        self._move = client.register_script((_LUA / "move.lua").read_text())

    # Batches

    def create_batch(self, batch: Batch) -> Batch:
        """Write a new batch."""
        record = batch.model_dump(mode="json", exclude={"counts", "rate_per_s"}, exclude_none=True)
        self.redis.hset(names.batch_key(batch.id), mapping=_as_text(record))
        return batch

    def get_batch(self, batch_id: str) -> Batch:
        """The batch with its counters as they are now.

        Raises NotFound.
        """
        with self.redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(names.batch_key(batch_id))
            pipe.lrange(names.batch_finishes_key(batch_id), 0, -1)
            record, finishes = pipe.execute()
        if not record:
            raise NotFound(f"There is no batch {batch_id}.", code="batch_not_found")
        record.pop("sequence", None)
        counts = {state: int(record.pop(f"count:{state}", 0)) for state in JobState}
        return Batch(
            **_from_text(record), counts=counts, rate_per_s=_rate_per_s([float(at) for at in finishes])
        )

    def close_batch(self, batch_id: str) -> Batch:
        """Take no more files; closing twice changes nothing.

        Raises NotFound.
        """
        batch = self.get_batch(batch_id)
        if batch.state is BatchState.OPEN:
            self._end_batch(batch_id, BatchState.CLOSED)
        return self.get_batch(batch_id)

    def cancel_batch(self, batch_id: str) -> Batch:
        """Take no more files and cancel every job that has no answer yet.

        Raises NotFound.
        """
        self.get_batch(batch_id)
        self._end_batch(batch_id, BatchState.CANCELLED)
        for state in _UNFINISHED:
            for job_id in self._ids(batch_id, state):
                self.cancel(job_id)
        return self.get_batch(batch_id)

    def _end_batch(self, batch_id: str, state: BatchState) -> None:
        self.redis.hset(
            names.batch_key(batch_id), mapping={"state": state.value, "closed_at": self._now_text()}
        )

    # Jobs

    def create_job(self, job: Job) -> tuple[Job, bool]:
        """Write a new job; gives it, and True; or the job this batch already has for that file, and False.

        A file that was refused and is now sent again in a good version takes its old job's place.
        Raises NotFound for an unknown batch and Conflict for one that takes no more files.
        """
        keys = [names.job_key(job.id)]
        if job.batch_id:
            keys += [
                names.batch_key(job.batch_id),
                names.batch_jobs_key(job.batch_id),
                names.batch_state_key(job.batch_id, job.state),
                names.batch_files_key(job.batch_id),
            ]
        record = _as_text(job.model_dump(mode="json", exclude_none=True))
        fields = [text for pair in record.items() for text in pair]
        outcome, value = cast(
            list[str], self._create(keys=keys, args=[job.id, job.state.value, job.file, *fields])
        )
        if outcome == "created":
            return job, True
        if outcome == "exists":
            return self._mend(self.get_job(value), job)
        if outcome == "missing":
            raise NotFound(f"There is no batch {job.batch_id}.", code="batch_not_found")
        raise Conflict(
            f"Batch {job.batch_id} is {value} and takes no more files. Make a new batch.",
            code="batch_closed",
        )

    def _mend(self, earlier: Job, sent: Job) -> tuple[Job, bool]:
        """Give a job that was refused at the door the good image that came now."""
        if earlier.image is not None or sent.image is None:
            return earlier, False
        change = {"image": sent.image, "media_type": sent.media_type or "", "question": sent.question}
        moved = self._change(
            earlier.id, JobState.QUEUED, (JobState.FAILED,), change, ("error", "finished_at")
        )
        return self.get_job(earlier.id), moved

    def get_job(self, job_id: str) -> Job:
        """The job as it is now.

        Raises NotFound.
        """
        record = cast(dict[str, str], self.redis.hgetall(names.job_key(job_id)))
        if not record:
            raise NotFound(f"There is no job {job_id}.", code="job_not_found")
        return Job(**_from_text(record))

    def mark_queued(self, job_id: str) -> None:
        """Note that the job's message is in the queue."""
        self.redis.hset(names.job_key(job_id), "queued_at", self._now_text())

    def begin(self, job_id: str) -> Job | None:
        """Move a queued job to running and count the attempt; None when it is not queued.

        Raises NotFound.
        """
        started, once_more = {"started_at": self._now_text()}, {"attempts": 1}
        if not self._change(job_id, JobState.RUNNING, (JobState.QUEUED,), started, increase=once_more):
            return None
        return self.get_job(job_id)

    def give_back(self, job_id: str) -> bool:
        """Move a running job back to queued, because its worker will not finish it."""
        return self._change(job_id, JobState.QUEUED, (JobState.RUNNING,), unset=("started_at",))

    def take_back(self, job_id: str) -> bool:
        """Move a running job back to queued, because its worker is gone, and count that against the job.

        Raises NotFound.
        """
        return self._change(
            job_id, JobState.QUEUED, (JobState.RUNNING,), unset=("started_at",), increase={"crashes": 1}
        )

    def finish(self, job_id: str, result: Result) -> bool:
        """Write a job's answer or error; False, and nothing changed, when it is already finished."""
        state = JobState.FAILED if result.error else JobState.SUCCEEDED
        change = result.model_dump(mode="json", exclude_none=True)
        return self._change(job_id, state, _UNFINISHED, {**change, "finished_at": self._now_text()})

    def cancel(self, job_id: str) -> bool:
        """Cancel a job that has no answer yet; False when it is already finished.

        Raises NotFound.
        """
        return self._change(job_id, JobState.CANCELLED, _UNFINISHED, {"finished_at": self._now_text()})

    def retry(self, job_id: str) -> bool:
        """Move a failed job back to queued; False when it has not failed or has no image.

        The caller enqueues it. Raises NotFound.
        """
        if self.get_job(job_id).image is None:
            return False
        stale = ("error", "started_at", "finished_at", "queued_at", "usage", "crashes")
        return self._change(job_id, JobState.QUEUED, (JobState.FAILED,), unset=stale)

    def failed_jobs(self, batch_id: str) -> Iterator[str]:
        """The ids of a batch's failed jobs, as they were when this was called."""
        return self._ids(batch_id, JobState.FAILED)

    # Results

    def page(
        self, batch_id: str, *, cursor: int = 0, limit: int = 100, state: JobState | None = None
    ) -> tuple[list[Job], int | None]:
        """Up to `limit` jobs of a batch in the order they came, after `cursor`; and the next cursor.

        The next cursor is None at the end.
        """
        index = names.batch_state_key(batch_id, state) if state else names.batch_jobs_key(batch_id)
        rows = cast(
            list[tuple[str, float]],
            self.redis.zrangebyscore(index, f"({cursor}", "+inf", start=0, num=limit + 1, withscores=True),
        )
        shown = rows[:limit]
        jobs = self._read([job_id for job_id, _ in shown])
        return jobs, int(shown[-1][1]) if len(rows) > limit else None

    def results(self, batch_id: str, state: JobState | None = None) -> Iterator[Job]:
        """All jobs of a batch in the order they came, read a chunk at a time."""
        cursor: int | None = 0
        while cursor is not None:
            jobs, cursor = self.page(batch_id, cursor=cursor, limit=_CHUNK, state=state)
            yield from jobs

    def rate_per_s(self, model: str) -> float | None:
        """Jobs of a model that all its workers finish per second of late; None when that is not known."""
        finishes = cast(list[str], self.redis.lrange(names.finishes_key(model), 0, -1))
        return _rate_per_s([float(at) for at in finishes])

    def _read(self, job_ids: list[str]) -> list[Job]:
        with self.redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hgetall(names.job_key(job_id))
            return [Job(**_from_text(record)) for record in pipe.execute() if record]

    def _ids(self, batch_id: str, state: JobState) -> Iterator[str]:
        yield from cast(list[str], self.redis.zrange(names.batch_state_key(batch_id, state), 0, -1))

    # Changes

    def _change(
        self,
        job_id: str,
        to: JobState,
        allowed: tuple[JobState, ...],
        set_: Mapping[str, Any] | None = None,
        unset: tuple[str, ...] = (),
        increase: Mapping[str, int] | None = None,
    ) -> bool:
        change = {"set": _as_text(set_ or {}), "unset": unset, "increase": increase or {}}
        bars = "|" + "|".join(allowed) + "|"
        args = [job_id, to.value, bars, json.dumps(change), self._clock()]
        before = cast(str, self._move(keys=[names.job_key(job_id)], args=args))
        if not before:
            raise NotFound(f"There is no job {job_id}.", code="job_not_found")
        return not before.startswith("=")

    def _now_text(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).isoformat()

    def ping(self) -> None:
        """Raises Unavailable when Redis does not answer."""
        try:
            self.redis.ping()
        except redis.RedisError as error:
            raise Unavailable(f"Redis does not answer: {error}", code="redis_unavailable") from error


def _as_text(record: Mapping[str, Any]) -> dict[Any, str]:
    return {
        field: json.dumps(value) if field in _JSON_FIELDS else str(value) for field, value in record.items()
    }


def _from_text(record: Mapping[str, str]) -> dict[str, Any]:
    return {field: json.loads(value) if field in _JSON_FIELDS else value for field, value in record.items()}


def _rate_per_s(finishes: list[float]) -> float | None:
    """Jobs per second over the newest finish times that belong together; newest first."""
    recent = [at for at in finishes if finishes[0] - at <= _RATE_WINDOW_S]
    if len(recent) < 2 or recent[0] <= recent[-1]:
        return None
    return round((len(recent) - 1) / (recent[0] - recent[-1]), 3)
