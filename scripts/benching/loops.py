"""A process that answers tasks without a server: a loop of ours or of somebody else's, alone with its model.

Once its model is loaded it says `{}`. Then it reads a list of tasks from each line on stdin, and answers each
line with one: seconds for all of them, and tokens that were said.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from threading import Timer
from typing import Any

from scripts.benching.options import ROOT
from scripts.benching.tasks import Task

#: Seconds that a model may take to be loaded, or to answer a line; and to end.
_PATIENCE_S, _END_S = 600.0, 30.0


@dataclass(frozen=True)
class Alone:
    """What one line of tasks took."""

    seconds: float
    tokens: int


class Loop:
    """The process, once its model is loaded."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._read()

    def answer(self, tasks: Sequence[Task]) -> Alone:
        """Have all of these answered."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps([asdict(task) for task in tasks]) + "\n")
        self._process.stdin.flush()
        return Alone(**self._read())

    def per_s(self, tasks: Sequence[Task]) -> float:
        """Answers a second; fails when an answer is of another length than was asked for."""
        found, asked = self.answer(tasks), sum(task.tokens or 0 for task in tasks)
        assert found.tokens == asked, f"{found.tokens} tokens were said, of {asked} that were asked for"
        return len(tasks) / found.seconds

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Stopped meanwhile, with all that it has started.

        What only waits wakes often all the same, and two threads that compute in step both wait then: beside
        an idle vLLM our loop is a tenth slower.
        """
        os.killpg(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._process.pid, signal.SIGCONT)

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        hangs = Timer(_PATIENCE_S, self._process.kill)
        hangs.start()
        try:
            for line in self._process.stdout:
                # Libraries print what they like.
                if line.startswith("{"):
                    return dict(json.loads(line))
        finally:
            hangs.cancel()
        raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}; stderr says why")


@contextmanager
def loop(command: Sequence[str], env: Mapping[str, str]) -> Iterator[Loop]:
    """Such a process, with these variables besides ours."""
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = os.environ | env
    with subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True, **pipes) as process:
        try:
            yield Loop(process)
        finally:
            _end(process)


def _end(process: "subprocess.Popen[str]") -> None:
    """It ends when there is nothing more to read; what it has started and left is ended, too."""
    assert process.stdin
    process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_END_S)
    end_left(process.pid)


def end_left(leader: int) -> None:
    """End what is left of a process and of all that it has started, once it was told to end itself."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
