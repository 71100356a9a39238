"""The stores, the queue, settings and limits that every handler works with, made once an app."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from flask import Flask, current_app

from jobs.contract.catalog import ModelCard
from jobs.contract.catalog_file.catalog import Catalog
from jobs.contract.catalog_file.reading import read_catalog
from jobs.contract.settings import Limits, Settings, WebSettings
from jobs.storage.files.rights import private_folder
from jobs.storage.stores import Stores
from web.fetch.fetcher import Fetcher
from web.http.ears import Ears

_NAME = "eva01"


@dataclass(frozen=True)
class Services(Stores):
    """The stores and the queue, with web's own settings and limits; safe to use from many threads."""

    settings: Settings
    limits: Limits
    web: WebSettings
    #: The models that people have listed.
    catalog: Catalog
    #: Where uploads lie while their request is answered.
    spool_folder: Path
    #: What is asked for images at addresses.
    fetcher: Fetcher
    #: What hears answers while they are said.
    ears: Ears
    #: A turn for each workbook or Parquet file that may be written at the same time.
    workbooks: threading.BoundedSemaphore
    #: A place for each schema that may be read by a process of its own.
    schemas: threading.BoundedSemaphore
    #: The same for each PDF whose pages may be counted at the same time.
    pdfs: threading.BoundedSemaphore
    #: Set when the server was told to stop: those who wait should come to an end.
    stopping: threading.Event = field(default_factory=threading.Event)

    #: Set when a batch was ordered that is made of a file, or what was fetched for one has come.
    ordered: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def open(
        cls, settings: Settings, limits: Limits, web: WebSettings, fetcher: Fetcher | None = None
    ) -> "Services":
        """Make them all, and a fetcher where none is given; Redis is only connected to when it is first used.

        Raises BadSetting when the blob store's address, the data folder or the file of models cannot be used.
        """
        folder = private_folder(settings, "tmp")
        made = cls.connect(
            settings,
            settings=settings,
            limits=limits,
            web=web,
            catalog=read_catalog(settings.catalog),
            spool_folder=folder,
            fetcher=fetcher or Fetcher(web, limits),
            workbooks=threading.BoundedSemaphore(web.workbooks),
            schemas=threading.BoundedSemaphore(web.schemas),
            pdfs=threading.BoundedSemaphore(web.pdfs),
            ears=Ears(lambda name, quiet_s: made.wire.listen(name, quiet_s)),
        )
        return made

    def known_cards(self) -> dict[str, ModelCard]:
        """The card of every model that may be asked, by name, the default first."""
        return self.fleet.cards(self.web.models, self.catalog.cards)

    def attach(self, app: Flask) -> None:
        """Store these services on the app, where `services()` finds them."""
        app.extensions[_NAME] = self


def services() -> Services:
    """The services of the app that answers the current request."""
    return services_of(current_app)


def services_of(app: Flask) -> Services:
    """The services of an app."""
    return cast(Services, app.extensions[_NAME])
