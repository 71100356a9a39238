"""Run failed jobs again, one or all of a batch; but for those that a retry would not help.

    one job:   drop its result from the journal ──► record and ticket, in one step ──► count
    a batch:   Redis ──► count ──► journal

The result goes before the job runs again, so that what is dropped is not what it says next. Of a whole
batch, the journal notes when it was retried: errors that are older no longer count
(jobs/upkeep/restore.py). A crash in between leaves a job that runs again if Redis is lost; or a batch that
runs again and, if Redis is lost in that moment, has failed as before.
"""

from jobs.contract.access.owners import Quotas
from jobs.contract.codes import Code
from jobs.contract.errors import Conflict, QuotaExceeded
from jobs.contract.metrics import count_jobs
from jobs.contract.models import Batch, Job, JobState
from jobs.flow.open import note_batch
from jobs.flow.settle import settle_first
from jobs.storage.store.batches import Retried
from jobs.storage.stores import Stores


def retry_job(stores: Stores, job_id: str, quotas: Quotas | None = None) -> Job:
    """Queue a failed job again.

    Raises NotFound, QuotaExceeded, and Conflict (`job_refused`, `job_cut_short`, `job_not_failed`).
    """
    job = stores.store.get_shown_job(job_id)
    if job.is_refused:
        raise Conflict(
            f"Job {job.id} has no image: {job.file} was refused. Mend the file and send it.",
            code=Code.JOB_REFUSED,
        )
    if job.stays_failed:
        raise Conflict(
            f"Job {job.id} failed since its answer was cut, and a retry would cut it at the same length. Ask"
            f" about its image again with a larger max_new_tokens: POST /api/jobs/{job.id}/ask.",
            code=Code.JOB_CUT_SHORT,
        )
    if job.state is JobState.FAILED:
        stores.journal.drop_results([job])
    try:
        is_queued = stores.store.retry(job_id, quotas)
    except QuotaExceeded:
        # It has failed as before.
        stores.journal.note_result(job)
        raise
    if not is_queued:
        job = stores.store.get_job(job_id)
        if job.state.is_finished:
            # Another retry came first, and what was dropped is what that has led to.
            stores.journal.note_result(job)
        raise Conflict(f"Job {job.id} has not failed: it is {job.state}.", code=Code.JOB_NOT_FAILED)
    count_jobs(job.model, JobState.QUEUED)
    return stores.store.get_job(job_id)


def retry_batch(stores: Stores, batch_id: str, quotas: Quotas | None = None) -> tuple[Batch, Retried]:
    """Queue the failed jobs of a batch again, but for those that stay so; gives how many.

    Raises NotFound, and QuotaExceeded when they are more than `quotas` leave.
    """
    retried = stores.store.retry_batch(batch_id, quotas=quotas)
    batch = stores.store.get_batch(batch_id)
    if retried.queued:
        count_jobs(batch.model, JobState.QUEUED, retried.queued)
        batch = note_batch(stores, batch_id)
        settle_first(stores, batch_id)
    return batch, retried
