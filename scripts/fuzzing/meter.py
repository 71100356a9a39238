"""What a process takes of CPU and memory while it does something, and how much of either it may take."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

#: What a request, or a file, may cost: seconds of CPU, and bytes of memory on top of what the process had.
MOST_CPU_S, MOST_BYTES = 5.0, 300_000_000


@dataclass
class Taken:
    """What was taken, once the `with` is left."""

    cpu_s: float = 0.0
    memory_bytes: int = 0

    def faults(self, whose: str, most_bytes: int = MOST_BYTES) -> list[str]:
        """What must not have happened."""
        found = []
        if self.cpu_s > MOST_CPU_S:
            found.append(f"took {whose} {self.cpu_s:.1f} s of CPU")
        if self.memory_bytes > most_bytes:
            found.append(f"took {whose} {self.memory_bytes / 1e6:.0f} MB of memory")
        return found


@contextmanager
def measured(process: psutil.Process) -> Iterator[Taken]:
    """Measure a process; its children are counted once they have ended and it has waited for them."""
    taken = Taken()
    # Writing a 5 has the kernel forget the most memory that the process ever had.
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")
    before_s, before_bytes = cpu_s(process), process.memory_info().rss
    try:
        yield taken
    finally:
        if process.is_running():
            taken.cpu_s = cpu_s(process) - before_s
            taken.memory_bytes = most_bytes(process.pid) - before_bytes


def cpu_s(process: psutil.Process) -> float:
    """Seconds of CPU of a process and of its children that have ended."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def most_bytes(pid: int) -> int:
    """The most memory that a process had since it was last forgotten; ValueError when it has ended."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (most,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(most) * 1024
