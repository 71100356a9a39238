"""Apps that need no server."""

from pathlib import Path

import pytest
from flask import Flask

from jobs.contract.settings import Limits, Settings, WebSettings
from tests.processes import free_port
from web.app import create_app


def without_redis(data: Path, **web: object) -> Flask:
    """An app at whose REDIS_URL nothing listens."""
    settings = Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0", data=data, redis_timeout_s=1)
    return create_app(settings, Limits(), WebSettings.model_validate({"models": ("nano",), **web}))


@pytest.fixture(scope="module")
def app_without_redis(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Such an app, for all tests of a file."""
    return without_redis(tmp_path_factory.mktemp("data"))


@pytest.fixture
def new_app(tmp_path: Path) -> Flask:
    """Such an app that nobody has asked yet, so that more can be added to it."""
    return without_redis(tmp_path)
