"""Where a request's body ends: after so many bytes, or with its last chunk (RFC 9112, section 7.1).

Nothing behind the end is read: it is the next request.
"""

import re
from asyncio import IncompleteReadError, LimitOverrunError, StreamReader, sleep
from collections.abc import AsyncGenerator

#: Bytes that are read at a time.
PIECE_BYTES = 64 * 1024
#: Chunks that may be of any size; more of them have to have so many bytes on average: each costs time.
_FREE_CHUNKS, _LEAST_CHUNK_BYTES = 10_000, 512
#: Chunks after which others have their turn.
_TURN_CHUNKS = 50
#: The line before a chunk. Whoever reads a size in another way would see other chunks.
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[^\r\n]*)?\r\n")
_MOST_LINE_BYTES, _MOST_TRAILERS = 4096, 100


class BrokenBody(OSError):
    """Raised where no more of a body makes sense."""


async def of_length(reader: StreamReader, length: int) -> AsyncGenerator[bytes, None]:
    """A body of `length` bytes, in pieces.

    Raises BrokenBody when there are fewer.
    """
    while length:
        piece = await _some(reader, length)
        length -= len(piece)
        yield piece


async def chunked(reader: StreamReader) -> AsyncGenerator[bytes, None]:
    """The pieces of a body of chunks.

    Raises BrokenBody where a chunk is none.
    """
    count, size_bytes = 0, 0
    while left := await _chunk_bytes(reader):
        count, size_bytes = count + 1, size_bytes + left
        if (count - _FREE_CHUNKS) * _LEAST_CHUNK_BYTES > size_bytes:
            raise BrokenBody(f"has chunks of less than {_LEAST_CHUNK_BYTES} bytes. Send larger ones")
        while left:
            piece = await _some(reader, left)
            left -= len(piece)
            yield piece
        if await _line(reader) != b"\r\n":
            raise BrokenBody("has a chunk that is longer than it says")
        if count % _TURN_CHUNKS == 0:
            await sleep(0)
    for _ in range(_MOST_TRAILERS):
        if await _line(reader) == b"\r\n":
            return
    raise BrokenBody(f"has more than {_MOST_TRAILERS} trailers")


async def _chunk_bytes(reader: StreamReader) -> int:
    line = await _line(reader)
    if not (size := _SIZE.fullmatch(line)):
        raise BrokenBody(f"has {line[:20]!r} where the size of a chunk should be")
    return int(size[1], 16)


async def _some(reader: StreamReader, most: int) -> bytes:
    piece = await reader.read(min(most, PIECE_BYTES))
    if not piece:
        raise BrokenBody("ends before all of it has come")
    return piece


async def _line(reader: StreamReader) -> bytes:
    try:
        line = await reader.readuntil(b"\r\n")
    except IncompleteReadError as error:
        raise BrokenBody("ends before all of it has come") from error
    except LimitOverrunError:
        line = b""
    if not 0 < len(line) <= _MOST_LINE_BYTES:
        raise BrokenBody("has a line between two chunks that does not end")
    return line
