"""Run a program that ends when its parent does, however the parent ended.

    python -I -S tether.py PARENT_PID PROGRAM ARGUMENT…

Linux sends a process the signal it asked for when the thread that started it ends: the supervisor starts
its children from its main thread for that reason. This is a program of its own, rather than a
`preexec_fn`, because running Python between fork and exec is not safe in a process with threads.
Elsewhere it only becomes the program. Imports nothing of ours: it starts in milliseconds.
"""

import ctypes
import os
import signal
import sys

#: From <linux/prctl.h>.
_PR_SET_PDEATHSIG = 1


def main(parent_pid: int, command: list[str]) -> None:
    """Ask to be killed with the parent, then become `command`."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent_pid:
            # The parent ended before it could be asked for.
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 (one of our own parts)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
