"""The supervisor with real, tiny programs: ready, started again, stopped in order, nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from eva01.launcher.child import Backoff, Program
from eva01.launcher.supervisor import StartFailed, Supervisor
from tests.processes import PATIENCE_S

STEADY = "import time; print('here', flush=True); time.sleep(600)"
#: Takes a moment to end after SIGTERM, and writes a file at its end.
GRACEFUL = """
import pathlib, signal, sys, time
def end(*_):
    time.sleep(0.3)
    with open(sys.argv[1], "a") as file:
        file.write(sys.argv[2] + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("here", flush=True)
time.sleep(600)
"""
DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('here', flush=True); time.sleep(600)"
ENDS_WITH_2_WHEN_TOLD = """
import pathlib, sys, time
print("here", flush=True)
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.02)
sys.exit(2)
"""
PARENT_OF_ONE = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("here", child.pid, flush=True)
time.sleep(600)
"""


def _running() -> list[psutil.Process]:
    return [one for one in psutil.Process().children(recursive=True) if one.is_running()]


class Terminal:
    """Programs of one test, and the lines said about them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.supervisor = Supervisor(self.lines.append, partial(Backoff, first_s=0.05, longest_s=0.2))
        self._others = set(_running())

    def program(self, name: str, script: str, *arguments: str, stop_s: float = 30.0) -> Program:
        """A Python script that is ready once it has printed `here` since it was last started."""
        log = self.folder / f"{name}.log"
        command = (sys.executable, "-c", script, *arguments)
        return Program(name, command, log, {}, lambda: "here" in log.read_text(), stop_s)

    def start(self, *programs: Program) -> None:
        """Start them as one group and wait until all are ready."""
        self.supervisor.start(programs)
        self.supervisor.wait_until_ready(lambda: False, lambda *_: None, lambda *_: None)

    def descendants(self) -> list[psutil.Process]:
        """The processes of the supervisor: not the servers of fixtures, which were there before."""
        return [process for process in _running() if process not in self._others]

    def look_until(self, fact: Callable[[], object]) -> None:
        """Supervise until `fact` is true."""
        deadline = time.monotonic() + PATIENCE_S
        self.supervisor.watch(lambda: bool(fact()) or time.monotonic() > deadline)
        assert fact()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.supervisor.stop(lambda: True)


def wait_until(fact: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not fact() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert fact()


def test_a_program_that_is_killed_is_started_again_and_a_line_says_so(terminal):
    terminal.start(terminal.program("steady", STEADY))
    [process] = terminal.descendants()
    process.kill()
    terminal.look_until(lambda: [one.pid for one in terminal.descendants()] not in ([], [process.pid]))
    assert terminal.lines == ["steady ended (SIGKILL: here); starting it again in 0.05 s."]


def test_what_a_dead_program_left_behind_is_ended_before_it_comes_again(terminal):
    terminal.start(terminal.program("parent", PARENT_OF_ONE))
    orphan_pid = int((terminal.folder / "parent.log").read_text().split()[1])
    psutil.Process(orphan_pid).parent().kill()
    terminal.look_until(lambda: terminal.lines)
    wait_until(lambda: not psutil.pid_exists(orphan_pid) or _is_zombie(orphan_pid))


def test_a_program_that_ends_with_2_before_it_is_ready_is_hopeless(terminal):
    script = "print('MODEL_NAME=x: no such model.'); raise SystemExit(2)"
    with pytest.raises(StartFailed, match="MODEL_NAME=x: no such model"):
        terminal.start(terminal.program("worker", script))


def test_a_program_that_dies_again_and_again_before_it_is_ready_is_given_up(terminal):
    with pytest.raises(StartFailed, match="ImportError"):
        terminal.start(terminal.program("web", "raise ImportError('no flask')"))
    assert len(terminal.lines) == 4


def test_a_program_that_ends_with_2_after_it_was_ready_is_left_alone(terminal):
    told = terminal.folder / "told"
    terminal.start(terminal.program("worker", ENDS_WITH_2_WHEN_TOLD, str(told)))
    told.touch()
    terminal.look_until(lambda: terminal.lines)
    assert "not started again" in terminal.lines[0]
    assert terminal.supervisor.has_given_up
    for _ in range(3):
        terminal.supervisor.look()
    assert len(terminal.lines) == 1
    assert terminal.descendants() == []


def test_later_groups_are_stopped_first_and_each_may_finish_its_work(terminal):
    order = terminal.folder / "order"
    terminal.start(terminal.program("redis", GRACEFUL, str(order), "redis"))
    terminal.start(*(terminal.program(name, GRACEFUL, str(order), name) for name in ("web", "worker")))
    terminal.supervisor.stop(lambda: False)
    first, second, last = order.read_text().split()
    assert {first, second} == {"web", "worker"}
    assert last == "redis"
    assert terminal.descendants() == []


def test_a_program_that_does_not_listen_is_killed_with_all_it_started(terminal):
    terminal.start(
        terminal.program("deaf", DEAF, stop_s=0.2), terminal.program("parent", PARENT_OF_ONE, stop_s=0.2)
    )
    terminal.supervisor.stop(lambda: False)
    assert terminal.descendants() == []


def test_a_hurried_stop_waits_for_nobody(terminal):
    terminal.start(terminal.program("deaf", DEAF, stop_s=600))
    terminal.supervisor.stop(lambda: True)
    assert terminal.descendants() == []


def test_the_pause_doubles_up_to_its_limit_and_is_forgiven_after_a_while():
    backoff = Backoff()
    assert [backoff.after_death(1.0) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert backoff.after_death(61.0) == 0.5


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has ended")
def test_no_program_outlives_a_supervisor_that_is_killed(tmp_path):
    script = f"""
import sys, time
from pathlib import Path
from eva01.launcher.child import Program
from eva01.launcher.supervisor import Supervisor
supervisor = Supervisor(print)
log = Path({str(tmp_path / "log")!r})
supervisor.start([Program("deaf", (sys.executable, "-c", {DEAF!r}), log, {{}}, lambda: True, 1)])
while "here" not in log.read_text():
    time.sleep(0.02)
print(supervisor._groups[0][0].child.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child_pid = int(parent.stdout.readline())
        assert psutil.pid_exists(child_pid)
        os.kill(parent.pid, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(child_pid) or _is_zombie(child_pid))


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
