"""An address, to the bytes of an image: asked by https, without cookies, credentials or proxies.

allowed? ──► a public address? ──► TLS ──► 200: the bytes, so many at most
    ▲                               └────► 3xx ──┐
    └──────────── so often at most ◄─────────────┘

Callers hear the host that they named and what kind of thing went wrong; where it led on, what was said there
and which address it has are in no message.
"""

import logging
import socket
import ssl
from collections.abc import Callable
from functools import cached_property

import httpcore2
import httpx2

from jobs.contract.codes import Code
from jobs.contract.errors import BadInput, Eva01Error, TooLarge
from jobs.contract.settings import Limits, WebSettings
from jobs.contract.version import own_version
from web.fetch import metrics
from web.fetch.allowed import Allowed
from web.fetch.network import Deadline, Left, NoPublicAddress, PublicNetwork, Resolve
from web.fetch.turns import Turn, Turns
from web.fetch.url import Url

_log = logging.getLogger(__name__)

_OK = 200
_REDIRECTS = (301, 302, 303, 307, 308)
#: Digits of a length that is read.
_LONGEST_NUMBER = 20
#: Characters of what went wrong that are written into the log: a server's nonsense may be part of it.
_LONGEST_REASON = 200
#: What goes wrong between two machines.
_BROKEN = (httpcore2.NetworkError, httpcore2.ProtocolError, OSError, ValueError)

#: Takes the next bytes of an image; what it raises ends the fetching.
Write = Callable[[bytes], object]


def _system_addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Fetcher:
    """Fetches from the hosts that are allowed; safe to use from many threads.

    It is done in turns. `way` makes connections to addresses, `resolve` gives those of a name, and `tls` says
    whose certificates are believed: the system's, unless they are given.
    """

    def __init__(
        self,
        web: WebSettings,
        limits: Limits,
        *,
        resolve: Resolve = _system_addresses,
        way: httpcore2.NetworkBackend | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._web, self._most_bytes = web, limits.max_image_bytes
        self._allowed = Allowed(web.fetch_allow)
        self._resolve, self._way, self._given_tls = resolve, way or httpcore2.SyncBackend(), tls
        self.turns = Turns(web)

    def check_is_on(self) -> None:
        """Raises BadInput (`fetch_is_off`) where nothing is ever fetched."""
        if not self._allowed:
            metrics.count(Code.FETCH_IS_OFF)
            raise BadInput(
                "No image is fetched from an address here. Send the file, or have those who run the server"
                " name the hosts that may be asked (EVA01_FETCH_ALLOW).",
                code=Code.FETCH_IS_OFF,
            )

    def fetch(self, text: str, write: Write, turn: Turn, left_s: Left) -> None:
        """Fetch an image in a turn, and `write` it piece by piece, within `left_s` or EVA01_FETCH_S.

        Raises BadInput (`fetch_is_off`, `bad_url`, `url_not_allowed`, `no_public_address`, `fetch_failed`,
        `fetch_too_slow`), TooLarge (`image_too_large`), and what `write` and `left_s` raise.
        """
        self.check_is_on()
        with metrics.SECONDS.time():
            try:
                self._fetch(text, write, turn, left_s)
            except Eva01Error as error:
                metrics.count(error.code)
                raise
        metrics.count(metrics.FETCHED)

    def _fetch(self, text: str, write: Write, turn: Turn, left_s: Left) -> None:
        url = Url.read(text)
        if not self._allowed.has(url):
            raise _not_allowed(f"{url.host_header} is not among the hosts")
        try:
            network = PublicNetwork(self._way, self._resolve, turn, Deadline(self._web.fetch_s, left_s))
            self._follow(url, write, network)
        except BadInput as error:
            _log.info("No image was fetched from %s: %s.", url.host, error.code)
            raise

    def _follow(self, first: Url, write: Write, network: PublicNetwork) -> None:
        url = first
        for _ in range(self._web.fetch_redirects + 1):
            led = self._asked(url, first, write, network)
            if led is None:
                return
            url = led
        raise _failed(first, f"leads on more than {self._web.fetch_redirects} times (EVA01_FETCH_REDIRECTS)")

    def _asked(self, url: Url, first: Url, write: Write, network: PublicNetwork) -> Url | None:
        """Write the image at `url`; or give where it leads."""
        try:
            return self._answered(url, first, write, network)
        except NoPublicAddress as error:
            _log.info("%s has no address, or one that is not public.", url.host)
            raise _no_public_address(first) from error
        except (httpcore2.TimeoutException, TimeoutError) as error:
            raise _too_slow(first) from error
        except _BROKEN as error:
            _log.info("%s cannot be asked, or broke off: %s", url.host, str(error)[:_LONGEST_REASON])
            raise _failed(first, "could not be asked, or broke off") from error

    def _answered(self, url: Url, first: Url, write: Write, network: PublicNetwork) -> Url | None:
        target = httpcore2.URL(scheme="https", host=url.host, port=url.port, target=url.target)
        with (
            httpcore2.ConnectionPool(self._tls, max_connections=1, network_backend=network) as connections,
            connections.stream("GET", target, headers=_headers(url)) as response,
        ):
            said = [(name.lower(), value.decode("latin-1").strip()) for name, value in response.headers]
            by_name = dict(said)
            if response.status in _REDIRECTS and b"location" in by_name:
                return self._led_on(url, first, by_name[b"location"])
            if response.status != _OK:
                raise _failed(first, f"answered with status {response.status}")
            if any(name == b"content-encoding" and value.lower() != "identity" for name, value in said):
                raise _failed(first, "answered with a packed file that was not asked for")
            self._write_all(response, by_name.get(b"content-length", ""), first, write)
        return None

    def _led_on(self, url: Url, first: Url, location: str) -> Url:
        try:
            led = url.join(location)
        except BadInput as error:
            message = f"{first.host} leads on to what is no address by https."
            raise BadInput(f"{message} Name the image's own.", code=Code.BAD_URL) from error
        if not self._allowed.has(led):
            _log.info("%s leads on to %s, which is not in EVA01_FETCH_ALLOW.", first.host, led.host_header)
            raise _not_allowed(f"{first.host} leads on to a host that is not among those")
        return led

    def _write_all(self, response: httpcore2.Response, said: str, first: Url, write: Write) -> None:
        size_bytes = int(said) if said.isascii() and said.isdecimal() and len(said) < _LONGEST_NUMBER else 0
        self._check_bytes(size_bytes, first)
        size_bytes = 0
        for piece in response.iter_stream():
            size_bytes += len(piece)
            metrics.BYTES.inc(len(piece))
            self._check_bytes(size_bytes, first)
            write(piece)

    def _check_bytes(self, size_bytes: int, first: Url) -> None:
        if size_bytes > self._most_bytes:
            raise TooLarge(
                f"The image at {first.host} has more than {self._most_bytes:,} bytes (EVA01_MAX_IMAGE_BYTES)."
                " Send a smaller version of it.",
                code=Code.IMAGE_TOO_LARGE,
            )

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Reading all certificates takes a while: it is done once."""
        tls = self._given_tls or httpx2.create_ssl_context()
        # A server could ask for one handshake after the other.
        tls.options |= ssl.OP_NO_RENEGOTIATION
        return tls


def _headers(url: Url) -> list[tuple[str, str]]:
    """All that a request says: nothing about who asks."""
    return [
        ("Host", url.host_header),
        ("User-Agent", f"EVA-01/{own_version()}"),
        ("Accept", "image/*, */*;q=0.5"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]


def _not_allowed(what: str) -> BadInput:
    message = f"{what} that this server may ask for images (EVA01_FETCH_ALLOW). Send the file itself."
    return BadInput(message, code=Code.URL_NOT_ALLOWED)


def _no_public_address(first: Url) -> BadInput:
    message = f"No public address was found for {first.host}, or for where it leads. Send the file itself."
    return BadInput(message, code=Code.NO_PUBLIC_ADDRESS)


def _too_slow(first: Url) -> BadInput:
    return BadInput(
        f"{first.host} was not found, or did not give the image, in the time that it may take (EVA01_FETCH_S,"
        " EVA01_FETCH_REQUEST_S). Send its address again, with fewer others, or the file itself.",
        code=Code.FETCH_TOO_SLOW,
    )


def _failed(first: Url, what: str) -> BadInput:
    message = f"{first.host} {what}. Look at the address, or send the file itself."
    return BadInput(message, code=Code.FETCH_FAILED)
