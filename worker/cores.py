"""The cores: how many there are for us, and how we share them."""

import os


def share_cores() -> None:
    """Let numeric threads sleep while they wait for one another; to be called before torch is imported.

    By default they spin, which on cores shared with another worker slows both many times over.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def core_count() -> int:
    """The cores this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
