"""Fixtures that several unit tests share."""

from collections.abc import Iterator

import pytest

from tests.unit.scripted_server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A real HTTP server that answers as its test has scripted it."""
    server = Server()
    yield server
    server.end()
