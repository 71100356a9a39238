"""Fixtures for tests on a real Redis."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient

from tests.backend import Backend
from tests.stubs.slot import Slot
from web.services import Services, services_of

if TYPE_CHECKING:
    import redis


@pytest.fixture
def backend(redis_client: "redis.Redis", tmp_path: Path) -> Backend:
    """Stores and a queue on an empty database, with a folder of blobs."""
    return Backend(redis_client, tmp_path / "blobs")


@pytest.fixture
def slot(redis_client: "redis.Redis", tmp_path: Path) -> Iterator[Slot]:
    """A worker's slot on an empty database."""
    made = Slot(redis_client, tmp_path)
    yield made
    made.batcher.give_back()


@pytest.fixture
def services(http: FlaskClient) -> Services:
    """The services of the app that `http` calls."""
    return services_of(http.application)
