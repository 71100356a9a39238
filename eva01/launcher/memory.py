"""Whether models that are to be served together fit into memory, asked before any of them is started.

An estimate: weights as their files say, and the same for each worker besides. What its batches hold comes on
top, and is bounded by what is free when the worker starts.
"""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eva01.cli.errors import CommandError
from eva01.launcher.weights import weights_bytes
from jobs.contract.catalog import EngineName, ModelCard
from jobs.contract.settings import WorkerSettings
from jobs.contract.sizes import size

#: Bytes that a worker takes besides its weights: its process has half of it on a CPU, as was measured; the
#: rest is for one job in work.
WORKER_BYTES = 1_000_000_000
_ASK_S = 10
_PROC, _CGROUP = Path("/proc"), Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Free:
    """Bytes that are free; None where nothing says how many."""

    here: int | None
    gpu: int | None = None

    @classmethod
    def now(cls, device: str, *, can_use_gpu: bool) -> "Free":
        """On this machine, and on the GPU that `device` names."""
        return cls(free_here(), free_of_gpu(device) if can_use_gpu else None)


def check_fit(
    cards: Sequence[ModelCard], settings: WorkerSettings, free: Free, *, can_use_gpu: bool
) -> list[str]:
    """Gives a line for whatever is not known of their memory.

    Raises CommandError (`not_enough_memory`) where they do not fit together: then none is started.
    """
    on_gpu = [card for card in cards if can_use_gpu and card.engine is EngineName.TRANSFORMERS]
    here = [card for card in cards if card not in on_gpu]
    return [
        *_check(on_gpu, "the GPU's memory", free.gpu, _number_bytes(settings, 2)),
        *_check(here, "memory", free.here, _number_bytes(settings, 4)),
    ]


def _check(cards: Sequence[ModelCard], where: str, free: int | None, number_bytes: int) -> list[str]:
    if not cards:
        return []
    weights = {card.name: weights_bytes(card, number_bytes) for card in cards}
    unknown = [name for name, count in weights.items() if count is None]
    needed = {name: (count or 0) + WORKER_BYTES for name, count in weights.items()}
    total = sum(needed.values())
    if free is not None and total > free:
        each = ", ".join(f"{name} {size(count)}" for name, count in needed.items())
        more = f" without the weights of {', '.join(unknown)}" if unknown else ""
        raise CommandError(
            "not_enough_memory",
            f"The models do not fit together: they need {size(total)} of {where}{more} ({each}), and"
            f" {size(free)} are free. Nothing was started; name fewer in --models.",
        )
    said = [f"How much of {where} is free is not known: it was not checked."] if free is None else []
    if unknown:
        said.append(f"How much memory {', '.join(unknown)} will take is not known before it is downloaded.")
    return said


def free_here(proc: Path = _PROC, cgroup: Path = _CGROUP) -> int | None:
    """Bytes that are free on this machine, or in the container that we are in; None where nothing says it."""
    try:
        lines = dict(line.split(":", 1) for line in (proc / "meminfo").read_text().splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
    left = _left_in_container(cgroup)
    return free if left is None else min(free, left)


def _left_in_container(cgroup: Path) -> int | None:
    try:
        most, used = ((cgroup / name).read_text().strip() for name in ("memory.max", "memory.current"))
        stat = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
        # Files that nobody reads now give way.
        return int(most) - int(used) + int(stat["inactive_file"])
    except (OSError, KeyError, ValueError):
        return None


def free_of_gpu(device: str) -> int | None:
    """Bytes that are free on the GPU which `device` names; None where NVIDIA's tool does not say it."""
    place = int(device.partition(":")[2] or 0)
    shown = os.environ.get("CUDA_VISIBLE_DEVICES", "").replace(" ", "").split(",")
    name = shown[place] if place < len(shown) and shown[place] else str(place)
    asked = ["nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits", "-i", name]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, timeout=_ASK_S, check=True)  # noqa: S603 (no shell)
        return int(said.stdout.splitlines()[0]) * 1024 * 1024
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


def _number_bytes(settings: WorkerSettings, usual: int) -> int:
    if settings.dtype == "auto":
        return usual
    return 4 if settings.dtype == "float32" else 2
