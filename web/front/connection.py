"""One connection: reads a request, has it answered, sends the answer; then the next.

Whatever waits for the other side has a deadline, and none of it holds a thread.
"""

import asyncio
import logging
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import suppress
from socket import SO_SNDBUF, SOL_SOCKET
from typing import TYPE_CHECKING

from gunicorn.http.errors import ParseException

from jobs.contract.errors import Eva01Error, NoRoom
from web.front import answers
from web.front.answers import Refused
from web.front.call import Call
from web.front.framing import PIECE_BYTES, BrokenBody, chunked, of_length
from web.front.head import parsed, path_of, read_head
from web.front.left import Left

if TYPE_CHECKING:
    from web.front.front import Front

_log = logging.getLogger(__name__)

#: Bytes of a body that have to come, and of a response that have to be taken, within their deadlines.
LEAST_BYTES = PIECE_BYTES
#: Bytes of a body that are taken without a look at who sends them.
_UNASKED_BYTES = PIECE_BYTES
#: Bytes that the system keeps for a reader, twice over: by itself it would keep megabytes for a slow one.
_SEND_BUFFER_BYTES = 128 * 1024
#: Seconds after which what a slow reader has not taken yet goes from memory to a file.
_SET_ASIDE_S = 1.0
#: Seconds for which what is still being sent is thrown away, so that the answer is not lost with it.
_LINGER_S = 2.0


class Connection:
    """A client's connection, until it ends."""

    def __init__(self, front: "Front", reader: StreamReader, writer: StreamWriter) -> None:
        self._front, self._reader, self._writer = front, reader, writer
        self._settings = front.settings
        self._addresses = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
        writer.transport.set_write_buffer_limits(high=LEAST_BYTES)
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, _SEND_BUFFER_BYTES)
        #: True while nothing of a request has come.
        self.is_idle = True
        #: What the latest request asks for, once its head has come.
        self._path = ""

    async def serve(self) -> None:
        """Answer one request after the other, until there is a reason to end."""
        try:
            if self._front.is_full:
                raise answers.too_many(self._front.most_connections)
            wait_s = self._settings.head_s
            while await self._answer_next(wait_s):
                wait_s = self._settings.keep_alive_s
            await self._end()
        except Refused as refused:
            await self._refuse(refused)
        except (OSError, TimeoutError, NoRoom) as error:
            _log.debug("A connection is ended: %r", error)
        finally:
            self._writer.transport.abort()

    def end_idle(self) -> None:
        """Expect no further request, if nothing of one has come; what was answered is still sent."""
        if self.is_idle:
            self._reader.feed_eof()

    async def _answer_next(self, wait_s: float) -> bool:
        """Answer the next request, which begins within `wait_s` seconds; False when it was the last one."""
        head = await self._next_head(wait_s)
        if not head:
            return False
        self._path = path_of(head)
        try:
            call = self._front.call(parsed(head, self._addresses[0], self._front.config), self._addresses)
        except ParseException as error:
            raise answers.unreadable(error) from error
        try:
            await self._receive(call)
            await self._respond(call)
        finally:
            await self._front.close(call)
        return not call.ends_connection

    async def _next_head(self, wait_s: float) -> bytes:
        """The next request's head; empty when none is begun in time, or the other side is gone."""
        self.is_idle, self._path = True, ""
        if self._front.is_stopping:
            return b""
        try:
            async with asyncio.timeout(wait_s):
                first = await self._reader.read(1)
        except TimeoutError:
            return b""
        self.is_idle = False
        try:
            async with asyncio.timeout(self._settings.head_s):
                rest = await read_head(self._reader) if first else b""
        except TimeoutError as error:
            wanted = f"its headers did not end within {self._settings.head_s:g} s (EVA01_HEAD_S)"
            raise answers.too_slow(wanted) from error
        return rest and first + rest

    async def _receive(self, call: Call) -> None:
        """Take in the body, as much of it as the app may want; nothing of a large one that it refuses."""
        most_bytes = self._front.most_body_bytes(call)
        if call.length is not None and call.length > most_bytes:
            call.body.broken = "is too large"
            call.end_connection()
            return
        if (call.length is None or call.length > _UNASKED_BYTES) and not await self._is_let_in(call):
            call.body.broken = "was not taken"
            call.end_connection()
            return
        self._writer.write(call.interim)
        pieces = chunked(self._reader) if call.length is None else of_length(self._reader, call.length)
        try:
            while call.body.size_bytes <= most_bytes and await self._receive_some(call, pieces):
                pass
            if call.body.size_bytes > most_bytes:
                call.end_connection()
        except BrokenBody as error:
            call.body.broken = str(error)
            call.end_connection()
        except TimeoutError as error:
            within = f"within {self._settings.body_s:g} s (EVA01_BODY_S)"
            raise answers.too_slow(f"no {LEAST_BYTES:,} bytes of its body came {within}") from error
        except Eva01Error as error:
            raise answers.of_ours(error) from error
        finally:
            await pieces.aclose()
        call.begin()

    async def _is_let_in(self, call: Call) -> bool:
        try:
            return await self._front.lets_in(call)
        except Eva01Error as error:
            raise answers.of_ours(error) from error

    async def _receive_some(self, call: Call, pieces: AsyncIterator[bytes]) -> bool:
        """Take in so many bytes as have to come within one deadline; False when there are no more."""
        enough = call.body.size_bytes + LEAST_BYTES
        async with asyncio.timeout(self._settings.body_s):
            async for piece in pieces:
                if call.body.takes(piece):
                    call.body.write(piece)
                else:
                    await self._front.on_disk(call.body.write, piece)
                if call.body.size_bytes >= enough:
                    return True
        return False

    async def _respond(self, call: Call) -> None:
        looks = 0
        while not call.is_over:
            await self._send(await self._next_bytes(call))
            if call.is_waiting:
                if call.may_be_left and self._is_left:
                    raise ConnectionAbortedError
                await self._front.pause(call, looks)
                looks += 1

    @property
    def _is_left(self) -> bool:
        """True when nothing more comes from the other side: it is gone, as far as that can be told."""
        return self._reader.at_eof() or self._reader.exception() is not None

    async def _next_bytes(self, call: Call) -> bytes:
        begun = call.has_begun
        if self._front.is_stopping:
            call.end_connection()
        try:
            return await self._front.step(call)
        except Exception as error:
            call.say(_log.exception, "A request could not be answered.")
            if begun:
                raise ConnectionAbortedError from error
            raise answers.our_fault() from error

    async def _send(self, made: bytes) -> None:
        """Send bytes no faster than they are taken; what a slow reader leaves is not kept in memory.

        Raises TimeoutError, and ConnectionError when the other side is gone.
        """
        left = Left(made, self._front)
        del made  # Else it would stay in memory for as long as it is sent.
        try:
            while piece := await left.next_piece():
                self._writer.write(piece)
                if not await self._is_taken(min(_SET_ASIDE_S, self._settings.send_s)):
                    await left.set_aside()
                    if not await self._is_taken(self._settings.send_s):
                        raise TimeoutError
        finally:
            left.close()

    async def _is_taken(self, within_s: float) -> bool:
        """True when there is room for more within so many seconds."""
        try:
            async with asyncio.timeout(within_s):
                await self._writer.drain()
        except TimeoutError:
            return False
        return True

    async def _refuse(self, refused: Refused) -> None:
        self._writer.write(refused.as_bytes(self._path))
        with suppress(OSError, TimeoutError):
            await self._end()

    async def _end(self) -> None:
        """End the connection once all is sent.

        What still comes is thrown away for a moment: were the connection closed meanwhile, what we have sent
        would be thrown away, too. Raises TimeoutError.
        """
        self._writer.transport.set_write_buffer_limits(high=0)
        async with asyncio.timeout(self._settings.send_s):
            await self._writer.drain()
        self._writer.write_eof()
        async with asyncio.timeout(_LINGER_S):
            while await self._reader.read(PIECE_BYTES):
                pass
