"""An S3-compatible blob store in this process that fails a share of its calls: moto in a faulty WSGI app."""

import random
import socket
import threading
from collections.abc import Iterable
from typing import Any, NoReturn
from uuid import uuid4
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import obstore
from moto.moto_server.werkzeug_app import create_backend_app
from obstore.store import S3Store
from werkzeug.serving import WSGIRequestHandler, make_server

from tests import plain
from tests.chaos.proxy import RESET_ON_CLOSE
from tests.processes import PATIENCE_S
from tests.servers.serving import Serving

_REGION, _KEY, _SECRET = "us-east-1", "chaos", "chaos-secret"


class FaultyApp:
    """Lets calls through to `app`, but fails a `share` of them: half with 503, half with a connection cut.

    A call is cut before or after it was executed. Which calls fail, and how, is drawn from `seed`.
    """

    def __init__(self, app: WSGIApplication, share: float, seed: int) -> None:
        self.share = share
        self.calls = 0
        self.failures = 0
        self._app = app
        self._rng = random.Random(seed)
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one call, or fail it."""
        how = self._draw()
        if how == "busy":
            # Close the connection: the unread body would be parsed as its next request.
            start_response("503 Slow Down", [("Content-Length", "0"), ("Connection", "close")])
            return [b""]
        if how == "cut before":
            _cut(environ)
        answer = self._app(environ, start_response)
        if how == "cut after":
            _cut(environ)
        return answer

    def _draw(self) -> str:
        with self._lock:
            self.calls += 1
            if self._rng.random() >= self.share:
                return ""
            self.failures += 1
            return self._rng.choice(("busy", "busy", "cut before", "cut after"))


class FaultyBuckets:
    """A server on any free port of this machine with one empty bucket, its data in memory.

    `share` of all calls fail.
    """

    def __init__(self, share: float = 0.1, seed: int = 0) -> None:
        # A unique name, because all moto servers of a process share their memory.
        self._bucket = f"eva01-{uuid4().hex}"
        self.app = FaultyApp(create_backend_app("s3"), 0.0, seed)
        self._http = make_server("127.0.0.1", 0, self.app, threaded=True, request_handler=_Handler)
        self._http.daemon_threads = True  # type: ignore[attr-defined]
        self._serving = Serving(self._http)
        self._make_bucket()
        self.app.share = share

    @property
    def url(self) -> str:
        """What EVA01_BLOBS is set to."""
        return f"s3://{self._bucket}/"

    @property
    def env(self) -> dict[str, str]:
        """Environment variables with which a process uses it."""
        return {
            "EVA01_BLOBS": self.url,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._http.server_port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": _REGION,
            "AWS_ACCESS_KEY_ID": _KEY,
            "AWS_SECRET_ACCESS_KEY": _SECRET,
        }

    def paths(self) -> list[str]:
        """Every object in the bucket."""
        return [str(one["path"]) for chunk in obstore.list(self._store()) for one in chunk]

    def end(self) -> None:
        """Stop serving."""
        self._serving.end()

    def _store(self) -> S3Store:
        return S3Store(
            self._bucket,
            endpoint=self.env["AWS_ENDPOINT_URL"],
            region=_REGION,
            access_key_id=_KEY,
            secret_access_key=_SECRET,
            client_options={"allow_http": True},
        )

    def _make_bucket(self) -> None:
        # The first call is slow, because moto then loads its S3 backend.
        url = f"{self.env['AWS_ENDPOINT_URL']}/{self._bucket}"
        plain.put(url, timeout=PATIENCE_S).raise_for_status()


class _Handler(WSGIRequestHandler):
    """HTTP/1.1 with keep-alive, without a log line for each call."""

    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        """Say nothing."""


def _cut(environ: WSGIEnvironment) -> NoReturn:
    """Cut the connection; raises ConnectionResetError, which the server takes for a client's disconnect."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("cut on purpose")
