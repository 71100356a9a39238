"""What several files of tests of slots have in common."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.stubs.slot import Slot


@pytest.fixture
def reader(redis_client: "redis.Redis", tmp_path: Path) -> Iterator[Slot]:
    """A slot of an engine that reads all pages."""
    made = Slot(redis_client, tmp_path, reads_pages=True)
    yield made
    made.batcher.give_back()


@pytest.fixture
def viewer(redis_client: "redis.Redis", tmp_path: Path) -> Iterator[Slot]:
    """A slot of an engine that looks at images, and reads no pages."""
    made = Slot(redis_client, tmp_path)
    yield made
    made.batcher.give_back()
