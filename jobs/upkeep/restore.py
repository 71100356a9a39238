"""Rebuild Redis from the journal: finished jobs come back with their answers, all others run again.

It may run at any time, also beside web and workers, and again after it was interrupted: it adds what is
missing, finishes what the journal has an answer for, deletes again what was deleted, and leaves alone all
that is right.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from jobs.contract.chunks import chunks
from jobs.contract.errors import NotFound, Unreadable
from jobs.contract.models import Asked, Batch, BatchState, Job, JobState, Mark, Result, Verb
from jobs.contract.sums import Sums
from jobs.storage.access.shares import Shares
from jobs.storage.files.journal import Journal, earliest_id
from jobs.storage.knowledge import Knowledge
from jobs.storage.store import JobStore

logger = logging.getLogger(__name__)

#: Jobs that are restored at a time.
_CHUNK = 500
#: What a job loses that runs anew, and what is no part of its result; all that other versions know stays.
_PAST, _NOT_SAID = (set(Job.model_fields) - set(kind.model_fields) for kind in (Asked, Result))


@dataclass(frozen=True)
class Restored(Sums):
    """What a restore has done, in batches and jobs."""

    #: Batches that Redis did not have.
    batches: int = 0
    #: Jobs that came back finished: answered, failed, refused or cancelled.
    finished: int = 0
    #: Jobs that wait for a worker again.
    queued: int = 0
    #: Jobs that Redis has as they should be.
    present: int = 0

    @property
    def jobs(self) -> int:
        """Jobs that were not as they should be."""
        return self.finished + self.queued


class Restore:
    """Brings into Redis what the journal has and Redis has not.

    Raises redis.RedisError when Redis is away, and Unavailable when the blob store is.
    """

    def __init__(self, store: JobStore, journal: Journal) -> None:
        self._store, self._journal = store, journal
        self._shares = Shares(store, journal)
        self._knowledge = Knowledge(store)

    def run(self, since: datetime | None = None) -> Iterator[Restored]:
        """Restore everything, or what was accepted after `since`; gives what is done so far, to the end.

        At the end of everything Redis counts as knowing all that the journal has.
        """
        claim = self._knowledge.begin_restore()
        yield from self.catch_up(since)
        if since is None:
            self._knowledge.end(claim, is_whole=True)

    def catch_up(self, since: datetime | None) -> Iterator[Restored]:
        """The same for a Redis that has lost at most what was accepted after `since`: nothing is marked."""
        done = Restored()
        for step in self._steps(since):
            yield done
            done += step
        yield done

    def _steps(self, since: datetime | None) -> Iterator[Restored]:
        # Links first: one that was revoked in the last second must not open a batch that is back.
        for _ in self._shares.bring_back():
            yield Restored()
        for batch_id in self._journal.deleted():
            with suppress(NotFound):
                self._store.mark_removed(batch_id)
                logger.info("Batch %s was deleted, and is again.", batch_id)
            yield Restored()
        for batch in self._journal.batches(since):
            try:
                yield from self._restore_batch(batch, since)
            except NotFound as error:
                logger.info("Batch %s is deleted and stays so: %s", batch.id, error)
            except Unreadable as error:
                logger.warning("Batch %s is left as it is: %s", batch.id, error)
        yield from self._restore_jobs(None, since)

    # A batch

    def _restore_batch(self, batch: Batch, since: datetime | None) -> Iterator[Restored]:
        yield Restored(batches=int(self._open(batch)))
        yield from self._restore_jobs(batch, since)
        self._end(batch)

    def _open(self, batch: Batch) -> bool:
        """True when the batch is new to Redis. It is open until its jobs are there: so it is not done before.

        What Redis has forgotten of what was done to all jobs of a batch is done again, as of then. Raises
        NotFound when it was deleted.
        """
        try:
            known = self._store.get_batch(batch.id)
        except NotFound:
            if self._store.has_record(batch.id):
                raise
            self._store.create_batch(batch.model_copy(update={"state": BatchState.OPEN, "closed_at": None}))
            return True
        for mark in _marks(batch):
            if mark not in _marks(known):
                again = self._store.cancel_batch if mark.verb is Verb.CANCEL else self._store.retry_batch
                again(batch.id, mark.at)
        return False

    def _end(self, batch: Batch) -> None:
        if batch.state is not BatchState.OPEN:
            self._store.close_batch(batch.id, batch.state, batch.closed_at)

    # Jobs

    def _restore_jobs(self, batch: Batch | None, since: datetime | None) -> Iterator[Restored]:
        batch_id = batch.id if batch else None
        answered = set(self._journal.answered(batch_id))
        for jobs in chunks(self._journal.jobs(batch_id, since), _CHUNK):
            yield self._restore_chunk(batch, jobs, answered)
            answered -= {job.id for job in jobs}
        # These have an answer, and their part of the manifest is older or cannot be read.
        alone = sorted(job_id for job_id in answered if since is None or job_id >= earliest_id(since))
        for results in chunks(self._journal.results(batch_id, alone), _CHUNK):
            yield self._restore_chunk(batch, results, set(alone))

    def _restore_chunk(self, batch: Batch | None, jobs: list[Job], answered: set[str]) -> Restored:
        wanting = [job for job in jobs if not self._is_right(job)]
        with_answer = [job.id for job in wanting if job.id in answered]
        results = {job.id: job for job in self._journal.results(batch.id if batch else None, with_answer)}
        done = Restored(present=len(jobs) - len(wanting))
        for job in wanting:
            done += self._restore(_as_it_was(job, results.get(job.id), _marks(batch) if batch else ()))
        return done

    def _is_right(self, job: Job) -> bool:
        """True when Redis has the job finished, unless it was refused and a good file came after that."""
        try:
            known = self._store.get_job(job.id)
        except NotFound:
            return False
        except Unreadable:
            # Somebody has to look at it.
            return True
        return known.state.is_finished and (job.is_refused or not known.is_refused)

    def _restore(self, job: Job) -> Restored:
        stored, is_new = self._store.create_job(job, is_restored=True)
        if job.state is JobState.QUEUED:
            return Restored(queued=1) if is_new else Restored(present=1)
        # A file that was refused says nothing about the good one that came after it.
        is_finished_now = not job.is_refused and self._finish(stored.id, job)
        return Restored(finished=1) if is_new or is_finished_now else Restored(present=1)

    def _finish(self, job_id: str, finished: Job) -> bool:
        if finished.state is JobState.CANCELLED:
            return bool(self._store.cancel(job_id, finished.finished_at))
        result = Result.model_validate(finished.model_dump(exclude=_NOT_SAID))
        # A failure says nothing about a job that was queued again after it.
        since = finished.finished_at if finished.state is JobState.FAILED else None
        at = finished.finished_at
        return self._store.finish(job_id, result, recipe=finished.recipe, at=at, unless_queued_since=since)


def _marks(batch: Batch) -> tuple[Mark, ...]:
    """What was done to all jobs of a batch; version 0.1.0 only noted that it was cancelled."""
    if batch.state is BatchState.CANCELLED and batch.closed_at and not batch.marks:
        return (Mark(verb=Verb.CANCEL, at=batch.closed_at),)
    return batch.marks


def _as_it_was(job: Job, result: Job | None, marks: Sequence[Mark]) -> Job:
    """The job as it ended, or as it starts anew, after all that was done to its batch since its result."""
    if job.is_refused and not result:
        return job
    anew, ended = Job.model_validate(job.model_dump(exclude=_PAST)), result
    for mark in marks:
        if result and result.finished_at and mark.at <= result.finished_at:
            continue
        if mark.verb is Verb.CANCEL and not ended:
            ended = anew.model_copy(update={"state": JobState.CANCELLED, "finished_at": mark.at})
        elif mark.verb is Verb.RETRY and ended and ended.state is JobState.FAILED and not ended.stays_failed:
            ended = None
    return ended or anew
