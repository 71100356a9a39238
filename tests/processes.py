"""Real processes for the tests: started with their own environment, waited for, and always ended."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from socket import SO_REUSEADDR, SOL_SOCKET, create_connection, socket

import httpx
import psutil

from tests import plain

#: Longest wait for anything here, in seconds: a machine under load is slow, a broken one does not end.
PATIENCE_S = 90.0
#: Keep the ports that were given from everybody else, until this process ends.
_CLAIMS: list[socket] = []


def free_port() -> int:
    """A port on which nothing listens at the moment.

    On Linux the system gives it to nobody else as long as this process lives: a socket stays bound to it.
    Beside that a server may listen which sets SO_REUSEADDR as well, as all of ours do.
    """
    claim = socket()
    claim.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    claim.bind(("127.0.0.1", 0))
    port = int(claim.getsockname()[1])
    if sys.platform == "linux":
        _CLAIMS.append(claim)
    else:
        claim.close()
    return port


def wait_until(
    fact: Callable[[], object], what: str, patience_s: float = PATIENCE_S, *, every_s: float = 0.05
) -> None:
    """Poll `fact` until it is true; fails with `what` after `patience_s` seconds."""
    deadline = time.monotonic() + patience_s
    while not fact():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience_s:.0f} s in vain: {what}")
        time.sleep(every_s)


async def until(fact: Callable[[], object]) -> None:
    """The same beside other tasks of an event loop; raises TimeoutError after PATIENCE_S."""
    async with asyncio.timeout(PATIENCE_S):
        while not fact():
            await asyncio.sleep(0.01)


def answers_200(url: str) -> bool:
    """True when `url` answers 200 now."""
    try:
        return plain.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def accepts_connections(port: int) -> bool:
    """True when something listens on `port`."""
    try:
        create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def redis_answers(port: int) -> bool:
    """True when a Redis-compatible server answers on `port`, be it that it refuses, and has read its data."""
    try:
        with create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            reply = connection.recv(100)
    except OSError:
        return False
    return bool(reply) and not reply.startswith(b"-LOADING")


@dataclass
class Process:
    """One process, its output in a file."""

    name: str
    popen: "subprocess.Popen[bytes]"
    log: Path

    @classmethod
    def start(cls, name: str, command: list[str], env: Mapping[str, str], folder: Path) -> "Process":
        """Start `command` in a process group of its own, with `env` on top of ours."""
        log = folder / f"{name}.log"
        with log.open("ab") as output:
            popen = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **env},
                start_new_session=True,
            )
        return cls(name, popen, log)

    def wait_until_ready(self, url: str) -> None:
        """Wait until `url` answers 200; fails with the log when the process ends before."""

        def is_ready() -> bool:
            assert self.popen.poll() is None, f"{self.name} ended:\n{self.output()}"
            return answers_200(url)

        wait_until(is_ready, f"{self.name} is ready at {url}")

    def output(self) -> str:
        """All it has printed."""
        return self.log.read_text(errors="replace")

    def rss_bytes(self) -> int:
        """Memory of the process and its children together."""
        parent = psutil.Process(self.popen.pid)
        return sum(int(one.memory_info().rss) for one in [parent, *parent.children(recursive=True)])

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        self.popen.send_signal(number)

    def send_all(self, number: signal.Signals) -> None:
        """Send a signal to the process and all that it has started."""
        os.killpg(self.popen.pid, number)

    def wait(self, patience_s: float = PATIENCE_S) -> int:
        """Its exit code, once it has ended."""
        return self.popen.wait(patience_s)

    def end(self) -> None:
        """End it and all it started: SIGTERM first, SIGKILL if need be."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(15)
            except subprocess.TimeoutExpired:
                self.send_all(signal.SIGKILL)
                self.popen.wait()


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules with this interpreter."""
    return [sys.executable, "-m", module, *arguments]
