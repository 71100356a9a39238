"""Fixtures that several rings share: a real Redis-compatible server of the tests' own."""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings
from PIL import Image

from jobs.contract.settings import Limits, Settings, WebSettings
from jobs.storage.connection.client import connect
from jobs.storage.store import JobStore
from jobs.storage.unreadable import SAID
from tests.apps import app_of
from tests.clock import Clock
from tests.processes import free_port, redis_answers, wait_until
from tests.servers.internet import Internet
from tests.stubs.processes import WorkerProcesses
from tests.tools import VALKEY
from web.fetch.fetcher import Fetcher
from web.services import services_of

# No test judges speed: Hypothesis' own limit of 200 ms an example would.
settings.register_profile("eva01", deadline=None)
settings.load_profile("eva01")

pytest_plugins = ("tests.plugins.background", "tests.plugins.limit", "tests.plugins.not_run")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run browser tests last: Playwright leaves an event loop running in this thread, and no other can.

    Files with a test that may take long, as its own limit says, go first: so none is left to run alone.
    """
    long = {item.path for item in items if item.get_closest_marker("timeout")}
    items.sort(key=lambda item: (item.get_closest_marker("browser") is not None, item.path not in long))


@pytest.fixture(autouse=True)
def nothing_was_said() -> None:
    """Let each test hear what is said once a minute."""
    SAID.forget()


@pytest.fixture(autouse=True)
def restored_pixel_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore Pillow's MAX_IMAGE_PIXELS, which a worker's decoder sets for its whole process."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)


@pytest.fixture(autouse=True)
def restored_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore where lines of the log go, which a test may set for its whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    yield
    logging.captureWarnings(capture=False)
    root.handlers, root.level = handlers, level


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server for the whole run that keeps nothing on disk."""
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    server = start_redis(port, folder)
    yield f"redis://127.0.0.1:{port}/0"
    stop(server)


@pytest.fixture
def redis_client(redis_url: str) -> Iterator["redis.Redis"]:
    """A client; the database is emptied for each test."""
    client = connect(redis_url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def clock() -> Clock:
    """Stands still until the test moves it."""
    return Clock()


@pytest.fixture
def store(redis_client: "redis.Redis", clock: Clock) -> JobStore:
    """An empty store, with that clock."""
    return JobStore(redis_client, clock)


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[WorkerProcesses]:
    """A Redis that runs, for workers as real processes."""
    made = WorkerProcesses(tmp_path)
    made.start_redis()
    yield made
    made.end()


@pytest.fixture
def make_app(redis_url: str, redis_client: "redis.Redis", tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Makes web's app on an empty database, with `nano` and `ocr` offered and limits as given."""
    made: list[Flask] = []

    def make_app(web: WebSettings | None = None, fetcher: Fetcher | None = None, **limits: Any) -> Flask:
        settings = Settings(redis_url=redis_url, data=tmp_path, blob_patience_s=0.2)
        app = app_of(settings, Limits(**limits), web or WebSettings(models=("nano", "ocr")), fetcher)
        made.append(app)
        return app

    yield make_app
    for app in made:
        # Else the garbage collector finds its connections, whenever that is, and says that they were open.
        services_of(app).ears.end()
        services_of(app).store.redis.close()


@pytest.fixture(scope="module")
def whole_internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """A small internet for a file of tests."""
    made = Internet(tmp_path_factory.mktemp("internet"))
    yield made
    made.end()


@pytest.fixture
def internet(whole_internet: Internet) -> Internet:
    """The same, as it was at first."""
    whole_internet.begin_anew()
    return whole_internet


@pytest.fixture
def http(make_app: Callable[..., Flask]) -> FlaskClient:
    """An HTTP client of such an app."""
    return make_app().test_client()


def start_redis(port: int, folder: Path, *options: str) -> "subprocess.Popen[bytes]":
    """Start a server on `port` and wait until it listens."""
    command = [VALKEY.needed(), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--dir", str(folder), "--save", "", "--appendonly", "no", *options]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    wait_until(lambda: redis_answers(port), "the server answers")
    return server


def stop(server: "subprocess.Popen[bytes]") -> None:
    """End a server and wait until it is gone."""
    server.terminate()
    server.wait(15)
