"""Another website on this machine, whose pages hold what a test puts there."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.servers.serving import Serving


class _Elsewhere(BaseHTTPRequestHandler):
    """Any path is the same page; /sandboxed has no origin."""

    page = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        # Sandboxed, a page's origin is null.
        if self.path == "/sandboxed":
            self.send_header("Content-Security-Policy", "sandbox allow-scripts allow-forms")
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def elsewhere(body: str = "") -> Iterator[int]:
    """The port of another website, whose page has this body."""
    handler = type("Elsewhere", (_Elsewhere,), {"page": f"<!doctype html>{body}".encode()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    with Serving(server):
        yield server.server_port
