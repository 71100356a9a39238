"""Open a batch, rename it, close it.

    Redis ──► journal ──► has it changed meanwhile? once more

The journal is written from what Redis says, and again if that has changed since: so of two verbs at once
the last to write has written the latest.

A crash in between leaves a batch that Redis has and the journal has not, or has as it was: should Redis be
lost as well, it comes back open, with its old name, or not at all. Whoever asked had no answer and asks
again.
"""

from jobs.contract.models import FLEETING_BATCH, Batch
from jobs.storage.stores import Stores

#: How often a batch is noted that others change meanwhile. One that lost its time is another at each look.
_MOST_NOTES = 10


def open_batch(stores: Stores, batch: Batch) -> Batch:
    """Make a batch that takes files."""
    stores.store.create_batch(batch)
    stores.journal.note_batch(batch)
    return batch


def rename_batch(stores: Stores, batch_id: str, name: str) -> Batch:
    """Give a batch another name.

    Raises NotFound.
    """
    stores.store.rename_batch(batch_id, name)
    return note_batch(stores, batch_id)


def close_batch(stores: Stores, batch_id: str) -> Batch:
    """Take no more files.

    Raises NotFound.
    """
    stores.store.close_batch(batch_id)
    return note_batch(stores, batch_id)


def note_batch(stores: Stores, batch_id: str) -> Batch:
    """Note a batch in the journal as it is; gives it.

    Raises NotFound.
    """
    batch = stores.store.get_batch(batch_id)
    for _ in range(_MOST_NOTES):
        stores.journal.note_batch(batch)
        now = stores.store.get_batch(batch_id)
        if now.model_dump(exclude=FLEETING_BATCH) == batch.model_dump(exclude=FLEETING_BATCH):
            break
        batch = now
    return now
