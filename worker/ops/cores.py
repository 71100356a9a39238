"""The cores: how many there are for us, and how we share them."""

import math
import os
import sys
from pathlib import Path

#: Where Linux shows control groups, and which one is ours.
_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")
#: What numeric threads are told. They look a thousand times, some 15 µs, before they sleep: what libgomp does
#: by itself where there are more threads than cores.
SHARED = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"}
#: Seconds that a thread waits for the interpreter before it is let in; 5 ms where nobody says.
_TURN_S = 0.0001


def share_cores() -> None:
    """Let numeric threads sleep while they wait for one another; to be called before torch is imported.

    By default they spin, which on cores shared with another worker slows both many times over; but between
    two operations of a step there are only some microseconds, and to be woken for each takes longer.

    The thread of the device needs the interpreter for as little time, but a thousand times a turn, and each
    time may wait for a slot that is in the midst of its own work: it is let in soon.
    """
    for name, value in SHARED.items():
        os.environ.setdefault(name, value)
    sys.setswitchinterval(_TURN_S)


def core_count(cgroups: Path = _CGROUPS, own_cgroup: Path = _OWN_CGROUP) -> int:
    """The cores this process may use, which in a container are fewer than the machine has; at least 1.

    A limit of Kubernetes or Docker is a share of time and hides no core: more threads than it allows would
    all be stopped together, for most of every tenth of a second.
    """
    present = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(present, _quota(cgroups, own_cgroup))))


def _quota(cgroups: Path, own_cgroup: Path) -> float:
    """The smallest share that our control group (version 2) or one above it allows, in cores."""
    path = _own_path(own_cgroup)
    return min((_share(cgroups / part / "cpu.max") for part in (path, *path.parents)), default=math.inf)


def _own_path(own_cgroup: Path) -> Path:
    """Our group's path below the root; the root itself where there is none, as in most containers."""
    try:
        lines = own_cgroup.read_text().splitlines()
    except OSError:
        return Path()
    return next((Path(line.removeprefix("0::/")) for line in lines if line.startswith("0::/")), Path())


def _share(cpu_max: Path) -> float:
    """`200000 100000` is two cores; `max 100000`, or no such file, is no limit."""
    try:
        quota, period = cpu_max.read_text().split()
    except (OSError, ValueError):
        return math.inf
    return math.inf if quota == "max" else int(quota) / int(period)
