"""gunicorn, which keeps one process running that serves: one, so that one registry holds all metrics."""

import asyncio
import ctypes
import gc
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import Any, NoReturn

import redis
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.workers import base

from jobs import log
from jobs.contract.errors import Unavailable
from jobs.contract.settings import BadSetting, Settings, WebSettings
from jobs.flow.expose import check_exposure, has_login
from jobs.storage.files.rights import keep_private
from jobs.upkeep.housekeeping import Housekeeping
from web.app import create_app
from web.front.front import Front
from web.openai.bulk.filler import Filler
from web.services import Services, services_of

#: Seconds that requests under way may take after the server was told to stop.
_GRACE_S = 30
#: Seconds after that for the line of a file that is being read.
_LINE_S = 10
#: Seconds without a heartbeat after which gunicorn restarts the process; long requests do not stop it.
_SILENCE_S = 60
_BACKLOG = 1024
#: Seconds between two heartbeats.
_BEAT_S = 1.0
#: glibc's number for the most arenas of `malloc` (malloc.h), and how many threads share. It makes eight a
#: core, and each keeps what its threads once held together. After three files of 200 MB web had 244 MiB, and
#: has 163.
_M_ARENA_MAX, _ARENAS = -8, 2


def main() -> NoReturn:
    """Serve until told to stop; exits with 2, and one line on stderr, when it cannot start."""
    _share_arenas()
    try:
        shared, settings = Settings.read(), WebSettings.read()
        log.set_up(shared.log)
        if said := keep_private(shared):
            logging.getLogger(__name__).warning("%s", said)
        app = create_app(shared, web=settings)
        # What was made so far stays: no collection looks at it, nor copies its memory after the fork.
        gc.freeze()
        _check_exposure(services_of(app))
        listener = _listen(settings)
    except BadSetting as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    host, port = listener.getsockname()[:2]
    logging.getLogger("web").info("EVA-01 listens on http://%s:%s", host, port)
    _Server(app, listener).run()
    sys.exit(0)


def _share_arenas() -> None:
    """Let threads share memory that was freed, where the system's library is glibc; MALLOC_ARENA_MAX wins."""
    limit = getattr(ctypes.CDLL(None), "mallopt", None)
    if limit and "MALLOC_ARENA_MAX" not in os.environ:
        limit(_M_ARENA_MAX, _ARENAS)


def _check_exposure(serving: Services) -> None:
    """End the process when others would reach web and nobody could say who they are.

    Looked at in a process of its own: what speaks with the blob store has threads, which do not outlive the
    fork that gunicorn makes.
    """
    child = os.fork()
    if child == 0:
        os._exit(_exposure(serving))
    if code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        sys.exit(code)


def _exposure(serving: Services) -> int:
    """Say in the log what is to be known of it; gives an exit code."""
    try:
        for said in check_exposure(serving.web, serving.keys):
            logging.getLogger("web").warning("%s", said)
    except BadSetting as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _listen(settings: WebSettings) -> socket.socket:
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise BadSetting(
            f"EVA01_HOST={settings.host!r}, EVA01_PORT={settings.port}: cannot listen there:"
            f" {error.strerror}. Stop what does, or choose another port."
        ) from error


class _Server(BaseApplication):
    """gunicorn, configured by our settings alone."""

    def __init__(self, app: Any, listener: socket.socket) -> None:
        self._app, self._listener = app, listener
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": f"fd://{self._listener.fileno()}",
            "workers": 1,
            "worker_class": "web.server.Worker",
            "graceful_timeout": _GRACE_S,
            "timeout": _SILENCE_S,
            "loglevel": "warning",
            "logger_class": Log,
            "control_socket_disable": True,
            # Whom to believe is said by EVA01_PROXIES alone; gunicorn would believe this machine.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._app


class Log(Logger):
    """gunicorn's lines, written as all others are."""

    def setup(self, cfg: Any) -> None:
        """Called when gunicorn starts."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Worker(base.Worker):
    """The process that serves: an event loop with all connections, a thread that keeps house, and one
    that makes jobs of the lines of files.

    On SIGTERM, requests that wait for a job's answer are answered at once, without it.
    """

    def run(self) -> None:
        """Called in the process that serves."""
        # Where one of them is away the housekeeper looks later; without Redis nobody is known.
        with suppress(redis.RedisError, Unavailable):
            self._bring_back()
        housekeeping_of(self._services).start()
        filler = Filler(self._services)
        filler.start()
        asyncio.run(self._serve())
        filler.join(_LINE_S)

    def _bring_back(self) -> None:
        """Let Redis know what was ended, before anybody is let in."""
        if has_login(self._services.web):
            self._services.keys.note_login()
        self._services.keys.bring_back()
        # There may be many links: they are only read where Redis may have forgotten that one was revoked.
        if self._services.restart_watch().forgotten_since():
            for _ in self._services.shares.bring_back():
                self.notify()

    async def _serve(self) -> None:
        front = Front(self.app.load(), self.cfg)
        told = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
        server = await front.serve(self.sockets[0].sock)
        while not told.is_set() and self.ppid == os.getppid():
            self.notify()
            with suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), _BEAT_S)
        self._services.stopping.set()
        self._services.ordered.set()
        server.close()
        await front.stop(_GRACE_S)
        self._services.ears.end()

    @property
    def _services(self) -> Services:
        return services_of(self.app.load())


def housekeeping_of(services: Services) -> Housekeeping:
    """The housekeeping thread of a web process, not started yet."""
    return Housekeeping(
        services,
        services.settings,
        offered=(*services.web.models, *services.catalog.entries),
        retention_s=services.web.retention_s,
        usage_days=services.web.usage_days,
        interval_s=services.web.housekeeping_s,
        stopping=services.stopping,
    )
