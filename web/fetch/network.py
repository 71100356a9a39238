"""Connections to public addresses alone, and none that outlasts its deadline.

name ──looked up once──► every address public? ──► a connection to one of these very addresses
                                     └─ no ──► refused, and nobody was asked

So a name that leads elsewhere the next time it is looked up (DNS rebinding) gains nothing. TLS still looks
for the name in the certificate.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpcore2

from web.fetch.public import is_public
from web.fetch.turns import Turn

#: Gives the addresses of a name; raises OSError where it has none.
Resolve = Callable[[str, int], Sequence[str]]
#: Gives the seconds that are left; what it raises instead ends the fetching.
Left = Callable[[], float]
#: Addresses of one host that are asked: a name may have thousands, each a stranger who would be called.
_MOST_ADDRESSES = 8


class NoPublicAddress(Exception):
    """Raised when a host has no address, or one that is not public."""


class Deadline:
    """A moment after which nothing is waited for any more, or an earlier one that `left_s` gives."""

    def __init__(self, seconds: float, left_s: Left) -> None:
        self._until_s, self._left_s = time.monotonic() + seconds, left_s

    def left_s(self) -> float:
        """Raises httpcore2.ReadTimeout when no time is left."""
        left_s = min(self._until_s - time.monotonic(), self._left_s())
        if left_s <= 0:
            raise httpcore2.ReadTimeout("all time is over")
        return left_s


class PublicNetwork(httpcore2.NetworkBackend):
    """Connects by `way` to hosts whose addresses, as `resolve` gives them, are public.

    The system looks names up for as long as it likes, so that is done apart from the turn's own thread.
    """

    def __init__(
        self, way: httpcore2.NetworkBackend, resolve: Resolve, turn: Turn, deadline: Deadline
    ) -> None:
        self._way, self._resolve, self._turn, self._deadline = way, resolve, turn, deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Raises NoPublicAddress, and httpcore2's errors for what does not answer in time."""
        addresses = self._addresses(host, port)
        for place, address in enumerate(addresses):
            # One that is silent leaves time for the others.
            share_s = self._deadline.left_s() / (len(addresses) - place)
            try:
                stream = self._way.connect_tcp(address, port, share_s, socket_options=socket_options or [])
                return _Timed(stream, self._deadline)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if place == len(addresses) - 1:
                    raise
        raise NoPublicAddress(host)

    def _addresses(self, host: str, port: int) -> list[str]:
        found = self._turn.apart(lambda: self._looked_up(host, port), self._deadline.left_s())
        if not found or not all(map(is_public, found)):
            raise NoPublicAddress(host)
        return found[:_MOST_ADDRESSES]

    def _looked_up(self, host: str, port: int) -> list[str]:
        """All addresses of a host; none where nobody knows it.

        Raises TimeoutError when the system has given up before us, and may find it the next time.
        """
        try:
            return [*dict.fromkeys(self._resolve(host, port))]
        except (OSError, UnicodeError) as error:
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                raise TimeoutError from error
            return []


class _Timed(httpcore2.NetworkStream):
    """A stream on which nothing is waited for beyond a deadline, however often there is a little."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left_s())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left_s())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left_s())
        # An end that the server has not said is no end: who cuts the line may not cut an image.
        stream.get_extra_info("socket").suppress_ragged_eofs = False
        return _Timed(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
