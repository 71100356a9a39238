"""A web of few threads, and clients of it that say nothing, trickle, stop or do not read."""

import secrets
import selectors
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import SO_RCVBUF, SOL_SOCKET, socket

import httpx
import psutil

from tests import plain
from tests.conftest import start_redis, stop
from tests.files import hostile
from tests.processes import PATIENCE_S, Process, free_port, wait_until
from tests.servers.web_process import serving

#: Threads of the web that has them.
THREADS = 4
#: The settings that say how long web waits.
DEADLINES = ("EVA01_HEAD_S", "EVA01_BODY_S", "EVA01_SEND_S")
BEGUN = b"POST /analyze HTTP/1.1\r\nHost: localhost\r\n"
JSON = b"Content-Type: application/json\r\n"
FORM = b"Content-Type: multipart/form-data; boundary=b\r\n"
#: What each kind of slow sender begins with, and what it sends again and again.
SENDERS = {
    "nothing": (b"", b""),
    "half a request line": (b"GET /hea", b""),
    "headers that never end": (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n", b""),
    "trickled headers": (b"GET /health HTTP/1.1\r\nHost: localhost\r\n", b"X-A: b\r\n"),
    "JSON that never comes": (BEGUN + JSON + b"Content-Length: 100\r\n\r\n{", b""),
    "an upload that stops": (BEGUN + FORM + b"Content-Length: 99999\r\n\r\n--b\r\n" + bytes(50_000), b""),
    "a trickled upload": (BEGUN + FORM + b"Content-Length: 99999\r\n\r\n--b\r\n", b"a"),
    "trickled chunks": (BEGUN + FORM + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
}
#: Bytes that a slow reader takes in before it reads; and seconds between two looks at who is to trickle.
_FEW_BYTES, _TICK_S = 4096, 0.01
#: Where there is more to read than fits in between.
READERS = ("image", "csv", "zip")


@dataclass
class Web:
    """A web process, and what there is to read from it."""

    process: Process
    redis_url: str
    http: httpx.Client
    paths: dict[str, str]

    @property
    def port(self) -> int:
        """Where it listens."""
        port = self.http.base_url.port
        assert port is not None
        return port

    @property
    def serving(self) -> psutil.Process:
        """The process that has the connections."""
        (child,) = psutil.Process(self.process.popen.pid).children()
        return child

    def held(self) -> int:
        """How many connections and unnamed files it has, but for those of the tests' own client."""
        self.http.close()
        self.http = plain.Client(base_url=self.http.base_url)
        of_clients = [
            one for one in self.serving.net_connections("tcp") if one.laddr.port == self.port and one.raddr
        ]
        spool = str(self.process.log.parent / "tmp")
        return len(of_clients) + sum(file.startswith(spool) for file in open_files(self.serving.pid))


def open_files(pid: int) -> Iterator[str]:
    """What the process has open, unnamed files as well; what it closes meanwhile may be missing."""
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            yield str(one.readlink())


@contextmanager
def web_with(folder: Path, **settings: str) -> Iterator[Web]:
    """Such a web with a Redis of its own, and much to read."""
    port = free_port()
    server = start_redis(port, folder)
    try:
        with web_beside(folder, f"redis://127.0.0.1:{port}/0", **settings) as web:
            web.paths.update(much_to_read(web.http))
            yield web
    finally:
        stop(server)


@contextmanager
def web_beside(folder: Path, redis_url: str, **settings: str) -> Iterator[Web]:
    """A web that has the data of others in `folder` and Redis."""
    with serving(redis_url, folder, **{"EVA01_WEB_THREADS": str(THREADS)} | settings) as server:
        yield Web(server.process, redis_url, server.http, {})


def much_to_read(http: httpx.Client) -> dict[str, str]:
    """Addresses with a megabyte or so behind each."""
    batch = http.post("/api/batches", json={"question": "?", "model": "nano"}).headers["Location"]
    large = ("files", ("large.png", hostile.encoded() + secrets.token_bytes(6_000_000)))
    (sent,) = http.post(f"{batch}/files", files=[large]).json()["files"]
    refused = [("files", (f"{secrets.token_hex(500)}.png", b"x")) for _ in range(1000)]
    assert len(http.post(f"{batch}/files", files=refused).json()["files"]) == 1000
    exports = {kind: f"{batch}/results.{kind}" for kind in ("csv", "zip")}
    return {"image": f"/api/jobs/{sent['job_id']}/image", **exports}


def connect(web: Web) -> socket:
    """A connection."""
    return _connect(web.port)


def reader(web: Web) -> socket:
    """A connection that takes in few bytes before they are read."""
    return _connect(web.port, _FEW_BYTES)


def _connect(port: int, receive_bytes: int = 0) -> socket:
    connection = socket()
    if receive_bytes:
        connection.setsockopt(SOL_SOCKET, SO_RCVBUF, receive_bytes)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", port))
    return connection


@contextmanager
def slow(web: Web, kind: str, count: int, *, every_s: float = 0.25) -> Iterator[list[socket]]:
    """Many connections of one kind, held until the `with` is left or web ends them."""
    with holding(web.port, kind, web.paths.get(kind, ""), count, every_s) as held:
        yield held


@contextmanager
def holding(port: int, kind: str, path: str, count: int, every_s: float) -> Iterator[list[socket]]:
    """The same at a port: readers ask for a path, others may send something again each `every_s` seconds."""
    asked = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    first, again = SENDERS.get(kind, (asked, b""))
    with ExitStack() as stack:
        held = []
        for _ in range(count):
            held.append(stack.enter_context(_connect(port, _FEW_BYTES if kind in READERS else 0)))
            held[-1].sendall(first)
        enough = threading.Event()
        trickling = threading.Thread(target=trickle, args=(held, again, enough, every_s), daemon=True)
        trickling.start()
        try:
            yield held
        finally:
            enough.set()
            trickling.join()


def trickle(held: list[socket], again: bytes, enough: threading.Event, every_s: float) -> None:
    """Send the same again and again, a few connections after the others, on all in `every_s` seconds."""
    some = max(1, round(len(held) * _TICK_S / every_s))
    while again:
        for start in range(0, len(held), some):
            if enough.wait(every_s * some / len(held)):
                return
            for one in held[start : start + some]:
                with suppress(OSError):  # Web may have ended it.
                    one.sendall(again)


def ended(held: list[socket]) -> int:
    """How many of the connections web has ended or answered, without waiting."""
    with selectors.DefaultSelector() as selector:
        for one in held:
            selector.register(one, selectors.EVENT_READ)
        return len(selector.select(0))


def rest_of(connection: socket) -> bytes:
    """All that still comes."""
    received = bytearray()
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return bytes(received)


def wait_until_all_begin(held: list[socket], patience_s: float = 2.5 * PATIENCE_S) -> None:
    """Wait until each connection has something to read: few threads make what many want."""
    wait_until(lambda: ended(held) == len(held), "all have a beginning to read", patience_s, every_s=0.2)


def question() -> bytes:
    """A question about an image that waits for its answer."""
    body = b'--b\r\nContent-Disposition: form-data; name="question"\r\n\r\n?\r\n'
    body += b'--b\r\nContent-Disposition: form-data; name="wait"\r\n\r\n55\r\n'
    body += b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    body += hostile.encoded() + b"\r\n--b--\r\n"
    head = BEGUN + b"Connection: close\r\n" + FORM
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
