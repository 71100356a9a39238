"""What every handler works with, made once and kept on the app."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from flask import Flask, current_app

from jobs.batch_feed import BatchFeed
from jobs.batch_list import BatchList
from jobs.blobs import BlobStore
from jobs.connection import connect
from jobs.fleet import Fleet
from jobs.image_uses import ImageUses
from jobs.journal import Journal
from jobs.queue import JobQueue, create_celery
from jobs.removal import Removal
from jobs.retention import Retention
from jobs.settings import BadSetting, Limits, Settings, WebSettings
from jobs.store import JobStore
from web.shares import Shares

_NAME = "eva01"


@dataclass(frozen=True)
class Services:
    """The stores, the queue, the limits; safe to use from many threads."""

    store: JobStore
    feed: BatchFeed
    batch_list: BatchList
    queue: JobQueue
    blobs: BlobStore
    journal: Journal
    image_uses: ImageUses
    removal: Removal
    retention: Retention
    fleet: Fleet
    shares: Shares
    limits: Limits
    web: WebSettings
    #: Where uploads lie while their request is answered.
    spool_folder: Path
    #: Set when the server was told to stop: those who wait should come to an end.
    stopping: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def connect(cls, settings: Settings, limits: Limits, web: WebSettings) -> "Services":
        """Make them all; Redis is only connected to when it is first used.

        Raises BadSetting when the blob store's address or the data folder cannot be used.
        """
        spool_folder = _spool_folder(settings)
        client = connect(settings.redis_url, settings.redis_timeout_s)
        store = JobStore(client)
        queue = JobQueue(create_celery(settings), store)
        blobs = BlobStore(settings.blobs_url, settings.blob_patience_s)
        journal, image_uses = Journal(blobs), ImageUses(client)
        return cls(
            store=store,
            feed=BatchFeed(store),
            batch_list=BatchList(store),
            queue=queue,
            blobs=blobs,
            journal=journal,
            image_uses=image_uses,
            removal=Removal(store, queue, image_uses, blobs, journal, settings.settle_s),
            retention=Retention(store, journal, max(web.retention_s, settings.settle_s)),
            fleet=Fleet(client),
            shares=Shares(client, web.secret_key),
            limits=limits,
            web=web,
            spool_folder=spool_folder,
        )

    def attach(self, app: Flask) -> None:
        """Keep them on the app, where `services()` finds them."""
        app.extensions[_NAME] = self


def services() -> Services:
    """The services of the app that answers the current request."""
    return cast(Services, current_app.extensions[_NAME])


def _spool_folder(settings: Settings) -> Path:
    folder = settings.data.resolve() / "tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(
            f"EVA01_DATA={str(settings.data)!r}: cannot be written: {error.strerror}. Name another folder."
        ) from error
    return folder
