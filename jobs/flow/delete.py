"""Delete a batch, with its jobs and answers, and the images that nothing else uses.

    Redis: unknown, cancelled, to be removed, in one step ──► journal: deleted, no batch.json ──► count

From that step on nobody sees it. Its record in the journal goes at once, so that a restore cannot revive
it, and a note stays, by which it is deleted again from a Redis that comes back older than that. All else
is removed in the background (jobs/upkeep/removal.py). A crash after the first step leaves the mark, which
leads to all parts; should Redis be lost right then, or while the blob store is away, the batch comes back,
and is deleted again.
"""

import logging
from datetime import UTC, datetime

from jobs.contract.errors import Unavailable, Unreadable
from jobs.flow.cancel import count_all
from jobs.storage.stores import Stores

logger = logging.getLogger(__name__)


def delete_batch(stores: Stores, batch_id: str) -> None:
    """Make a batch unknown.

    Raises NotFound.
    """
    model = _model_of(stores, batch_id)
    cancelled = stores.store.mark_removed(batch_id)
    try:
        stores.journal.note_deleted(batch_id, datetime.now(UTC).date())
        stores.journal.unlist_batches([batch_id])
    except Unavailable as error:
        logger.warning("Batch %s stays in the journal until it is removed: %s", batch_id, error)
    if model:
        count_all(stores, model, cancelled)


def _model_of(stores: Stores, batch_id: str) -> str | None:
    """The batch's model; None when the batch cannot be read, which is no reason to keep it."""
    try:
        return stores.store.get_batch(batch_id).model
    except Unreadable:
        return None
