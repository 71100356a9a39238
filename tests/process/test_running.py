"""The plugins of the tests: the time limit, the list of skipped tests, SIGINT in the background."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.processes import wait_until
from tests.tools import Missing, Tool

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
NOWHERE = Tool("Nothing", ("no-such-program",), "look elsewhere", variable="NO_SUCH_VARIABLE")
NEEDS_A_TOOL = """
from tests.process.test_running import NOWHERE
def test_one(): NOWHERE.needed()
def test_other(): pass
"""
LEAVES_A_THREAD = """
import subprocess, threading
from tests.plugins import limit
def test_it():
    limit.END_S = 0.5
    child = subprocess.Popen(["sleep", "600"])
    print("child", child.pid)
    threading.Thread(target=threading.Event().wait).start()
"""
#: Right after the limit is set, so that none of its seconds go by with what pytest does before it hangs.
HANGS = """
import pytest, threading
@pytest.hookimpl(trylast=True)
def pytest_configure(): threading.Event().wait()
"""
INTERRUPTS = """
import signal, subprocess
def test_child():
    child = subprocess.Popen(["sleep", "600"])
    child.send_signal(signal.SIGINT)
    assert child.wait(30) == -signal.SIGINT
"""


def run(
    folder: Path, text: str, *command: str, file: str = "test_it.py", **env: str
) -> "subprocess.CompletedProcess[str]":
    """Run tests in an empty folder, with what `tests/conftest.py` uses."""
    (folder / file).write_text(text)
    plugins = [f"-ptests.plugins.{name}" for name in ("background", "limit", "not_run")]
    pytest_command = [sys.executable, "-m", "pytest", "-sq", "-pno:cacheprovider", *plugins, str(folder)]
    ours = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS")}
    return subprocess.run(
        [*command, *pytest_command],
        env={**ours, "PYTHONPATH": str(ROOT), **env},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
    )


def test_a_tool_is_looked_for_where_it_may_be(monkeypatch):
    with pytest.raises(Missing, match=r"Nothing is not installed\. To get it: look elsewhere\."):
        NOWHERE.find()
    monkeypatch.setenv("NO_SUCH_VARIABLE", sys.executable)
    assert NOWHERE.find() == sys.executable
    monkeypatch.setenv("NO_SUCH_VARIABLE", "/nowhere")
    with pytest.raises(Missing, match="NO_SUCH_VARIABLE='/nowhere'"):
        NOWHERE.find()


def test_what_lacks_its_tool_is_not_run_and_a_line_says_how_to_get_it(tmp_path):
    done = run(tmp_path, NEEDS_A_TOOL)
    assert done.returncode == 0
    assert "1 of test_it.py: Nothing is not installed. To get it: look elsewhere.\n" in done.stdout
    assert "1 passed, 1 skipped" in done.stdout


def test_in_ci_nothing_is_skipped(tmp_path):
    done = run(tmp_path, NEEDS_A_TOOL, CI="true")
    assert done.returncode == 1
    assert "In CI no test may be skipped. Nothing is not installed." in done.stdout
    assert "1 failed, 1 passed" in done.stdout


def test_a_run_that_hangs_ends_at_its_limit_and_says_where_it_was(tmp_path):
    done = run(tmp_path, HANGS, file="conftest.py", TEST_LIMIT_S="2")
    assert done.returncode == 124, done.stdout
    assert "The run of tests (see TEST_LIMIT_S) took more than 2 s." in done.stdout
    assert 'conftest.py", line 4 in pytest_configure' in done.stdout


def test_a_thread_that_nobody_ends_does_not_keep_the_process(tmp_path):
    done = run(tmp_path, LEAVES_A_THREAD)
    assert done.returncode == 124, done.stdout
    assert "1 passed" in done.stdout
    assert "The process's end, after all tests, took more than 0.5 s." in done.stdout
    (child,) = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("child ")]
    wait_until(lambda: has_ended(int(child)), "its child has ended")


def has_ended(pid: int) -> bool:
    """True also when nobody has waited for it yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_children_hear_sigint_when_a_shells_background_ignores_it(tmp_path):
    done = run(tmp_path, INTERRUPTS, "sh", "-c", "trap '' INT; exec \"$@\"", "sh")
    assert done.returncode == 0, done.stdout
