"""Stores: everything that keeps jobs, batches and images, connected once and passed inward together."""

from dataclasses import dataclass
from typing import Any, Self

from jobs.contract import names
from jobs.contract.settings import Settings
from jobs.storage.access.audit import AuditTrail
from jobs.storage.access.keys import Keys
from jobs.storage.access.ownership import Ownership
from jobs.storage.access.pace import Pace
from jobs.storage.access.sessions import Sessions
from jobs.storage.access.shares import Shares
from jobs.storage.access.signing import SigningKey
from jobs.storage.connection.client import connect
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
from jobs.storage.restarts import RestartWatch
from jobs.storage.store import JobStore
from jobs.storage.tickets.abandoned import Abandoned
from jobs.storage.tickets.queue import JobQueue
from jobs.storage.turn import ProcessTurn
from jobs.storage.wire import Wire


@dataclass(frozen=True)
class Stores:
    """The stores and the queue; safe to use from many threads."""

    store: JobStore
    feed: BatchFeed
    batch_list: BatchList
    queue: JobQueue
    blobs: BlobStore
    journal: Journal
    image_uses: ImageUses
    fleet: Fleet
    responses: Responses
    signing_key: SigningKey
    keys: Keys
    ownership: Ownership
    shares: Shares
    audit: AuditTrail
    sessions: Sessions
    ledger: Ledger
    pace: Pace
    wire: Wire
    sent_files: SentFiles
    orders: Orders
    readings: Readings

    @classmethod
    def connect(cls, settings: Settings, /, **more: Any) -> Self:
        """Make them all; Redis is only connected to when it is first used. `more`: a subclass's own fields.

        Raises BadSetting when Redis' address or the blob store's cannot be used.
        """
        client = connect(settings.redis_url, settings.redis_timeout_s)
        store = JobStore(client)
        blobs = BlobStore(settings.blobs_url, settings.blob_patience_s)
        journal = Journal(blobs)
        return cls(
            store=store,
            feed=BatchFeed(store),
            batch_list=BatchList(store),
            queue=JobQueue(store),
            blobs=blobs,
            journal=journal,
            image_uses=ImageUses(client),
            fleet=Fleet(client),
            responses=Responses(client, blobs),
            signing_key=SigningKey(client),
            keys=Keys(client, blobs),
            ownership=Ownership(client),
            shares=Shares(store, journal),
            audit=AuditTrail(blobs),
            sessions=Sessions(client),
            ledger=Ledger(client),
            pace=Pace(client),
            wire=Wire(client),
            sent_files=SentFiles(blobs),
            orders=Orders(blobs),
            readings=Readings(client),
            **more,
        )

    def restart_watch(self) -> RestartWatch:
        """Notices that Redis was started anew."""
        return RestartWatch(self.store.redis)

    def knowledge(self) -> Knowledge:
        """Whether Redis knows all that the journal has."""
        return Knowledge(self.store)

    def abandoned(self, settings: Settings) -> Abandoned:
        """Gives back tickets that nobody holds any more."""
        return Abandoned(self.store.redis, settings)

    def housekeepers_turn(self, silent_s: float) -> ProcessTurn:
        """The lock of the one process that keeps house."""
        return ProcessTurn(self.store.redis, silent_s, names.HOUSEKEEPER)

    def fillers_turn(self, silent_s: float) -> ProcessTurn:
        """The lock of the one process that makes jobs of the lines of files."""
        return ProcessTurn(self.store.redis, silent_s, names.FILLER)
