"""No run lasts for ever: when its time is over it says where each thread is, and ends with all it started.

pytest-timeout ends a test that hangs. This is for what hangs outside of a test: between two, or after the
last, when a thread that nobody ended keeps the process.
"""

import faulthandler
import os
import threading
from contextlib import suppress

import psutil
import pytest

#: Longest run, in seconds: several times what all tests take on two cores.
LIMIT_S = float(os.environ.get("TEST_LIMIT_S") or 2400)
#: Longest end of the process once its last test is done, in seconds.
END_S = 60.0
#: How much earlier than the others a process of pytest-xdist ends, in seconds: so it can say where it hangs.
_EARLIER_S = 10.0
#: What `timeout` gives as well.
_EXIT_CODE = 124

_KEY = pytest.StashKey["Limit"]()


class Limit:
    """Ends this process and its children when the time is over, unless the process has ended by itself."""

    def __init__(self, stderr: int) -> None:
        self._stderr = stderr
        self._timer: threading.Timer | None = None

    def set(self, limit_s: float, what: str) -> None:
        """Count anew."""
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
    """Begin to count."""
    limit = config.stash[_KEY] = Limit(_real_stderr(config))
    limit.set(LIMIT_S - _EARLIER_S * hasattr(config, "workerinput"), "The run of tests (see TEST_LIMIT_S)")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """From here on, only threads that do not end can keep the process."""
    # A run that was interrupted may have left some.
    _end_children()
    # A process of pytest-xdist waits, when it is done, for the others.
    if not hasattr(config, "workerinput"):
        config.stash[_KEY].set(END_S, "The process's end, after all tests,")


def _end_children() -> None:
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()


def _real_stderr(config: pytest.Config) -> int:
    """A copy of the file that pytest replaces while it captures."""
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        return os.dup(2)
