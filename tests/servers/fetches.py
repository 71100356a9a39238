"""Fetching in a small internet, as a request does it: in a turn."""

import pytest

from jobs.contract.errors import BadInput
from tests.processes import PATIENCE_S
from tests.servers.internet import Page
from web.fetch.fetcher import Fetcher
from web.fetch.network import Left

IMAGE = b"the bytes of an image" * 1000


def page(body: bytes = IMAGE, status: int = 200, **headers: str) -> Page:
    """Gives an image."""
    return lambda visit: visit.give(body, status, **headers)


def leads_to(where: str) -> Page:
    """Leads on."""
    return lambda visit: visit.lead_on(where)


def says(head: bytes, body: bytes = b"") -> Page:
    """Says what no server should, byte for byte."""
    return lambda visit: visit.wfile.write(head + b"\r\n\r\n" + body)


def fetched(fetcher: Fetcher, address: str, left_s: Left = lambda: 60.0) -> bytes:
    """What comes from an address."""
    pieces: list[bytes] = []
    line = fetcher.turns.join("anna", [lambda turn: fetcher.fetch(address, pieces.append, turn, left_s)])
    assert fetcher.turns.wait(line, PATIENCE_S)
    return b"".join(pieces)


def refusal(fetcher: Fetcher, address: str, left_s: Left = lambda: 60.0) -> BadInput:
    """Why nothing comes from it."""
    with pytest.raises(BadInput) as caught:
        fetched(fetcher, address, left_s)
    return caught.value
