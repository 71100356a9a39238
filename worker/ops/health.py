"""`/health`, `/ready` and `/metrics`, on a port of the worker's own."""

import json
import logging
import threading
from collections.abc import Callable, Iterable
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import make_wsgi_app

from jobs.contract.settings import BadSetting
from worker.status import Status

logger = logging.getLogger(__name__)


class HealthServer:
    """Serves what a machine wants to know of one worker."""

    def __init__(self, status: Status, host: str, port: int) -> None:
        self._status = status
        self._metrics = make_wsgi_app()
        try:
            self._server = make_server(host, port, self._answer, _Server, _Handler)
        except OSError as error:
            raise BadSetting(
                f"EVA01_WORKER_PORT={port}: cannot listen on {host}:{port} ({error.strerror})."
                " Set another, or 0 for any free one."
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def address(self) -> str:
        """Where it listens, as host:port."""
        return f"{self._server.server_name}:{self._server.server_port}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        pages: dict[str, Callable[[], bool]] = {
            "/health": lambda: self._status.is_healthy,
            "/ready": lambda: self._status.is_ready,
        }
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            metrics: Iterable[bytes] = self._metrics(environ, start_response)
            return metrics
        if path not in pages:
            return _send(
                start_response, "404 Not Found", {"detail": "There are /health, /ready and /metrics."}
            )
        is_good = pages[path]()
        return _send(start_response, "200 OK" if is_good else "503 Service Unavailable", self._facts())

    def _facts(self) -> dict[str, Any]:
        return self._status.info().model_dump(mode="json") | {
            "is_healthy": self._status.is_healthy,
            "is_ready": self._status.is_ready,
        }


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without looking the host's name up, which can take seconds."""
        TCPServer.server_bind(self)
        host, port = self.socket.getsockname()[:2]
        self.server_name, self.server_port = str(host), int(port)
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Probes come every few seconds: not worth a line."""


def _send(start_response: StartResponse, line: str, facts: dict[str, Any]) -> Iterable[bytes]:
    start_response(line, [("Content-Type", "application/json")])
    return [json.dumps(facts).encode()]
