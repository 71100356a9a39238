"""Apps that need no server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from jobs.contract.settings import Limits, Settings, WebSettings
from tests.apps import app_of
from tests.processes import free_port


@pytest.fixture(scope="module", autouse=True)
def short_pauses() -> Iterator[None]:
    """Nobody waits long for a Redis that is never there."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("jobs.storage.connection.client._LONGEST_PAUSE_S", 0.01)
        yield


def without_redis(data: Path, **web: object) -> Flask:
    """An app at whose REDIS_URL nothing listens."""
    settings = Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0", data=data, redis_timeout_s=1)
    return app_of(settings, Limits(), WebSettings.model_validate({"models": ("nano",), **web}))


@pytest.fixture(scope="module")
def app_without_redis(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Such an app, for all tests of a file."""
    return without_redis(tmp_path_factory.mktemp("data"))


@pytest.fixture
def new_app(tmp_path: Path) -> Flask:
    """Such an app that nobody has asked yet, so that more can be added to it."""
    return without_redis(tmp_path)
