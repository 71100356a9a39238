"""A TCP relay before a server that can hold, delay, cut, refuse, swallow; and a port that answers nobody."""

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress

#: SO_LINGER on with 0 seconds: closing drops unsent data and sends RST.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_CHUNK_BYTES = 64 * 1024
#: Connections that fill the line of a server that takes none.
_MORE_THAN_MAY_WAIT = 8


class Proxy:
    """Relays `port`, any free one of this machine, to `target_port`, in a thread of its own.

    Its modes apply to existing and to new connections.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._may_pass = asyncio.Event()
        self._may_pass.set()
        self._delay_s = 0.0
        self._refuses = False
        self._swallows = False
        #: Ends of connections of which something was swallowed: for them it never ends.
        self._lost: set[asyncio.StreamWriter] = set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._relay, "127.0.0.1", 0))
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{self.port}", daemon=True)
        self._thread.start()

    def let_through(self) -> None:
        """Relay without delay again; what was swallowed stays so."""
        self._tell(self._be, 0.0, False)
        self._tell(self._may_pass.set)

    def stall(self) -> None:
        """Keep connections open and hold every byte, in both directions."""
        self._tell(self._may_pass.clear)

    def delay(self, delay_s: float) -> None:
        """Relay every chunk of bytes `delay_s` seconds late."""
        self._tell(self._be, delay_s, False)

    def reset(self) -> None:
        """Cut every connection with a RST; new ones are relayed."""
        self._tell(self._cut)

    def refuse(self) -> None:
        """Cut every connection, and each new one as soon as it comes."""
        self._tell(self._be, 0.0, True)
        self._tell(self._cut)

    def swallow(self) -> None:
        """Drop every byte of every connection, of new ones as well, and say nothing.

        So a network is that drops packets. When it is let through, connections that are there by then stay
        dead, as when whoever stood in between has forgotten them; new ones are relayed.
        """
        self._tell(self._be, 0.0, False, True)

    def end(self) -> None:
        """Close all, and wait until the thread is gone."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _tell(self, order: Callable[..., None], *arguments: object) -> None:
        """Run `order` in the loop's thread, and wait until it is done."""

        async def obey() -> None:
            order(*arguments)

        asyncio.run_coroutine_threadsafe(obey(), self._loop).result()

    def _be(self, delay_s: float, refuses: bool, swallows: bool = False) -> None:
        self._delay_s, self._refuses, self._swallows = delay_s, refuses, swallows
        if swallows:
            self._lost |= self._ends

    def _cut(self) -> None:
        for writer in list(self._ends):
            _reset(writer)

    async def _close(self) -> None:
        """Cut until nothing is relayed any more.

        No task is cancelled, and the server closes last: what opens or takes a connection just then would
        leave it to nobody.
        """
        self._be(0.0, refuses=True)
        self._may_pass.set()
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            self._cut()
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        self._server.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with self._closing(writer):
            if self._refuses:
                _reset(writer)
            elif self._swallows:
                while await reader.read(_CHUNK_BYTES):
                    pass
            else:
                await self._relay_to_target(reader, writer)

    async def _relay_to_target(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            _reset(writer)
            return
        async with self._closing(far_writer):
            if writer.transport.is_closing():
                _reset(far_writer)
            pumps = [asyncio.ensure_future(self._pump(reader, far_writer))]
            pumps.append(asyncio.ensure_future(self._pump(far_reader, writer)))
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    @asynccontextmanager
    async def _closing(self, end: asyncio.StreamWriter) -> AsyncIterator[None]:
        """Have `end` among those that can be cut, until what was written to it is sent and it is closed."""
        self._ends.add(end)
        try:
            with suppress(OSError):
                yield
        finally:
            end.close()
            with suppress(OSError):
                await end.wait_closed()
            self._ends.discard(end)
            self._lost.discard(end)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK_BYTES):
            if writer in self._lost:
                continue
            await asyncio.sleep(self._delay_s)
            await self._may_pass.wait()
            writer.write(data)
            await writer.drain()


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port of this machine that answers no attempt to connect, since as many wait there as may."""
    with ExitStack() as sockets:
        server = sockets.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(_MORE_THAN_MAY_WAIT):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield int(server.getsockname()[1])


def _reset(writer: asyncio.StreamWriter) -> None:
    transport = writer.transport
    if not transport.is_closing():
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    transport.abort()
