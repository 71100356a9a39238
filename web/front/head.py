"""The head of a request: its first lines, as gunicorn reads them."""

from asyncio import IncompleteReadError, LimitOverrunError, StreamReader

from gunicorn.config import Config
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

#: Bytes of a head.
MOST_HEAD_BYTES = 32 * 1024
_END = b"\r\n\r\n"


async def read_head(reader: StreamReader) -> bytes:
    """The next head, with the empty line that ends it; `b""` when the sender is gone before that.

    Of one that is too long, its beginning; `reader` has to have the limit MOST_HEAD_BYTES.
    """
    try:
        return await reader.readuntil(_END)
    except IncompleteReadError:
        return b""
    except LimitOverrunError:
        return await reader.read(MOST_HEAD_BYTES)


def path_of(head: bytes) -> str:
    """The path that a head asks for, be the rest of it as it may; empty when there is none."""
    line, _, _ = head.partition(b"\r\n")
    _, _, asked = line.partition(b" ")
    return asked.partition(b" ")[0].partition(b"?")[0].decode("latin-1")


def parsed(head: bytes, peer: object, config: Config) -> Request:
    """The request that a head is of.

    Raises ParseException.
    """
    if not head.endswith(_END):
        if b"\r\n" in head:
            raise LimitRequestHeaders(f"the headers have more than {MOST_HEAD_BYTES:,} bytes")
        raise LimitRequestLine(f"the request line has more than {MOST_HEAD_BYTES:,} bytes")
    return Request(config, IterUnreader(iter([head])), peer)
