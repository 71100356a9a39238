"""Slow connections of one kind, held in a process of their own; see `Load`."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from scripts.fuzzing.meter import cpu_s
from tests.servers.slow_clients import READERS, Web, holding, wait_until_all_begin

#: Seconds for the beginnings of all that slow readers ask for: web makes each of them.
_PATIENCE_S = 1800.0
#: What it says once all are held.
_HELD = "held"


@contextmanager
def load(web: Web, kind: str, count: int, every_s: float) -> Iterator["Load"]:
    """That many connections, from when all are held to the end of the `with`."""
    given = map(str, (web.port, kind, web.paths.get(kind, ""), count, every_s))
    with subprocess.Popen(
        [sys.executable, "-m", __name__, *given], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        if process.stdout.readline().strip() != _HELD:
            raise RuntimeError(f"{count:,} connections could not be held")
        try:
            yield Load(psutil.Process(process.pid))
        finally:
            process.kill()


class Load:
    """The process that has them."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process

    @property
    def cpu_s(self) -> float:
        """Seconds of CPU that it has taken so far."""
        return cpu_s(self._process)


def main() -> None:
    """Hold connections until the standard input ends."""
    port, kind, path, count, every_s = sys.argv[1:]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with holding(int(port), kind, path, int(count), float(every_s)) as held:
        if kind in READERS:
            wait_until_all_begin(held, _PATIENCE_S)
        sys.stdout.write(f"{_HELD}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
