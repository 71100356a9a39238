"""Failed jobs run again, one or many."""

from collections.abc import Iterable

from jobs.contract.metrics import JOBS_TOTAL
from jobs.contract.models import Job, JobState
from web.services import Services


def retry_jobs(serving: Services, jobs: Iterable[Job]) -> int:
    """Queue those of the jobs again that have failed and have an image; gives how many."""
    failed = [job for job in jobs if job.state is JobState.FAILED]
    # Before they run again, so that what is dropped is not what they say next.
    serving.journal.drop_results(failed)
    retried = [job for job in failed if serving.store.retry(job.id)]
    for job in retried:
        serving.queue.enqueue(job)
        JOBS_TOTAL.labels(job.model, JobState.QUEUED).inc()
    return len(retried)
