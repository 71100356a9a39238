"""Requests on real connections while all of web's threads are taken."""

import asyncio
import threading

import pytest
from flask import request
from gunicorn.config import Config

from jobs.contract.settings import WebSettings
from tests.processes import PATIENCE_S, until
from web.front.front import Front

pytestmark = pytest.mark.redis


def test_one_owners_flood_of_requests_holds_up_another_for_one_of_them(make_app):
    app = make_app(WebSettings(models=("nano",), web_threads=1))
    front, begun, may_go_on = Front(app, Config()), list[str](), threading.Event()

    def begin() -> None:
        begun.append(request.headers["Authorization"])
        may_go_on.wait(PATIENCE_S)

    app.before_request_funcs.setdefault(None, []).insert(0, begin)

    async def ask() -> None:
        server = await asyncio.start_server(front._take, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        asked = [asyncio.create_task(answered(address, "anna")) for _ in range(20)]
        await until(lambda: begun and waiting() == 19)
        asked.append(asyncio.create_task(answered(address, "ben")))
        await until(lambda: waiting() == 20)
        may_go_on.set()
        assert {line.split()[0] for line in await asyncio.gather(*asked)} == {b"HTTP/1.1"}
        server.close()

    def waiting() -> int:
        return sum(map(len, front._turns._waiting.values()))

    asyncio.run(ask())
    assert begun[:4] == ["anna", "anna", "ben", "anna"]
    assert len(begun) == 21


async def answered(address: tuple[str, int], who: str) -> bytes:
    """The first line of what comes back."""
    reader, writer = await asyncio.open_connection(*address)
    head = f"GET /api/limits HTTP/1.1\r\nHost: localhost\r\nAuthorization: {who}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    first = await reader.readline()
    writer.close()
    return first
