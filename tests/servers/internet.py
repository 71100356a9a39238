"""A small internet: names with addresses, servers that speak TLS, and a CA whom nobody else believes.

Servers listen on this machine; the way to a public address leads to the one that stands there, and to any
other address nowhere, as for a host that is down.
"""

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpcore2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jobs.contract.settings import Limits, WebSettings
from tests.servers.serving import Serving
from web.fetch.fetcher import Fetcher

#: Where the server stands, and one that is down; both are public, and neither is ever asked itself.
PUBLIC, DOWN, PUBLIC6 = "93.184.216.34", "93.184.216.35", "2606:2800:220:1::1"
HTTPS = 443
#: Names that the server's certificate has, and one that it has not.
CERTIFIED = ("images.example.org", "cdn.example.org", "xn--bcher-kva.example")
UNCERTIFIED = "uncertified.example.org"

#: Seconds after which a question that is never answered is given up: beyond the limit of any test.
_GIVEN_UP_S = 300

#: Answers one request.
Page = Callable[["Visit"], object]


class Visit(BaseHTTPRequestHandler):
    """A request at the server, and what may be answered."""

    def give(self, body: bytes, status: int = 200, **headers: str) -> None:
        """A response; `_` in names of headers is `-`."""
        self.send_response(status)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def lead_on(self, where: str) -> None:
        """A redirect."""
        self.give(b"", 302, Location=where)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


class Internet(httpcore2.SyncBackend):
    """The way to its addresses, and who looks them up; `names` and `pages` may be changed at any time."""

    def __init__(self, folder: Path) -> None:
        self._ca_key, self._ca = _authority()
        self._server = _Server(("127.0.0.1", 0), self._visit())
        certificate = self._certificate([*CERTIFIED, PUBLIC], folder)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        # The handshake is made by the thread of its connection.
        self._server.socket = tls.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._serving = Serving(self._server)
        #: The name server that is asked for names that hang: it takes every question, and says nothing.
        self._silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._silent.bind(("127.0.0.1", 0))
        self._silent.setblocking(False)
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget what was changed, and what was seen."""
        self.answer_all()
        #: Names of which the name server says nothing.
        self.silent: set[str] = set()
        #: The addresses that each name has.
        self.names: dict[str, list[str]] = {name: [PUBLIC] for name in (*CERTIFIED, UNCERTIFIED)}
        #: What there is at `host/path`.
        self.pages: dict[str, Page] = {}
        #: Every name that was looked up, every address to which a way was sought, every request's headers.
        self.looked_up: list[str] = []
        self.sought: list[tuple[str, int]] = []
        self.visits: list[dict[str, str]] = []
        port = self._server.server_port
        #: Where each address and port really is.
        self.places = {(PUBLIC, HTTPS): port, (PUBLIC6, HTTPS): port}

    def end(self) -> None:
        """Stop serving."""
        self._serving.end()
        self.answer_all()
        self._silent.close()

    def answer_all(self) -> None:
        """Have the silent name server say that there is no such name, to all who have asked so far."""
        with suppress(BlockingIOError):
            while True:
                _, who = self._silent.recvfrom(512)
                self._silent.sendto(b"nobody", who)

    def fetcher(self, *allow: str, limits: Limits | None = None, **settings: Any) -> Fetcher:
        """Our fetcher in this internet."""
        web = WebSettings(fetch_allow=allow, **settings)
        return Fetcher(web, limits or Limits(), resolve=self.resolve, way=self, tls=self.believed())

    def believed(self) -> ssl.SSLContext:
        """What a client believes: the CA."""
        pem = self._ca.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a name; those of an address are itself."""
        self.looked_up.append(host)
        try:
            return [str(ip_address(host))]
        except ValueError:
            if host in self.silent:
                self._ask_in_vain(host)
            if host not in self.names:
                raise OSError(f"nobody is called {host}") from None
            return self.names[host]

    def _ask_in_vain(self, host: str) -> None:
        """Wait for the silent name server, as the system does; raises OSError when it has spoken at last."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(_GIVEN_UP_S)
            asking.connect(self._silent.getsockname())
            asking.send(host.encode())
            asking.recv(512)
        raise OSError(f"nobody is called {host}")

    def connect_tcp(self, host: str, port: int, *how: Any, **more: Any) -> httpcore2.NetworkStream:
        """To the server that stands at an address."""
        self.sought.append((host, port))
        place = self.places.get((host, port))
        if place is None:
            raise httpcore2.ConnectError(f"nobody is at {host}")
        return super().connect_tcp("127.0.0.1", place, *how, **more)

    def _visit(self) -> type[Visit]:
        internet = self

        class Visited(Visit):
            def do_GET(self) -> None:
                internet.visits.append(dict(self.headers))
                page = internet.pages.get(self.headers["Host"] + self.path)
                if page:
                    page(self)
                else:
                    self.give(b"there is nothing here", 404)

        return Visited

    def _certificate(self, names: Iterable[str], folder: Path) -> Path:
        """A file with the server's certificate, for all these names and addresses, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        others = x509.SubjectAlternativeName([_general(name) for name in names])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._ca_key.public_key())
        made = _certificate("server", key.public_key(), self._ca.subject)
        made = made.add_extension(others, False).add_extension(issuer, False)
        path = folder / "server.pem"
        path.write_bytes(
            made.sign(self._ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return path


@contextmanager
def listening() -> Iterator[tuple[int, list[object]]]:
    """A port of this machine on which somebody listens, and who has come."""
    came: list[object] = []

    class Noting(BaseHTTPRequestHandler):
        def handle(self) -> None:
            came.append(self.client_address)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Noting)
    with Serving(server):
        yield server.server_port, came


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is none of ours."""


def _authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    made = _certificate("tests", key.public_key(), _named("tests"))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    usage = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"), False
    )
    usage |= dict.fromkeys(("key_agreement", "encipher_only", "decipher_only"), False)
    made = made.add_extension(x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True), True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    return key, made.sign(key, hashes.SHA256())


def _certificate(name: str, key: ec.EllipticCurvePublicKey, issuer: x509.Name) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
