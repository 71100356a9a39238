"""Redis-compatible servers that may be killed and come back: one alone, and a pair watched by a Sentinel."""

import signal
from pathlib import Path
from typing import Any, Protocol, cast

import redis

from jobs.storage.connection.client import connect
from tests.chaos.proxy import Proxy
from tests.processes import Process, free_port, wait_until
from tests.tools import VALKEY

_MASTER = "mymaster"


class Server(Protocol):
    """The Redis of a deployment: one server, or several with a Sentinel."""

    url: str
    #: The port that proxies relay to.
    port: int

    def url_through(self, proxy: Proxy) -> str:
        """What REDIS_URL is set to for somebody behind a proxy."""

    def kill(self) -> None:
        """Send SIGKILL."""

    def stop(self) -> None:
        """End it by SIGTERM."""

    def start(self) -> None:
        """Start it again."""


class RedisServer:
    """One server with an append-only file in `folder`, written to disk every second."""

    def __init__(self, folder: Path, name: str = "redis", *options: str) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._name = name
        self._options = options
        self.start()

    def url_through(self, proxy: Proxy) -> str:
        """Its address as it is behind `proxy`."""
        return f"redis://127.0.0.1:{proxy.port}/0"

    def start(self) -> None:
        """Start it, and wait until it has read its file and answers."""
        command = [VALKEY.needed(), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.folder), "--save", "", "--appendonly", "yes"]
        command += ["--appendfsync", "everysec", "--maxmemory-policy", "noeviction", *self._options]
        self.process = Process.start(self._name, command, {}, self.folder)
        wait_until(lambda: answers(self.url), f"{self._name} answers")

    def kill(self) -> None:
        """Send SIGKILL."""
        self.process.send(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it by SIGTERM."""
        self.process.end()


class WatchedPair:
    """A master, its replica, and the Sentinel that makes the replica master when the master is gone."""

    def __init__(self, folder: Path) -> None:
        self.master = RedisServer(folder, "one")
        self.replica = RedisServer(
            folder, "other", "--replicaof", f"127.0.0.1 {self.master.port}", "--repl-diskless-sync-delay", "0"
        )
        self.port = self.master.port
        self._sentinel_port = free_port()
        self.url = f"redis+sentinel://127.0.0.1:{self._sentinel_port}/{_MASTER}/0"
        self._sentinel = self._start_sentinel(folder)
        self._asked = connect(f"redis://127.0.0.1:{self._sentinel_port}/0")
        wait_until(self._is_in_order, "the replica follows and the Sentinel knows")

    def url_through(self, proxy: Proxy) -> str:
        """The Sentinel's address: the connections that follow from it bypass the proxies."""
        return self.url

    def kill(self) -> None:
        """End the master as a crash does, and wait until the replica has taken its place."""
        self.master.kill()
        wait_until(lambda: self._master_port() == self.replica.port, "the replica is master")

    def start(self) -> None:
        """Start what was killed: it follows the new master from then on."""
        self.master.start()
        self.master, self.replica = self.replica, self.master
        wait_until(self._is_in_order, "the old master follows the new one")

    def stop(self) -> None:
        """End all three."""
        self._asked.close()
        self._sentinel.end()
        self.replica.stop()
        self.master.stop()

    def _master_port(self) -> int:
        _, port = cast(tuple[str, int], self._asked.sentinel_get_master_addr_by_name(_MASTER))
        return port

    def _start_sentinel(self, folder: Path) -> Process:
        config = folder / "sentinel.conf"
        # Every "sentinel" line needs a file: the Sentinel writes what it learns into it.
        config.write_text(
            f"port {self._sentinel_port}\nbind 127.0.0.1\ndir {folder}\n"
            f"sentinel monitor {_MASTER} 127.0.0.1 {self.master.port} 1\n"
            f"sentinel down-after-milliseconds {_MASTER} 2000\n"
            f"sentinel failover-timeout {_MASTER} 10000\n"
        )
        command = [VALKEY.needed(), str(config), "--sentinel"]
        return Process.start("sentinel", command, {}, folder)

    def _is_in_order(self) -> bool:
        try:
            with connect(self.replica.url) as replica:
                follows = replica.info("replication").get("master_link_status") == "up"
            known = cast(dict[str, Any], self._asked.sentinel_master(_MASTER))
            return follows and int(known["num-slaves"]) == 1
        except redis.RedisError:
            return False


def answers(url: str) -> bool:
    """True when a server answers there and has read its file."""
    try:
        with connect(url, timeout_s=1.0) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
