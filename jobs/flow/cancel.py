"""Cancel a job, or all of a batch that have no answer yet.

    Redis ──► count ──► tickets that nobody needs ──► journal

In Redis it is one step, whatever the size of the batch, and true at once for everyone who reads. A worker
that has one of the jobs drops its answer. A crash after that leaves tickets that lead to nothing, which
housekeeping drops, and a journal that does not know: should Redis be lost as well, the jobs run again.
"""

from jobs.contract.codes import Code
from jobs.contract.errors import Conflict
from jobs.contract.metrics import count_cancelled
from jobs.contract.models import Batch, Job, JobState
from jobs.flow.open import note_batch
from jobs.flow.settle import settle_first
from jobs.storage.store.batches import Cancelled
from jobs.storage.stores import Stores

#: Tickets that are dropped at once; housekeeping drops the rest.
_TICKETS = 1000


def cancel_job(stores: Stores, job_id: str) -> Job:
    """Cancel a job that has no answer yet; cancelling it twice changes nothing.

    Raises NotFound, and Conflict (`job_finished`).
    """
    stores.store.get_shown_job(job_id)
    before = stores.store.cancel(job_id)
    job = stores.store.get_job(job_id)
    if before:
        count_cancelled(job.model, before)
        stores.queue.drop_surplus(job.model, _TICKETS)
    elif job.state is not JobState.CANCELLED:
        raise Conflict(f"Job {job.id} has {job.state} already.", code=Code.JOB_FINISHED)
    stores.journal.note_result(job)
    return job


def cancel_batch(stores: Stores, batch_id: str) -> Batch:
    """Cancel what has no answer yet in a batch, which takes no more files then.

    Raises NotFound.
    """
    cancelled = stores.store.cancel_batch(batch_id)
    batch = stores.store.get_batch(batch_id)
    count_all(stores, batch.model, cancelled)
    batch = note_batch(stores, batch_id)
    settle_first(stores, batch_id)
    return batch


def count_all(stores: Stores, model: str, cancelled: Cancelled) -> None:
    """Count jobs that were cancelled with their batch, and drop their tickets."""
    count_cancelled(model, JobState.QUEUED, cancelled.queued)
    count_cancelled(model, JobState.RUNNING, cancelled.running)
    stores.queue.drop_surplus(model, _TICKETS)
