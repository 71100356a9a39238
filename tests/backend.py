"""Stores and a queue on a real server, with a clock that a test moves: for tests of removal and retention."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis

from jobs import flow
from jobs.contract import names
from jobs.contract.models import Batch, Job, Result
from jobs.storage.access.audit import AuditTrail
from jobs.storage.access.keys import Keys
from jobs.storage.access.ownership import Ownership
from jobs.storage.access.pace import Pace
from jobs.storage.access.sessions import Sessions
from jobs.storage.access.shares import Shares
from jobs.storage.access.signing import SigningKey
from jobs.storage.feed import BatchFeed
from jobs.storage.files.blobs import BlobStore
from jobs.storage.files.journal import Journal
from jobs.storage.files.orders import Orders
from jobs.storage.files.sent import SentFiles
from jobs.storage.fleet import Fleet
from jobs.storage.image_uses import ImageUses
from jobs.storage.knowledge import Knowledge
from jobs.storage.ledger import Ledger
from jobs.storage.listing import BatchList
from jobs.storage.readings import Readings
from jobs.storage.responses import Responses
from jobs.storage.store import JobStore
from jobs.storage.stores import Stores
from jobs.storage.tickets.queue import JobQueue
from jobs.storage.wire import Wire
from jobs.upkeep.removal import Removal, Removed
from jobs.upkeep.retention import Retention
from tests.clock import Clock

MODEL = "nano"
DAY_S = 24 * 3600.0
#: The recipe (hash of question, model and options) of all jobs here.
RECIPE = "5eed"
#: Grace period from a batch's last change to its removal, in seconds.
SETTLE_S = 30.0


class Backend:
    """Stores, queue and removal; its methods do what web, a worker and housekeeping do.

    Redis counts as knowing all that the journal has, as housekeeping finds at its first look.
    """

    def __init__(self, client: "redis.Redis", folder: Path, **removal: Any) -> None:
        self.clock = Clock()
        self.client = client
        self.blobs = BlobStore(folder.as_uri(), patience_s=0)
        self._removal = removal
        self.use(client, self.blobs)
        know_all(client)

    def use(self, client: "redis.Redis", blobs: BlobStore) -> None:
        """Use another client and blob store from now on."""
        self.store = JobStore(client, self.clock)
        self.queue = JobQueue(self.store)
        self.journal = Journal(blobs)
        self.image_uses = ImageUses(client, self.clock, patience_s=30)
        self.stores = Stores(
            store=self.store,
            feed=BatchFeed(self.store),
            batch_list=BatchList(self.store),
            queue=self.queue,
            blobs=blobs,
            journal=self.journal,
            image_uses=self.image_uses,
            fleet=Fleet(client),
            responses=Responses(client, blobs),
            signing_key=SigningKey(client),
            keys=Keys(client, blobs),
            ownership=Ownership(client),
            shares=Shares(self.store, self.journal),
            audit=AuditTrail(blobs),
            sessions=Sessions(client),
            ledger=Ledger(client, self.clock),
            pace=Pace(client),
            wire=Wire(client),
            sent_files=SentFiles(blobs),
            orders=Orders(blobs),
            readings=Readings(client),
        )
        parts = (self.store, self.image_uses, blobs, self.journal)
        self.removal = Removal(*parts, SETTLE_S, self.clock, **self._removal)
        self.retention = Retention(self.store, self.journal, 30 * DAY_S, self.clock)

    # What web does

    def batch(self, *contents: bytes) -> Batch:
        """A batch with a job for each image."""
        batch = flow.open_batch(self.stores, Batch(model=MODEL))
        for number, content in enumerate(contents):
            self.add(batch, content, f"{number}.png")
        return batch

    def add(
        self,
        batch: Batch | None,
        content: bytes,
        file: str = "a.png",
        owner: str | None = None,
        others: Sequence[bytes] = (),
        **fields: Any,
    ) -> Job:
        """Put an image, and others, and create a job about them, in a batch or alone.

        The batch's owner is its own.
        """
        contents = {sha256_of(one): one for one in (content, *others)}
        images = tuple(map(sha256_of, (content, *others)))
        asked = {"file": file, "question": "q", "model": MODEL, "images": images, "owner": owner, **fields}
        with self.image_uses.using(*contents):
            for sha256, one in contents.items():
                self.blobs.put_image(sha256, one)
            if batch is None:
                return flow.accept_single(self.stores, Job.model_validate(asked))
            with flow.accepting(self.stores, batch) as request:
                ((job, _),) = request.add(
                    [Job.model_validate(asked | {"batch_id": batch.id, "owner": batch.owner})]
                )
        return job

    # What a worker does

    def take(self) -> Job | None:
        """Take the next job, which is running then; None when there is none."""
        ticket = self.client.rpop(f"eva01:{MODEL}:interactive") or self.client.rpop(f"eva01:{MODEL}:bulk")
        taken = self.store.take(MODEL, str(ticket)) if ticket else None
        return taken.job if taken else None

    def finish(self, job: Job) -> None:
        """Finish a job with an answer, and note it in the journal."""
        assert self.store.finish(job.id, Result(answer="A red circle."), recipe=RECIPE)
        self.journal.note_result(self.store.get_job(job.id))

    def answer_all(self) -> None:
        """Answer all queued jobs."""
        while job := self.take():
            self.finish(job)

    # What housekeeping does

    def remove_all(self) -> Removed:
        """Run removal until nothing is marked."""
        removed = Removed()
        for _ in range(100):
            if not self.client.exists("eva01:removals", "eva01:unused_images"):
                self.queue.drop_surplus(MODEL)
                return removed
            self.clock.now_s += SETTLE_S
            removed += self.removal.run_once()
        raise AssertionError("after 100 passes something is still marked")

    # What is left

    def images(self) -> set[str]:
        """The images in the blob store."""
        return {path.removeprefix("images/") for path in self.blobs.list("images")}

    def assert_empty(self) -> None:
        """Assert that nothing of any batch, job or image is left, but for notes of deleted batches."""
        assert keys_left(self.client) == set()
        assert [path for path in self.blobs.list("") if not path.startswith(names.DELETED_FOLDER)] == []


def keys_left(client: "redis.Redis") -> set[str]:
    """All keys that belong to a batch, job or image: not the broker's, nor counters that outlive them."""
    others = ("_kombu.", names.usage_key(""))
    keys = {key for key in client.scan_iter("*") if not key.startswith(others)}
    lasting = {names.TICKETS, names.OPEN_JOBS, names.USAGE_DAYS, names.KNOWLEDGE}
    return keys - {f"eva01:{MODEL}:finishes"} - lasting


def know_all(client: "redis.Redis") -> None:
    """Note that Redis knows all that the journal has, as housekeeping does when it finds so."""
    knowledge = Knowledge(JobStore(client))
    knowledge.end(knowledge.begin_look(), is_whole=True)


def sha256_of(content: bytes) -> str:
    """An image's name."""
    return hashlib.sha256(content).hexdigest()
