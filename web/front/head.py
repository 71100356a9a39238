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

    Raises ParseException when it is too long; `reader` has to have the limit MOST_HEAD_BYTES.
    """
    try:
        return await reader.readuntil(_END)
    except IncompleteReadError:
        return b""
    except LimitOverrunError as error:
        if b"\r\n" in await reader.read(MOST_HEAD_BYTES):
            raise LimitRequestHeaders(f"the headers have more than {MOST_HEAD_BYTES:,} bytes") from error
        raise LimitRequestLine(f"the request line has more than {MOST_HEAD_BYTES:,} bytes") from error


def parsed(head: bytes, peer: object, config: Config) -> Request:
    """The request that a whole head is of.

    Raises ParseException.
    """
    return Request(config, IterUnreader(iter([head])), peer)
