"""A time limit of a whole test run: it prints each thread's stack, and kills the process and its children.

pytest-timeout ends a test that hangs. This is for a hang outside of a test: between two, or after the last,
when a thread that was not ended keeps the process alive.
"""

import faulthandler
import os
import threading
from contextlib import suppress

import psutil
import pytest

#: Longest run, in seconds: several times what all tests take on two cores.
LIMIT_S = float(os.environ.get("TEST_LIMIT_S") or 2400)
#: Longest time from the last test to the end of the process, in seconds.
END_S = 60.0
#: How much earlier a pytest-xdist worker ends, in seconds, so that it can print its stacks.
_EARLIER_S = 10.0
#: The exit code of coreutils' `timeout` too.
_EXIT_CODE = 124

_KEY = pytest.StashKey["Limit"]()


class Limit:
    """Kills this process and its children when the time is over."""

    def __init__(self, stderr: int) -> None:
        self._stderr = stderr
        self._timer: threading.Timer | None = None

    def set(self, limit_s: float, what: str) -> None:
        """Start the timer, in place of an earlier one."""
        if self._timer:
            self._timer.cancel()
        self._timer = threading.Timer(limit_s, self._end, (f"{what} took more than {limit_s:g} s.\n",))
        self._timer.daemon = True
        self._timer.start()

    def _end(self, why: str) -> None:
        os.write(self._stderr, f"\n{why}".encode())
        faulthandler.dump_traceback(self._stderr)
        _end_children()
        os._exit(_EXIT_CODE)


def pytest_configure(config: pytest.Config) -> None:
    """Start the timer of the run."""
    limit = config.stash[_KEY] = Limit(_real_stderr(config))
    limit.set(LIMIT_S - _EARLIER_S * hasattr(config, "workerinput"), "The run of tests (see TEST_LIMIT_S)")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Start the timer of the end: only threads that were not ended can still keep the process alive."""
    # An interrupted run may have left child processes.
    _end_children()
    # A pytest-xdist worker that is done waits for the others.
    if not hasattr(config, "workerinput"):
        config.stash[_KEY].set(END_S, "The process's end, after all tests,")


def _end_children() -> None:
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()


def _real_stderr(config: pytest.Config) -> int:
    """A duplicate of the real stderr, which pytest replaces while it captures."""
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        return os.dup(2)
