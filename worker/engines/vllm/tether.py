"""Ends what vLLM has started when the worker is gone, however it went: a card's memory would stay taken.

vLLM calls this in each of its processes (setup.cfg names it as its plugin), and heeds the death of the one
that started it nowhere itself but in some.
"""

import ctypes
import multiprocessing
import os
import signal
import sys

#: From <linux/prctl.h>.
_PR_SET_PDEATHSIG = 1


def hold() -> None:
    """Have Linux kill this process with the one that started it; does nothing in the worker itself."""
    parent = multiprocessing.parent_process()
    if parent is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent.pid:
        # It ended before it could be asked for.
        os._exit(1)
