"""Jobs in Redis: made, read, and moved from state to state."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, cast

from pydantic_core import to_json

from jobs.contract import names
from jobs.contract.access.owners import Quotas
from jobs.contract.codes import Code
from jobs.contract.errors import Conflict, Eva01Error, NotFound, Unreadable
from jobs.contract.models import ID_PATTERN, Job, JobError, JobState, Result
from jobs.storage.store.base import Base, Context
from jobs.storage.store.quotas import as_json, exceeded
from jobs.storage.store.records import as_text, job_record, rate_per_s, time_text, times_of
from jobs.storage.unreadable import readable, replies, shaped

_UNFINISHED = (JobState.QUEUED, JobState.RUNNING)
_FINISHED = [state.value for state in JobState if state.is_finished]
#: Jobs that one script makes: Redis does nothing else meanwhile, for some 10 ms.
_MADE_AT_ONCE = 500

#: Why a job ends whose record says nothing that a worker could answer.
_UNREADABLE = JobError(
    code=Code.UNREADABLE_RECORD, message="What is kept of this job cannot be read. Send the file again."
)


class Came(StrEnum):
    """How a worker came by a ticket."""

    #: For the first time.
    FRESH = "fresh"
    #: Another worker had it, and is gone.
    REDELIVERED = "redelivered"
    #: It asks once more, because the reply was lost.
    AGAIN = "again"


@dataclass(frozen=True)
class Taken:
    """A job that a worker has got."""

    job: Job
    #: True when another worker had it, and is gone.
    is_resumed: bool = False
    #: False for one that was in a crash, until `begin`: while it only waits, another crash is not its own.
    has_begun: bool = True


class Source(NamedTuple):
    """The zip that files came in: its path, and its content's digest; both empty for what came by itself."""

    path: str = ""
    sha256: str = ""


#: Of files that came by themselves.
ITSELF = Source()


class Jobs(Base):
    """Makes jobs, reads them, and moves them; a change that no longer applies changes nothing."""

    # New ones

    def create_job(self, job: Job, *, is_restored: bool = False) -> tuple[Job, bool]:
        """Write a new job with its ticket; see `create_jobs`."""
        ((made, is_new),) = self.create_jobs([job], is_restored=is_restored)
        return made, is_new

    def create_jobs(
        self,
        jobs: Sequence[Job],
        *,
        source: Source = ITSELF,
        is_restored: bool = False,
        quotas: Quotas | None = None,
    ) -> list[tuple[Job, bool]]:
        """Write new jobs of one batch, or without one, each with its ticket if it is queued.

        Gives each as it is called in its batch, and True; or the job that the batch already has for that very
        file, and False. `source` is the zip that the files came in. A file that was refused and is taken
        now, of the same path, content and source, keeps its job: that job, and True. Where the zip itself was
        refused, the first file that is taken of it gets its job. Jobs that are restored come in
        whatever state they have, also into a batch that takes no more files. Raises NotFound for an unknown
        batch, Conflict for one that takes no more files, and QuotaExceeded with those that were made before
        one of `quotas` was used up.
        """
        made: list[tuple[Job, bool]] = []
        for start in range(0, len(jobs), _MADE_AT_ONCE):
            how = (int(is_restored), self._now_text(), *source, as_json(quotas))
            some, passed = self._create(jobs[start : start + _MADE_AT_ONCE], how)
            made += some
            if passed:
                raise exceeded(quotas or Quotas(), passed, self._clock(), made)
        return made

    def _create(
        self, jobs: Sequence[Job], how: Sequence[Any]
    ) -> tuple[list[tuple[Job, bool]], Sequence[str]]:
        """What became of jobs; and, where a quota was used up before all were made, what is said of it."""
        batch_id = jobs[0].batch_id or ""
        given = to_json([_given(job) for job in jobs])
        outcomes = self._call("create", batch_id, self._clock(), *how, given)
        self._refuse(batch_id, outcomes)
        passed: Sequence[str] = ()
        if outcomes[-1][0] == "over":
            _, *passed = outcomes.pop()
        others = [job_id for outcome, job_id, *_ in outcomes if outcome != "created"]
        known = {job.id: job for job in self.get_jobs(others)}
        if lost := next((job_id for job_id in others if job_id not in known), None):
            raise Unreadable(f"job {lost}")
        made = [
            (_called(job, *name), True) if outcome == "created" else (known[job_id], outcome == "mended")
            for job, (outcome, job_id, *name) in zip(jobs, outcomes, strict=not passed)
        ]
        return made, passed

    def _refuse(self, batch_id: str, outcomes: Sequence[Sequence[str]]) -> None:
        for outcome, value, *_ in outcomes:
            if outcome == "missing":
                raise NotFound(f"There is no batch {batch_id}.", code=Code.BATCH_NOT_FOUND)
            if outcome == "closed":
                raise Conflict(
                    f"Batch {batch_id} is {value} and takes no more files. Make a new batch.",
                    code=Code.BATCH_CLOSED,
                )

    # Reading

    def get_job(self, job_id: str) -> Job:
        """The job as it is now.

        Raises NotFound, and Unreadable.
        """
        for job in self.get_jobs([job_id]):
            return job
        raise self._lacking(job_id)

    def get_shown_job(self, job_id: str) -> Job:
        """The job as it is now, as users may see it: a deleted batch's jobs are unknown, though still there.

        Raises NotFound, and Unreadable.
        """
        for job, batch in self._read_with_batches([job_id]):
            if batch.is_removed:
                raise unknown_job(job_id)
            return job
        raise self._lacking(job_id)

    def _lacking(self, job_id: str) -> Eva01Error:
        """What to say of a job that was not found."""
        is_there = self.redis.exists(names.job_key(job_id))
        return Unreadable(f"job {job_id}") if is_there else unknown_job(job_id)

    def get_jobs(self, job_ids: Sequence[str]) -> list[Job]:
        """Those of the jobs that there are and can be read."""
        return [job for job, _ in self._read_with_batches(job_ids)]

    def _read_with_batches(self, job_ids: Sequence[str]) -> list[tuple[Job, Context]]:
        """Those of the jobs that can be read, each with what has to be known of its batch."""
        records = self._records(job_ids)
        batch_ids = {record["batch_id"] for record in records if record and "batch_id" in record}
        contexts = self._contexts([*batch_ids])
        for batch_id, context in contexts.items():
            if context.pending:
                self._settle(batch_id, job_ids)
        if any(context.pending for context in contexts.values()):
            records = self._records(job_ids)
        found, alone = [], Context()
        for job_id, record in zip(job_ids, records, strict=True):
            batch = contexts.get((record or {}).get("batch_id", ""), alone)
            if job := self._job(job_id, record, batch.shared):
                found.append((job, batch))
        return found

    def unknown(self, job_ids: Sequence[str]) -> list[str]:
        """Those that there is nothing of."""
        with self.redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.exists(names.job_key(job_id))
            return [job_id for job_id, found in zip(job_ids, pipe.execute(), strict=True) if not found]

    def cancelled(self, job_ids: Sequence[str]) -> set[str]:
        """Those of the jobs that nobody waits for any more: cancelled, or gone."""
        waited_for = {job.id for job in self.get_jobs(job_ids) if job.state is not JobState.CANCELLED}
        return set(job_ids) - waited_for

    def finished_singles(self, job_ids: Sequence[str]) -> list[str]:
        """Those of the jobs, which have no batch, that are finished."""
        with self.redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hget(names.job_key(job_id), "state")
            states = replies(pipe)
        finished = (job_id for job_id, state in zip(job_ids, states, strict=True) if state in _FINISHED)
        return shaped("job", names.SINGLE_JOBS, ID_PATTERN, finished)

    def known_answer(self, images: Sequence[str], recipe: str, owner: str | None = None) -> Job | None:
        """The owner's latest job that asked the same of the images and has its answer; None without one.

        A deleted batch's answers are unknown at once, though still there.
        """
        key, field = names.image_answers_key(images[0]), f"{owner}/{recipe}" if owner else recipe
        job_id = readable("answer", key, lambda: cast(str | None, self.redis.hget(key, field)))
        try:
            job = self.get_shown_job(job_id) if job_id else None
        except (NotFound, Unreadable):
            return None
        return job if job and job.owner == owner else None

    def rate_per_s(self, model: str) -> float | None:
        """Jobs of a model that all its workers finish per second of late; None when that is not known."""
        key = names.finishes_key(model)
        return readable("finishes", key, lambda: rate_per_s(cast(list[str], self.redis.lrange(key, 0, -1))))

    # A worker's

    def take(self, model: str, ticket: str, came: Came = Came.FRESH) -> Taken | None:
        """The next job of a model, which is running now and bound to `ticket`; None when none waits.

        When the ticket stands for a job already, it is that job; a redelivered ticket counts that as a crash
        if the job had begun. Jobs whose records cannot be read have failed by that, and the next is given.
        """
        while True:
            now = (self._now_text(), self._clock())
            outcome, *reply = self._call(
                "take", model, ticket, came.value, *now, _UNREADABLE.model_dump_json()
            )
            if outcome == "none":
                return None
            job_id, flat, shared = reply
            if job := self._job(job_id, dict(zip(flat[::2], flat[1::2], strict=True)), shared):
                return Taken(job, is_resumed=outcome == "resumed", has_begun=outcome in ("taken", "running"))
            with suppress(NotFound):
                self.finish(job_id, Result(error=_UNREADABLE))
            came = Came.FRESH

    def begin(self, job_id: str) -> bool:
        """Begin a job that was given to this worker, another attempt; False when it is not running any more.

        Raises NotFound.
        """
        started = {"started_at": self._now_text()}
        return self._change(job_id, JobState.RUNNING, (JobState.RUNNING,), started, increase={"attempts": 1})

    def give_back(self, job_id: str) -> bool:
        """Move a running job back to queued, because its worker will not finish it.

        Raises NotFound.
        """
        return self._queue_again(job_id, JobState.RUNNING, unset=["started_at"])

    def give_back_held(self, model: str, tickets: Sequence[str]) -> int:
        """Give back the running jobs that these tickets stand for; gives how many there were."""
        running = names.running_key(model)
        found = cast(list[str | None], self.redis.hmget(running, list(tickets))) if tickets else []
        return sum(self._is_given_back(job_id) for job_id in found if job_id)

    def _is_given_back(self, job_id: str) -> bool:
        with suppress(NotFound):
            return self.give_back(job_id)
        return False

    def take_back(self, job_id: str) -> bool:
        """Move a running job back to queued, because its worker failed it; counts a crash if it had begun.

        Raises NotFound.
        """
        return self._queue_again(job_id, JobState.RUNNING, is_crash=True)

    def finish(
        self,
        job_id: str,
        result: Result,
        *,
        recipe: str | None = None,
        at: datetime | None = None,
        unless_queued_since: datetime | None = None,
    ) -> bool:
        """Write a job's answer or error, of now or `at`; False, and nothing changed, when it is finished.

        With a recipe, `known_answer` finds the answer from now on; an error is found by nobody. With
        `unless_queued_since`, nothing changes either when the job came into the queue again after that.
        """
        state = JobState.FAILED if result.error else JobState.SUCCEEDED
        change = result.model_dump(mode="json", exclude_none=True) | {"finished_at": self._text_of(at)}
        for field in ("cached", "notes", "looks"):
            if not change[field]:
                del change[field]
        if recipe and not result.error:
            change["recipe"] = recipe
        how = {"unless_queued_since": time_text(unless_queued_since)} if unless_queued_since else {}
        return self._change(job_id, state, _UNFINISHED, change, **how)

    # A user's

    def cancel(self, job_id: str, at: datetime | None = None) -> JobState | None:
        """Cancel a job that has no answer yet, now or `at`; gives the state it was in, None when finished.

        Raises NotFound.
        """
        finished = {"finished_at": self._text_of(at)}
        return self._move_from(job_id, JobState.CANCELLED, _UNFINISHED, finished)

    def retry(self, job_id: str, quotas: Quotas | None = None) -> bool:
        """Move a failed job back to queued, with a ticket; False when it has not failed, or stays so.

        Raises NotFound, and QuotaExceeded.
        """
        how = {"is_anew": True, "send_ticket": True, "is_retry": True, "quotas": quotas}
        return self._queue_again(job_id, JobState.FAILED, **how)

    # Changes

    def _queue_again(self, job_id: str, from_: JobState, **how: Any) -> bool:
        since = {"queued_at": self._now_text()}
        return self._change(job_id, JobState.QUEUED, (from_,), since, **how)

    def _change(self, job_id: str, *args: Any, **how: Any) -> bool:
        return self._move_from(job_id, *args, **how) is not None

    def _move_from(
        self,
        job_id: str,
        to: JobState,
        allowed: tuple[JobState, ...],
        set_: Mapping[str, Any],
        quotas: Quotas | None = None,
        **how: Any,
    ) -> JobState | None:
        """The state that the job was in; None when that is not among those allowed, and nothing changed."""
        limits = {"quotas": json.loads(as_json(quotas))} if quotas else {}
        change = json.dumps({"set": as_text(set_), **limits, **how})
        outcome, *before = self._call("move", job_id, to.value, json.dumps(allowed), change, self._clock())
        if outcome == "missing":
            raise unknown_job(job_id)
        if outcome == "over":
            raise exceeded(quotas or Quotas(), before, self._clock())
        return JobState(before[0]) if outcome == "moved" else None


def _given(job: Job) -> dict[str, Any]:
    """A new job, as the script wants it."""
    return {
        "id": job.id,
        "state": job.state,
        "is_refused": job.is_refused or (job.state is JobState.FAILED and not job.images),
        "fields": job_record(job),
        **times_of(job),
    }


def _called(job: Job, name: str) -> Job:
    """A job as it is called in its batch."""
    if name == job.file:
        return job
    path = job.file.removesuffix(f"#{job.page}") if job.page else job.file
    return job.model_copy(update={"file": name, "sent_as": job.sent_as or path})


def unknown_job(job_id: str) -> NotFound:
    """What is said of a job that is not there, or not the caller's."""
    return NotFound(f"There is no job {job_id}.", code=Code.JOB_NOT_FOUND)
