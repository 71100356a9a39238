"""Open a batch, rename it, close it.

    Redis ──► journal

A crash in between leaves a batch that Redis has and the journal has not, or has as it was: should Redis be
lost as well, it comes back open, with its old name, or not at all. Whoever asked had no answer and asks
again.
"""

from jobs.contract.models import Batch
from jobs.storage.stores import Stores


def open_batch(stores: Stores, batch: Batch) -> Batch:
    """Make a batch that takes files."""
    stores.store.create_batch(batch)
    stores.journal.note_batch(batch)
    return batch


def rename_batch(stores: Stores, batch_id: str, name: str) -> Batch:
    """Give a batch another name.

    Raises NotFound.
    """
    batch = stores.store.rename_batch(batch_id, name)
    stores.journal.note_batch(batch)
    return batch


def close_batch(stores: Stores, batch_id: str) -> Batch:
    """Take no more files.

    Raises NotFound.
    """
    batch = stores.store.close_batch(batch_id)
    stores.journal.note_batch(batch)
    return batch
