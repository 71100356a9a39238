"""Fixtures that several unit tests share."""

from collections.abc import Iterator

import pytest

from tests.unit.scripted_server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A real HTTP server that sends the replies that the test has listed."""
    server = Server()
    yield server
    server.end()
