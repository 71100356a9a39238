"""JobStore: every read, write and change of state that both sides may make.

Each change of a job's state is one Lua script, which also updates its batch's counters: readers never
see one without the other, and a change that no longer applies changes nothing. So a job that runs
twice is counted once, and its first answer stays.

    queued ──take──► running ──finish──► succeeded | failed
       │  ▲              │ │                            │
       │  ├─give_back────┤ │                            │
       │  └─take_back────┘ │                            │
       │  ▲                │                            │
       └──┼────cancel──────┴──► cancelled               │
          └────────────────────retry────────────────────┘

Which queued job is next is decided when a worker takes one: single jobs before those of batches, and
batches in turns. The worker brings a ticket, the message that it holds; the running job is bound to it, so
that whoever gets the ticket after a crash knows which job it stands for.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

import redis

from jobs.contract import names
from jobs.contract.codes import Code
from jobs.contract.errors import Conflict, NotFound, Unavailable
from jobs.contract.models import FLEETING_BATCH, Batch, BatchState, Job, JobState, Result
from jobs.storage.records import as_text, batch_from, from_text, rate_per_s, time_text, times_of

_LUA = Path(__file__).parent / "lua"
#: Records read from Redis at a time while streaming.
_CHUNK = 200

_UNFINISHED = (JobState.QUEUED, JobState.RUNNING)


class Came(StrEnum):
    """How a worker came by a ticket."""

    #: For the first time.
    FRESH = "fresh"
    #: Another worker had it, and is gone.
    REDELIVERED = "redelivered"
    #: It asks once more, because the reply was lost.
    AGAIN = "again"


class JobStore:
    """Jobs and batches in Redis.

    `clock` gives the time now in Unix seconds. Every method raises redis.RedisError when Redis is away.
    """

    def __init__(self, client: "redis.Redis", clock: Callable[[], float] = time.time) -> None:
        self.redis = client
        self._clock = clock
        common = (_LUA / "common.lua").read_text()
        self._create, self._move, self._take, self._remove = (
            client.register_script(common + (_LUA / f"{name}.lua").read_text())
            for name in ("create", "move", "take", "remove")
        )
        self._mark_removed, self._change_batch = (
            client.register_script(common + (_LUA / f"{name}.lua").read_text())
            for name in ("mark_removed", "change_batch")
        )

    # Batches

    def create_batch(self, batch: Batch) -> Batch:
        """Write a new batch."""
        record = batch.model_dump(mode="json", exclude=FLEETING_BATCH, exclude_none=True)
        with self.redis.pipeline(transaction=True) as pipe:
            pipe.hset(names.batch_key(batch.id), mapping=as_text(record))
            pipe.zadd(names.BATCHES, {batch.id: self._clock()})
            pipe.execute()
        return batch

    def get_batch(self, batch_id: str) -> Batch:
        """The batch with its counters as they are now.

        Raises NotFound.
        """
        found = self.get_batches([batch_id])
        if not found:
            raise NotFound(f"There is no batch {batch_id}.", code=Code.BATCH_NOT_FOUND)
        return found[0]

    def get_batches(self, batch_ids: Sequence[str]) -> list[Batch]:
        """Those of the batches that there are, at one moment, with their counters."""
        with self.redis.pipeline(transaction=True) as pipe:
            for batch_id in batch_ids:
                pipe.hgetall(names.batch_key(batch_id))
                pipe.lrange(names.batch_finishes_key(batch_id), 0, -1)
            replies = pipe.execute()
        found = (
            batch_from(record, finishes) for record, finishes in zip(replies[::2], replies[1::2], strict=True)
        )
        return [batch for batch in found if batch]

    def rename_batch(self, batch_id: str, name: str) -> Batch:
        """Give a batch another name; that is no change of its jobs, and its retention goes on.

        Raises NotFound.
        """
        self._change_batch(args=[batch_id, "name", name])
        return self.get_batch(batch_id)

    def close_batch(self, batch_id: str) -> Batch:
        """Take no more files; closing twice changes nothing.

        Raises NotFound.
        """
        batch = self.get_batch(batch_id)
        if batch.state is BatchState.OPEN:
            self._end_batch(batch_id, BatchState.CLOSED)
        return self.get_batch(batch_id)

    def cancel_batch(self, batch_id: str) -> list[JobState]:
        """Take no more files and cancel every job that has no answer yet; gives the states they were in.

        Raises NotFound.
        """
        self.get_batch(batch_id)
        self._end_batch(batch_id, BatchState.CANCELLED)
        unfinished = [job_id for state in _UNFINISHED for job_id in self._ids(batch_id, state)]
        return [before for job_id in unfinished if (before := self.cancel(job_id))]

    def _end_batch(self, batch_id: str, state: BatchState) -> None:
        self._change_batch(args=[batch_id, "state", state.value, "closed_at", self._now_text()])

    # Jobs

    def create_job(self, job: Job, *, is_restored: bool = False) -> tuple[Job, bool]:
        """Write a new job; gives it, and True; or the job this batch already has for that file, and False.

        A file that was refused and is now sent again in a good version takes its old job's place. A job that
        is restored comes in whatever state it has, also into a batch that takes no more files.
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
        record = as_text(job.model_dump(mode="json", exclude_none=True))
        fields = [text for pair in record.items() for text in pair]
        state = [job.id, job.state.value, job.file, int(is_restored)]
        outcome, value = cast(
            list[str],
            self._create(
                keys=keys,
                args=[*state, self._clock(), json.dumps(times_of(job)), *fields],
            ),
        )
        if outcome == "created":
            return job, True
        if outcome == "exists":
            return self._mend(self.get_job(value), job)
        if outcome == "missing":
            raise NotFound(f"There is no batch {job.batch_id}.", code=Code.BATCH_NOT_FOUND)
        raise Conflict(
            f"Batch {job.batch_id} is {value} and takes no more files. Make a new batch.",
            code=Code.BATCH_CLOSED,
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
            raise NotFound(f"There is no job {job_id}.", code=Code.JOB_NOT_FOUND)
        return Job(**from_text(record))

    def get_shown_job(self, job_id: str) -> Job:
        """The job as it is now, as users may see it: a deleted batch's jobs are unknown, though still there.

        Raises NotFound.
        """
        job = self.get_job(job_id)
        if job.batch_id and self.redis.hexists(names.batch_key(job.batch_id), "removed_at"):
            raise NotFound(f"There is no job {job_id}.", code=Code.JOB_NOT_FOUND)
        return job

    def take(self, model: str, ticket: str, came: Came = Came.FRESH) -> Job | None:
        """The next job of a model, which is running now and bound to `ticket`; None when none waits.

        When the ticket stands for a job already, it is that job; a redelivered ticket counts that as a crash
        if the job had begun.
        """
        args = [model, ticket, came.value, self._now_text(), self._clock()]
        flat = cast(list[str], self._take(args=args))
        return Job(**from_text(dict(zip(flat[::2], flat[1::2], strict=True)))) if flat else None

    def begin_again(self, job_id: str) -> bool:
        """Count another attempt at a running job; False when it is not running any more.

        Raises NotFound.
        """
        started = {"started_at": self._now_text()}
        return self._change(job_id, JobState.RUNNING, (JobState.RUNNING,), started, increase={"attempts": 1})

    def give_back(self, job_id: str) -> bool:
        """Move a running job back to queued, because its worker will not finish it."""
        return self._queue_again(job_id, JobState.RUNNING, "started_at")

    def take_back(self, job_id: str) -> bool:
        """Move a running job back to queued, because its worker failed it, and count that against the job.

        Raises NotFound.
        """
        return self._queue_again(job_id, JobState.RUNNING, "started_at", increase={"crashes": 1})

    def finish(self, job_id: str, result: Result, *, recipe: str | None = None) -> bool:
        """Write a job's answer or error; False, and nothing changed, when it is already finished.

        With a recipe, `known_answer` finds the answer from now on; an error is found by nobody.
        """
        state = JobState.FAILED if result.error else JobState.SUCCEEDED
        change = result.model_dump(mode="json", exclude_none=True) | {"finished_at": self._now_text()}
        if recipe and not result.error:
            change["recipe"] = recipe
        return self._change(job_id, state, _UNFINISHED, change)

    def known_answer(self, image: str, recipe: str) -> Job | None:
        """The latest job that asked the same of an image and has its answer; None when there is none.

        A deleted batch's answers are unknown at once, though still there.
        """
        job_id = cast(str | None, self.redis.hget(names.image_answers_key(image), recipe))
        try:
            return self.get_shown_job(job_id) if job_id else None
        except NotFound:
            return None

    def cancel(self, job_id: str) -> JobState | None:
        """Cancel a job that has no answer yet; gives the state it was in, None when it was finished.

        Raises NotFound.
        """
        finished = {"finished_at": self._now_text()}
        return self._move_from(job_id, JobState.CANCELLED, _UNFINISHED, finished)

    def cancelled(self, job_ids: Sequence[str]) -> set[str]:
        """Those of the jobs that nobody waits for any more: cancelled, or gone."""
        with self.redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hget(names.job_key(job_id), "state")
            states = pipe.execute()
        return {
            job_id
            for job_id, state in zip(job_ids, states, strict=True)
            if state in (None, JobState.CANCELLED)
        }

    def retry(self, job_id: str) -> bool:
        """Move a failed job back to queued; False when it has not failed or has no image.

        The caller enqueues it. Raises NotFound.
        """
        if self.get_job(job_id).image is None:
            return False
        stale = ("error", "started_at", "finished_at", "usage", "crashes")
        return self._queue_again(job_id, JobState.FAILED, *stale)

    def _queue_again(self, job_id: str, from_: JobState, *unset: str, **kwargs: Any) -> bool:
        since = {"queued_at": self._now_text()}
        return self._change(job_id, JobState.QUEUED, (from_,), since, unset=unset, **kwargs)

    def failed_jobs(self, batch_id: str) -> Iterator[str]:
        """The ids of a batch's failed jobs, as they were when this was called."""
        return self._ids(batch_id, JobState.FAILED)

    # Removal

    def mark_removed(self, batch_id: str) -> None:
        """Make a batch unknown at once; its parts are removed later (jobs/upkeep/removal.py).

        Raises NotFound.
        """
        if self._mark_removed(args=[batch_id, self._clock(), ""]) != "marked":
            raise NotFound(f"There is no batch {batch_id}.", code=Code.BATCH_NOT_FOUND)

    def expire_batch(self, batch_id: str, before_s: float) -> bool:
        """Mark a batch as removed if its last change is older than `before_s` and no job is unfinished.

        True when that was done now. `before_s` is in Unix seconds.
        """
        return self._mark_removed(args=[batch_id, self._clock(), before_s]) == "marked"

    def remove_jobs(self, batch_id: str, limit: int) -> int:
        """Remove up to `limit` jobs of a batch; gives how many there were, 0 when none is left."""
        index = names.batch_jobs_key(batch_id)
        job_ids = cast(list[str], self.redis.zrange(index, 0, limit - 1))
        if job_ids:
            with self.redis.pipeline(transaction=False) as pipe:
                for job_id in job_ids:
                    self._remove(args=[job_id, self._clock()], client=pipe)
                pipe.zrem(index, *job_ids)
                pipe.execute()
        return len(job_ids)

    def remove_batch(self, batch_id: str) -> None:
        """Remove what is left of a batch whose jobs are removed, and that it is to be removed."""
        batch = names.batch_key(batch_id)
        model = cast(str | None, self.redis.hget(batch, "model"))
        keys = [names.batch_jobs_key(batch_id), names.batch_files_key(batch_id)]
        keys += [names.batch_finishes_key(batch_id), names.batch_changes_key(batch_id)]
        keys += [names.batch_timeline_key(batch_id)]
        keys += [names.batch_state_key(batch_id, state) for state in JobState]
        with self.redis.pipeline(transaction=True) as pipe:
            pipe.delete(batch, *keys)
            pipe.zrem(names.BATCHES, batch_id)
            pipe.zrem(names.REMOVALS, batch_id)
            if model:
                pipe.zrem(names.turns_key(model), batch_id)
            pipe.execute()

    def remove_job(self, job_id: str, *, only_finished: bool = False) -> bool:
        """Remove a job and what refers to it; an image that nothing else needs is noted as unused.

        False when it is not there, or with `only_finished` because it runs again.
        """
        return bool(self._remove(args=[job_id, self._clock(), int(only_finished)]))

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
        jobs = self.get_jobs([job_id for job_id, _ in shown])
        return jobs, int(shown[-1][1]) if len(rows) > limit else None

    def results(self, batch_id: str, state: JobState | None = None) -> Iterator[Job]:
        """All jobs of a batch in the order they came, read a chunk at a time."""
        cursor: int | None = 0
        while cursor is not None:
            jobs, cursor = self.page(batch_id, cursor=cursor, limit=_CHUNK, state=state)
            yield from jobs

    def rate_per_s(self, model: str) -> float | None:
        """Jobs of a model that all its workers finish per second of late; None when that is not known."""
        return rate_per_s(cast(list[str], self.redis.lrange(names.finishes_key(model), 0, -1)))

    def get_jobs(self, job_ids: Sequence[str]) -> list[Job]:
        """Those of the jobs that there are."""
        with self.redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hgetall(names.job_key(job_id))
            return [Job(**from_text(record)) for record in pipe.execute() if record]

    def _ids(self, batch_id: str, state: JobState) -> Iterator[str]:
        yield from cast(list[str], self.redis.zrange(names.batch_state_key(batch_id, state), 0, -1))

    # Changes

    def _change(self, job_id: str, *args: Any, **kwargs: Any) -> bool:
        return self._move_from(job_id, *args, **kwargs) is not None

    def _move_from(
        self,
        job_id: str,
        to: JobState,
        allowed: tuple[JobState, ...],
        set_: Mapping[str, Any] | None = None,
        unset: tuple[str, ...] = (),
        increase: Mapping[str, int] | None = None,
    ) -> JobState | None:
        """The state that the job was in; None when that is not among those allowed, and nothing changed."""
        change = {"set": as_text(set_ or {}), "unset": unset, "increase": increase or {}}
        bars = "|" + "|".join(allowed) + "|"
        args = [job_id, to.value, bars, json.dumps(change), self._clock()]
        before = cast(str, self._move(args=args))
        if not before:
            raise NotFound(f"There is no job {job_id}.", code=Code.JOB_NOT_FOUND)
        return None if before.startswith("=") else JobState(before)

    def _now_text(self) -> str:
        return time_text(datetime.fromtimestamp(self._clock(), UTC))

    def ping(self) -> None:
        """Raises Unavailable when Redis does not answer."""
        try:
            self.redis.ping()
        except redis.RedisError as error:
            raise Unavailable(f"Redis does not answer: {error}", code=Code.REDIS_UNAVAILABLE) from error
