"""gunicorn with threads in one process, so that one registry holds all metrics."""

import logging
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, cast

from flask import Flask, Response
from gunicorn import util
from gunicorn.app.base import BaseApplication
from gunicorn.http.errors import (
    ExpectationFailed,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.workers.gthread import ThreadWorker

from jobs.contract.codes import Code
from jobs.contract.settings import BadSetting, Settings, WebSettings
from jobs.storage.rights import keep_private
from jobs.upkeep.housekeeping import Housekeeping
from web.app import create_app
from web.http.problems import OUR_FAULT, problem
from web.services import Services, services_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: Seconds that requests under way may take after the server was told to stop.
_GRACE_S = 30
#: Seconds without a heartbeat after which gunicorn restarts the process; long requests do not stop it.
_SILENCE_S = 60
_BACKLOG = 1024
#: What the app is to blame for, though gunicorn counts it among what cannot be read.
_OUR_HEADERS = (InvalidResponseHeader, InvalidResponseHeaderName)
#: Characters of gunicorn's reason that are passed on.
_LONGEST_REASON = 200
#: What is answered to a request of which gunicorn itself makes no sense; 400 to others.
_STATUSES: dict[type[ParseException], HTTPStatus] = {
    LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}


def main() -> NoReturn:
    """Serve until told to stop; exits with 2, and one line on stderr, when it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        shared, settings = Settings.read(), WebSettings.read()
        if said := keep_private(shared):
            logging.getLogger(__name__).warning("%s", said)
        app = create_app(shared, web=settings)
        _make_broken_bodies_end(app)
        listener = _listen(settings)
    except BadSetting as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    host, port = listener.getsockname()[:2]
    logging.getLogger("web").info("EVA-01 listens on http://%s:%s", host, port)
    _Server(app, listener, settings).run()
    sys.exit(0)


def _listen(settings: WebSettings) -> socket.socket:
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise BadSetting(
            f"EVA01_HOST={settings.host!r}, EVA01_PORT={settings.port}: cannot listen there:"
            f" {error.strerror}. Stop what does, or choose another port."
        ) from error


def _make_broken_bodies_end(app: Flask) -> None:
    """Have a chunk that is none end a body as a lost connection does: it is the sender's fault, not ours."""
    wsgi_app = app.wsgi_app

    def call(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["wsgi.input"] = _Body(environ["wsgi.input"])
        return wsgi_app(environ, start_response)

    app.wsgi_app = call  # type: ignore[method-assign]


class _Body:
    """gunicorn's stream of a body, whose errors are those of any stream."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        """Some bytes; raises OSError where no more of them make sense."""
        try:
            return cast(bytes, self._body.read(size))
        except ParseException as error:
            raise OSError(str(error)) from error


class _Server(BaseApplication):
    """gunicorn, configured by our settings alone."""

    def __init__(self, app: Any, listener: socket.socket, settings: WebSettings) -> None:
        self._app, self._listener, self._settings = app, listener, settings
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": f"fd://{self._listener.fileno()}",
            "workers": 1,
            "worker_class": "web.server.Worker",
            "threads": self._settings.web_threads,
            "graceful_timeout": _GRACE_S,
            "timeout": _SILENCE_S,
            "keepalive": 30,
            "worker_connections": self._settings.web_threads + 1000,
            "loglevel": "warning",
            "control_socket_disable": True,
            # Whom to believe is said by EVA01_PROXIES alone; gunicorn would believe this machine.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._app


class Worker(ThreadWorker):
    """A gunicorn worker with threads that keeps house as well.

    On SIGTERM, requests that wait for a job's answer are answered at once, without it.
    """

    def run(self) -> None:
        """Called in the process that serves."""
        housekeeping_of(self._services).start()
        super().run()

    @property
    def _services(self) -> Services:
        return services_of(self.app.load())

    def handle_exit(self, sig: signal.Signals, frame: FrameType | None) -> None:
        """Called on SIGTERM."""
        self._services.stopping.set()
        super().handle_exit(sig, frame)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Called with what the app never sees, or what it could not answer itself."""
        del req, addr
        if isinstance(exc, ParseException) and not isinstance(exc, _OUR_HEADERS):
            response = _cannot_be_read(exc)
        else:
            self.log.error("A request could not be answered.", exc_info=exc)
            response = problem(Code.INTERNAL_ERROR.http_status, Code.INTERNAL_ERROR, OUR_FAULT)
        with suppress(OSError):
            util.write_nonblock(client, _as_bytes(response))


def _cannot_be_read(error: ParseException) -> Response:
    """The answer to a request that is none, or passes a limit of gunicorn."""
    status = _STATUSES.get(type(error), HTTPStatus.BAD_REQUEST)
    message = f"The request's first lines cannot be read: {str(error)[:_LONGEST_REASON]}. Send others."
    return problem(status, f"http_{status.value}", message)


def _as_bytes(response: Response) -> bytes:
    """A whole response, after which the connection ends."""
    response.headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {response.status}", *(f"{name}: {text}" for name, text in response.headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + response.get_data()


def housekeeping_of(services: Services) -> Housekeeping:
    """The housekeeping thread of a web process, not started yet."""
    return Housekeeping(
        services,
        services.settings,
        offered=services.web.models,
        retention_s=services.web.retention_s,
        interval_s=services.web.housekeeping_s,
        stopping=services.stopping,
    )
