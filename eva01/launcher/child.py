"""One program that is kept running: started, watched, started again, ended with all it started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from eva01.cli.text import shortened
from eva01.launcher import private, tether

#: A log larger than this many bytes is renamed to `….log.1` before its program first starts.
_LOG_BYTES = 16 * 1024 * 1024
#: Bytes read from a log's end to find its last line.
_TAIL_BYTES = 4096


@dataclass(frozen=True)
class Program:
    """What is to be run."""

    name: str
    command: tuple[str, ...]
    log: Path
    #: All of its environment.
    env: Mapping[str, str]
    #: True when the program is ready; polled often, so it must return quickly.
    is_ready: Callable[[], bool]
    #: Seconds it may take to end after SIGTERM.
    stop_s: float
    #: What to say of it when it is ready, besides its name.
    about: str = ""


@dataclass
class Backoff:
    """The pause before a restart: doubled after each death, reset once a program has run for a while."""

    first_s: float = 0.5
    longest_s: float = 30.0
    #: A program that ran for this many seconds starts again with the shortest pause.
    forgiven_after_s: float = 60.0
    deaths: int = field(default=0, init=False)

    def after_death(self, lived_s: float) -> float:
        """Seconds to wait, after one more death."""
        if lived_s >= self.forgiven_after_s:
            self.deaths = 0
        self.deaths += 1
        return float(min(self.longest_s, self.first_s * 2 ** min(self.deaths - 1, 16)))


class Child:
    """A program's process, in a session of its own so that Ctrl-C reaches only us."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.started_at = 0.0
        self._popen: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def start(self) -> None:
        """Start it. On Linux the calling thread must be one that lives as long as we do: see tether."""
        self._put_long_log_aside()
        command = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *self.program.command]
        with private.appended(self.program.log) as log:
            self._log_start = log.tell()
            self._popen = subprocess.Popen(  # noqa: S603 (our own parts, no shell)
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.program.env),
                start_new_session=True,
                umask=private.OTHERS,
            )
        self.started_at = time.monotonic()

    @property
    def pid(self) -> int | None:
        """Its process id; None before the first start."""
        return self._popen.pid if self._popen else None

    @property
    def exit_code(self) -> int | None:
        """As in subprocess: negative for a signal; None while it runs."""
        return self._popen.poll() if self._popen else None

    @property
    def is_running(self) -> bool:
        """True while its process is there."""
        return self._popen is not None and self._popen.poll() is None

    def terminate(self) -> None:
        """Send SIGTERM, if it runs."""
        if self._popen and self.is_running:
            self._popen.terminate()

    def kill_group(self) -> None:
        """Send SIGKILL to the process and all it has started, and wait for the process."""
        if self._popen:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()

    def exit_summary(self) -> str:
        """Its exit code or signal, and the last line of its log since it was started."""
        code = self.exit_code or 0
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        with self.program.log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, end - _TAIL_BYTES))
            lines = log.read().decode(errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "")
        return f"{how}: {shortened(last)}" if last else how

    def _put_long_log_aside(self) -> None:
        log = self.program.log
        if self._popen is None and log.exists() and log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_name(f"{log.name}.1"))
