"""Batches that are made of a file: what was asked of each, and which still have to be seen to.

    batches/<batch>/order.json   what was asked; it goes with the batch
    orders/<batch>               that lines are to become jobs, or jobs to be answered in time
    expiring/<batch>             that it is to go earlier than all do

All of it is in the blob store, so that nothing has to be restored where Redis was lost.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import PurePosixPath

from jobs.contract import names
from jobs.contract.asking.order import Order
from jobs.contract.codes import Code
from jobs.contract.errors import Conflict
from jobs.storage.files.blobs import BlobStore
from jobs.storage.unreadable import readable


class Orders:
    """Keeps what was asked; every method raises Unavailable when the blob store is away."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def begin(self, order: Order) -> None:
        """Keep what was asked of a batch, which is to be seen to from now on."""
        self.note(order)
        if order.output_expires_after_s is not None:
            self._blobs.put(names.expiring_path(order.batch_id), b"")
        self._blobs.put(names.underway_path(order.batch_id), b"")

    def note(self, order: Order) -> None:
        """Keep it as it is now."""
        self._blobs.put(names.order_path(order.batch_id), order.model_dump_json().encode())

    def of(self, batch_ids: Iterable[str]) -> dict[str, Order]:
        """What was asked of batches; without those that are not made of a file."""
        found: dict[str, Order] = {}
        for path, text in self._blobs.get_many(map(names.order_path, batch_ids)):
            order = readable("order", path, partial(Order.model_validate_json, text))
            if order:
                found[order.batch_id] = order
        return found

    def check_made(self, batch_id: str) -> None:
        """Raises Conflict (`batch_being_made`) while lines of a file become jobs of a batch.

        A file of the same name and images would be taken for the line, and the line's answer be its.
        """
        if any(not order.is_filled for order in self.of([batch_id]).values()):
            raise Conflict(
                f"Batch {batch_id} is still being made of a file of requests. Wait for its last line, or"
                " cancel it; send other files to a new batch.",
                code=Code.BATCH_BEING_MADE,
            )

    def underway(self) -> list[str]:
        """The ids of batches that are to be seen to, the oldest first."""
        return self._noted(names.ORDERS_FOLDER)

    def files_being_read(self) -> set[str]:
        """The ids of files whose lines become jobs."""
        return {order.file.id for order in self.of(self.underway()).values() if not order.is_filled}

    def expiring(self) -> list[str]:
        """The ids of batches that are to go earlier than all do."""
        return self._noted(names.EXPIRING_FOLDER)

    def forget_expiring(self, batch_ids: Iterable[str]) -> None:
        """Forget it of batches that are gone."""
        self._blobs.delete(map(names.expiring_path, batch_ids))

    def end(self, batch_id: str) -> None:
        """Note that there is nothing left to see to."""
        self._blobs.delete([names.underway_path(batch_id)])

    def _noted(self, folder: str) -> list[str]:
        return sorted(PurePosixPath(path).name for path in self._blobs.list(folder))
