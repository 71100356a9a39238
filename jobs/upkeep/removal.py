"""What is left of deleted batches, and images that nobody needs, are removed here, bit by bit.

Images stay while the journal may know of something that Redis does not (jobs/storage/knowledge.py).

    mark ──► wait until workers are silent ──► jobs ──► links, kept responses, journal ──► batch, mark

The mark, which has cancelled what was unfinished, goes last, so whatever breaks off is taken up again.
Every step may be done twice.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import redis

from jobs.contract import names
from jobs.contract.errors import Unavailable
from jobs.contract.refusals import Refusal
from jobs.contract.sums import Sums
from jobs.storage.access.shares import Shares
from jobs.storage.files.blobs import BlobStore
from jobs.storage.files.journal import Journal
from jobs.storage.image_uses import ImageUses
from jobs.storage.knowledge import Knowledge
from jobs.storage.store import JobStore
from jobs.storage.unreadable import pass_over

logger = logging.getLogger(__name__)

#: Jobs that are removed in one pass.
JOBS_A_PASS = 5000
#: Images that are deleted in one pass, and jobs or images that are removed in one go.
_IMAGES_A_PASS, _CHUNK = 5000, 200
#: What a batch costs besides its jobs, in jobs: its folder is listed, which takes an object store some time.
_BATCH_COST = 50


@dataclass(frozen=True)
class Removed(Sums):
    """What is gone now."""

    batches: int = 0
    jobs: int = 0
    images: int = 0


class Removal:
    """Removes batches that are marked as removed, and images that nothing uses; to be called regularly.

    A batch's parts stay until `settle_s` seconds after its last change: a worker that has just finished a job
    may still be about to note its answer in the journal, and a request its jobs. It should be longer than
    the blob store's patience. `clock` gives the time now in Unix seconds.
    """

    def __init__(
        self,
        store: JobStore,
        image_uses: ImageUses,
        blobs: BlobStore,
        journal: Journal,
        settle_s: float,
        clock: Callable[[], float] = time.time,
        jobs_a_pass: int = JOBS_A_PASS,
    ) -> None:
        self._store = store
        self._image_uses, self._blobs, self._journal = image_uses, blobs, journal
        self._shares = Shares(store, journal)
        self._knowledge = Knowledge(store)
        self._settle_s = settle_s
        self._clock = clock
        self._jobs_a_pass = jobs_a_pass

    def run_once(self) -> Removed:
        """Go on for a while with whatever is to be removed; gives what is gone by that.

        Raises redis.RedisError when Redis is away, and Unavailable when the blob store is.
        """
        return self._remove_batches() + self._remove_images()

    # Batches

    def _remove_batches(self) -> Removed:
        removed, left = Removed(), self._jobs_a_pass
        waiting: list[str] = []
        for batch_id in self._store.removals():
            if left <= 0:
                break
            if not self._is_silent(batch_id):
                waiting.append(batch_id)
                continue
            jobs, is_gone = self._remove_if_readable(batch_id, left)
            left -= jobs + _BATCH_COST
            removed += Removed(int(is_gone), jobs)
        # Delete batch.json first, so that a restore cannot revive the batch.
        self._journal.unlist_batches(waiting)
        return removed

    def _is_silent(self, batch_id: str) -> bool:
        """True when nothing has changed for so long that nobody writes about the batch any more."""
        return self._clock() - self._store.last_change_s(batch_id) >= self._settle_s

    def _remove_if_readable(self, batch_id: str, limit: int) -> tuple[int, bool]:
        """The same as `_remove_batch`; what cannot be read of one batch does not keep others."""
        try:
            return self._remove_batch(batch_id, limit)
        except redis.ResponseError as error:
            if Refusal.of(error):
                raise
            pass_over("removal", names.batch_key(batch_id), error)
            return 0, False

    def _remove_batch(self, batch_id: str, limit: int) -> tuple[int, bool]:
        """Remove a batch with up to `limit` jobs; gives how many, and whether all is gone."""
        jobs = 0
        while jobs < limit:
            chunk = self._store.remove_jobs(batch_id, min(_CHUNK, limit - jobs))
            jobs += chunk
            if not chunk:
                self._shares.forget_batch(batch_id)
                self._store.empty_responses(batch_id)
                self._journal.forget_batch(batch_id)
                self._store.remove_batch(batch_id)
                logger.info("Batch %s is removed, with all its jobs.", batch_id)
                return jobs, True
        return jobs, False

    # Images

    def _remove_images(self) -> Removed:
        images = 0
        while images < _IMAGES_A_PASS and self._knowledge.is_whole():
            if not (chunk := self._image_uses.begin_deletion(_CHUNK)):
                break
            images += self._delete_images(chunk)
        return Removed(images=images)

    def _delete_images(self, sha256s: list[str]) -> int:
        """Delete images that are taken; gives how many."""
        # Redis may have been lost just before they were taken: then nobody can say that they are unused.
        if not self._knowledge.is_whole():
            self._image_uses.end_deletion(sha256s, is_deleted=False)
            return 0
        try:
            self._blobs.delete_images(sha256s)
        except Unavailable:
            self._image_uses.end_deletion(sha256s, is_deleted=False)
            raise
        if self._image_uses.end_deletion(sha256s) < len(sha256s):
            logger.error(
                "Deleting %d images took so long that they may have been sent again meanwhile: %s…",
                len(sha256s),
                sha256s[0],
            )
        return len(sha256s)
