"""What belongs to nobody becomes an owner's: of version 0.1.0, or made where no login was needed.

    Redis     a batch with its line and its place in lists, in one step; then its jobs' images and answers,
              and what they count in usage and quotas, some jobs at a time, the last to come first
              jobs without a batch, some at a time, each with all that is its
    files     of requests, but for those of which batches are being made: a later run takes them
    journal   batches, jobs without one and their answers that have no owner yet, also those that Redis lacks

It may run at any time, also beside web and workers, and again after it was interrupted: both parts look for
what is still nobody's. The jobs of a batch are its owner's by that, in Redis and in the journal.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jobs.contract.chunks import chunks
from jobs.contract.errors import NotFound, Unreadable
from jobs.contract.models import Batch, Job
from jobs.contract.sums import Sums
from jobs.flow.open import note_batch
from jobs.storage.stores import Stores

logger = logging.getLogger(__name__)

#: Jobs in one step: Redis does nothing else meanwhile, for some milliseconds.
_STEP = 200


@dataclass(frozen=True)
class Adopted(Sums):
    """What has become an owner's."""

    batches: int = 0
    #: Jobs of these batches.
    jobs: int = 0
    #: Jobs without a batch.
    singles: int = 0
    #: Records of the journal that did not say it.
    noted: int = 0
    #: Files of requests.
    files: int = 0


class Adoption:
    """Makes what is nobody's the things of `owner`.

    Raises redis.RedisError when Redis is away, and Unavailable when the blob store is.
    """

    def __init__(self, stores: Stores, owner: str) -> None:
        self._stores, self._owner = stores, owner

    def run(self) -> Iterator[Adopted]:
        """Take over everything; gives what is done so far, to the end."""
        done = Adopted()
        for step in self._steps():
            yield done
            done += step
        yield done

    def _steps(self) -> Iterator[Adopted]:
        store, journal = self._stores.store, self._stores.journal
        for batch_id in store.batch_ids():
            yield from self._adopt_batch(batch_id)
        for job_ids in chunks(store.single_ids(), _STEP):
            yield Adopted(singles=store.adopt_jobs(job_ids, self._owner))
        yield from self._adopt_files()
        for batch in journal.batches():
            if batch.owner is None:
                yield Adopted(noted=self._note_batch(batch))
        for jobs in chunks((job for job in journal.jobs(None) if job.owner is None), _STEP):
            yield Adopted(noted=self._note_jobs(jobs))
        answered = journal.answered(None)
        for jobs in chunks((job for job in journal.results(None, answered) if job.owner is None), _STEP):
            yield Adopted(noted=self._note_results(jobs))

    # Redis

    def _adopt_batch(self, batch_id: str) -> Iterator[Adopted]:
        is_more = True
        while is_more:
            is_new, jobs, is_more = self._stores.store.adopt_batch(batch_id, self._owner, _STEP)
            yield Adopted(batches=int(is_new), jobs=jobs)

    # Files

    def _adopt_files(self) -> Iterator[Adopted]:
        files = self._stores.sent_files
        being_read = self._stores.orders.files_being_read()
        for sent in files.of([None]):
            if sent.id in being_read:
                continue
            try:
                files.give(sent, self._owner)
            except NotFound:
                logger.info("File %s is deleted.", sent.id)
            else:
                yield Adopted(files=1)

    # The journal

    def _note_batch(self, batch: Batch) -> int:
        if not self._stores.store.has_record(batch.id):
            self._stores.journal.note_batch(batch.model_copy(update={"owner": self._owner}))
            return 1
        try:
            return int(note_batch(self._stores, batch.id).owner is not None)
        except NotFound:
            logger.info("Batch %s is deleted.", batch.id)
        except Unreadable as error:
            logger.warning("Batch %s is left as it is: %s", batch.id, error)
        return 0

    def _note_jobs(self, jobs: list[Job]) -> int:
        """Note whose the jobs are, but for those that are removed meanwhile."""
        known = self._known(jobs)
        self._stores.journal.note_jobs(None, [self._owned(job, known) for job in jobs])
        self._forget_removed(known)
        return len(jobs)

    def _note_results(self, results: list[Job]) -> int:
        """The same of finished jobs; one that runs again, or has ended otherwise meanwhile, stays so."""
        known = self._known(results)
        journal = self._stores.journal
        for result in results:
            journal.note_result(self._owned(result, known))
        now = self._known(results)
        for result in results:
            if (job := now.get(result.id)) and job.finished_at != result.finished_at:
                if job.state.is_finished:
                    journal.note_result(job)
                else:
                    journal.drop_results([job])
        self._forget_removed(known)
        return len(results)

    def _known(self, jobs: Iterable[Job]) -> dict[str, Job]:
        """Those of the jobs that Redis has."""
        return {job.id: job for job in self._stores.store.get_jobs([job.id for job in jobs])}

    def _owned(self, job: Job, known: dict[str, Job]) -> Job:
        """A job of the journal with its owner: the one that Redis knows, if it knows one."""
        there = known.get(job.id)
        return job.model_copy(update={"owner": (there and there.owner) or self._owner})

    def _forget_removed(self, known: dict[str, Job]) -> None:
        """Forget those of the jobs that were there and are not any more."""
        now = self._known(known.values())
        self._stores.journal.forget_jobs(known.keys() - now.keys())
