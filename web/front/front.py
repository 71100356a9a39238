"""The front: one event loop that has all connections, and the threads that the app runs in."""

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from socket import socket
from typing import IO, Any, TypeVar

from flask import Flask
from gunicorn.config import Config
from gunicorn.http.message import Request

from web.front import answers
from web.front.body import Body
from web.front.call import Call
from web.front.connection import Connection
from web.front.head import MOST_HEAD_BYTES
from web.front.open_files import connections_within
from web.front.turns import Turns
from web.http.bell import Bell
from web.http.hosts import hosts_of
from web.http.request_metrics import IN_FLIGHT
from web.intake.spool import check_room, most_body_bytes, no_room
from web.services import services_of

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_BACKLOG = 1024
#: Calls that have threads of their own: they say how the others are.
_PROBES, _PROBE_THREADS = ("/ready", "/metrics"), 2
#: Threads that write bodies to the disk, and read what slow readers leave; they wait for nobody.
_DISK_THREADS = 4
#: Seconds between two looks of a request that waits: the first, and the longest while few wait.
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.02, 0.25
#: Seconds without a bell after which a request that waits for one looks at whoever asks.
_LONGEST_SILENCE_S = 1.0
#: Looks a second of all that wait together: each takes a thread for a moment.
_MOST_LOOKS = 400


class Front:
    """Everything that connections share; made in the event loop that has them."""

    def __init__(self, app: Flask, config: Config) -> None:
        self._services = services_of(app)
        self.settings, self.config = self._services.web, config
        self._app, self._health = app, answers.health(app)
        self._threads = ThreadPoolExecutor(self.settings.web_threads, "web")
        self._turns = Turns(self.settings.web_threads)
        self._probes = ThreadPoolExecutor(_PROBE_THREADS, "probe")
        self._disk = ThreadPoolExecutor(_DISK_THREADS, "disk")
        self.most_connections = connections_within(self.settings.max_connections)
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._stopping = asyncio.Event()
        self._waiting = 0
        #: Those who wait for a bell.
        self._listening: set[asyncio.Event] = set()

    # Connections

    async def serve(self, listener: socket) -> asyncio.Server:
        """Take connections of `listener` from now on."""
        return await asyncio.start_server(self._take, sock=listener, limit=MOST_HEAD_BYTES, backlog=_BACKLOG)

    async def stop(self, grace_s: float) -> None:
        """Have all connections end with the response they are at, and wait for them no longer than that."""
        self._stopping.set()
        for woken in self._listening:
            woken.set()
        for connection in self._connections.values():
            connection.end_idle()
        if self._connections:
            await asyncio.wait(self._connections, timeout=grace_s)

    @property
    def is_stopping(self) -> bool:
        """True when no further request is to be read."""
        return self._stopping.is_set()

    @property
    def is_full(self) -> bool:
        """True when there are more connections than there may be."""
        return len(self._connections) > self.most_connections

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = connection = Connection(self, reader, writer)
        try:
            await connection.serve()
        finally:
            del self._connections[task]

    # Requests

    def call(self, request: Request, addresses: tuple[Any, Any]) -> Call:
        """A call of the app, or of what answers for its health."""
        body = Body(self._services.spool_folder, self._services.limits.min_free_bytes)
        app = self._health if self._is_health(request) else self._app
        return Call(app, request, addresses, body, self.config)

    def _is_health(self, request: Request) -> bool:
        """True for a question how we are; the app refuses one that was sent to another name."""
        if request.method not in ("GET", "HEAD") or request.uri.partition("?")[0] != "/health":
            return False
        return all(hosts_of(self._app).has(said) for name, said in request.headers if name == "HOST")

    def most_body_bytes(self, call: Call) -> int:
        """How many bytes of a body the app may want."""
        return most_body_bytes(call.path, call.content_type, self._services.limits)

    async def step(self, call: Call) -> bytes:
        """Make a call's next step: in a thread, but for those that never wait."""
        if call.app is self._health or call.plan_step():
            return call.step()
        with IN_FLIGHT.track_inprogress():
            if call.path in _PROBES:
                return await asyncio.get_running_loop().run_in_executor(self._probes, call.step)
            return await self._in_turn(call, call.step)

    async def lets_in(self, call: Call) -> bool:
        """Whether the app would read a call's body, looked at in a thread."""
        return await self._in_turn(call, call.is_let_in)

    async def _in_turn(self, call: Call, function: Callable[[], _T]) -> _T:
        """Call what may take a while in a thread, when whoever asks has a turn."""
        async with self._turns.turn(call.asked_by):
            return await asyncio.get_running_loop().run_in_executor(self._threads, function)

    async def close(self, call: Call) -> None:
        """Let go of what a call that is not over holds."""
        if not call.is_over:
            await asyncio.get_running_loop().run_in_executor(self._threads, call.close)

    async def pause(self, call: Call, looks: int) -> None:
        """Wait until a call that waits for something, and has looked so often, should look again."""
        if call.live:
            await self._listen(call.live.bell)
            return
        self._waiting += 1
        look_s = min(_FIRST_LOOK_S * 1.5 ** min(looks, 10), _LONGEST_LOOK_S)
        try:
            async with asyncio.timeout(max(look_s, self._waiting / _MOST_LOOKS)):
                await self._stopping.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting -= 1

    async def _listen(self, bell: Bell) -> None:
        """Wait for a bell, and not for long: who asks may be gone meanwhile, or the server stop."""
        if self._stopping.is_set():
            return
        woken, loop = asyncio.Event(), asyncio.get_running_loop()
        self._listening.add(woken)
        bell.on_ring(lambda: loop.call_soon_threadsafe(woken.set))
        try:
            async with asyncio.timeout(_LONGEST_SILENCE_S):
                await woken.wait()
        except TimeoutError:
            pass
        finally:
            bell.on_ring(None)
            self._listening.discard(woken)

    # The disk

    async def on_disk(self, function: Callable[..., _T], *arguments: object) -> _T:
        """Call what may wait for the disk, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._disk, function, *arguments)

    def copied(self, file: IO[bytes]) -> IO[bytes]:
        """What is left to read of `file`, in an unnamed one.

        Raises NoRoom.
        """
        try:
            check_room(self._services.spool_folder, self._services.limits.min_free_bytes)
            copy = tempfile.TemporaryFile(dir=self._services.spool_folder)  # noqa: SIM115 (closed by who reads it)
            shutil.copyfileobj(file, copy)
        except OSError as error:
            raise no_room(error) from error
        copy.seek(0)
        return copy
