"""An app that needs no server."""

from pathlib import Path

import pytest
from flask import Flask

from jobs.contract.settings import Limits, Settings, WebSettings
from tests.processes import free_port
from web.app import create_app


@pytest.fixture
def app_without_redis(tmp_path: Path) -> Flask:
    """An app at whose REDIS_URL nothing listens."""
    settings = Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0", data=tmp_path, redis_timeout_s=1)
    return create_app(settings, Limits(), WebSettings(models=("nano",)))
