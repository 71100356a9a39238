"""Fixtures of what is fetched."""

import pytest

from tests.servers.internet import Internet
from web.fetch.fetcher import Fetcher


@pytest.fixture
def all_hosts(internet: Internet) -> Fetcher:
    """May ask any host."""
    return internet.fetcher("*")
