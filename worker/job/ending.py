"""How a job leaves its slot: with a result that is stored and noted in the journal, or back to the queue."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import redis

from jobs.contract.errors import NotFound, Unavailable, Unreadable
from jobs.contract.models import Job, JobState, Result, Usage
from jobs.storage.files.journal import Journal
from jobs.storage.store import JobStore
from worker.device.base import GivenBack
from worker.job.patience import Patience
from worker.ops.metrics import ModelMetrics

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ending:
    """Writes what came of jobs."""

    store: JobStore
    journal: Journal
    metrics: ModelMetrics
    patience: Patience

    def store_result(self, job: Job, result: Result, recipe: str | None) -> None:
        """Write the result of a job that was run, or count that it was cancelled meanwhile."""
        with self.metrics.stage("store"):
            is_ours = self.finish(job, result, recipe)
        if not is_ours and self.patience.until_redis_answers(lambda: self.store.cancelled([job.id])):
            self.metrics.count_cancellation("device" if _usage_of_run(result) else "held")

    def finish(self, job: Job, result: Result, recipe: str | None) -> bool:
        """Write the result; False when the job was finished otherwise, or is gone.

        Under its `recipe` others find the answer.
        """
        try:
            # Indexed in the step that stores it, so that the index never names an answer that is not there. A
            # reused answer is indexed as this job's, which is deleted later than the job it came from.
            is_ours = self.patience.until_redis_answers(
                lambda: self.store.finish(job.id, result, recipe=recipe)
            )
        except NotFound:
            logger.info("Job %s: its record was removed meanwhile.", job.id)
            return False
        if is_ours:
            state = JobState.FAILED if result.error else JobState.SUCCEEDED
            self.metrics.count_finished(state, result.finish_reason, _usage_of_run(result))
        # Where it was finished otherwise, that may have been this, of which the reply was lost.
        self._note_result(job.id)
        return is_ours

    def give_back(self, job: Job, give_back: Callable[[str], bool], reason: str) -> None:
        """Queue the job again; when Redis is away, its ticket still comes back, marked as redelivered."""
        try:
            is_queued = give_back(job.id)
        except (redis.RedisError, NotFound):
            logger.warning("Job %s: could not be marked as queued; its ticket goes back.", job.id)
            return
        if is_queued:
            self.metrics.count_redelivery(reason)
            logger.info("Job %s of batch %s: given back (%s).", job.id, job.batch_id, reason)

    def _note_result(self, job_id: str) -> None:
        """Write the result to the journal; without it, the job would run again after a restore."""
        try:
            self.journal.note_result(self.patience.until_redis_answers(lambda: self.store.get_job(job_id)))
        except NotFound:
            logger.info("Job %s: its record was removed meanwhile.", job_id)
        except (Unavailable, Unreadable, GivenBack) as error:
            logger.warning("Job %s: its result could not be noted in the journal: %s", job_id, error)


def _usage_of_run(result: Result) -> Usage | None:
    """The usage that this job itself caused on the device; None for a reused answer."""
    return None if result.cached else result.usage
