"""Delete a batch, with its jobs and answers, and the images that nothing else uses.

    Redis: unknown, cancelled, noted as to be removed, in one step ──► count ──► tickets that nobody needs

From that step on nobody sees it. Its parts are removed in the background (jobs/upkeep/removal.py), its
record in the journal first, so that a restore cannot revive it. A crash after the step leaves the note,
which leads to the parts.
"""

from jobs.contract.metrics import count_cancelled
from jobs.contract.models import JobState
from jobs.storage.stores import Stores

#: Tickets that are dropped at once; housekeeping drops the rest.
_TICKETS = 1000


def delete_batch(stores: Stores, batch_id: str) -> None:
    """Make a batch unknown.

    Raises NotFound.
    """
    model = stores.store.get_batch(batch_id).model
    cancelled = stores.store.mark_removed(batch_id)
    count_cancelled(model, JobState.QUEUED, cancelled.queued)
    count_cancelled(model, JobState.RUNNING, cancelled.running)
    if cancelled.total:
        stores.queue.drop_surplus(model, _TICKETS)
