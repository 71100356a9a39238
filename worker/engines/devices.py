"""Which device, number format and attention to use, from the settings and what is there."""

import importlib.util
import os

import torch

from jobs.contract.settings import WorkerSettings
from worker.engines.base import DeviceLost, OutOfMemory
from worker.engines.weights.unusable import Unusable
from worker.ops.cores import core_count

#: What torch's error says when the machine's memory is full.
_CPU_MEMORY_WORDS = "can't allocate memory"


def choose_device(settings: WorkerSettings) -> torch.device:
    """The device of the settings; `auto`: the first GPU, else the CPU.

    Raises ValueError when the settings name a device that is not there.
    """
    wanted = settings.device
    if wanted == "auto":
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"EVA01_DEVICE={wanted}, but torch {torch.__version__} sees no CUDA device")
    if wanted == "mps" and not torch.backends.mps.is_available():
        raise ValueError("EVA01_DEVICE=mps, but there is no such device")
    return torch.device("cuda", 0) if wanted == "cuda" else torch.device(wanted)


def check_graphs(settings: WorkerSettings, device: torch.device) -> None:
    """Raises Unusable when the settings ask for CUDA graphs on a device that has none."""
    if settings.cuda_graphs == "on" and device.type != "cuda":
        raise Unusable(f"EVA01_CUDA_GRAPHS=on, but {device} has none", "set EVA01_CUDA_GRAPHS=auto")


def choose_dtype(settings: WorkerSettings, device: torch.device) -> torch.dtype:
    """The number format of the settings; `auto`: bfloat16 on a GPU, float32 on a CPU."""
    if settings.dtype == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    dtype = getattr(torch, settings.dtype)
    assert isinstance(dtype, torch.dtype)
    return dtype


def choose_attention(
    settings: WorkerSettings, device: torch.device, dtype: torch.dtype
) -> tuple[str | None, ...]:
    """The attention of the settings, or what to try one after the other; None: the best that the family has.

    `auto`: flash-attention where it is installed and works on the device, which not every family has.
    """
    if settings.attention != "auto":
        return (settings.attention,)
    has_flash = importlib.util.find_spec("flash_attn") is not None
    if has_flash and device.type == "cuda" and dtype is not torch.float32:
        return ("flash_attention_2", None)
    return (None,)


def is_cut_on_device(settings: WorkerSettings, device: torch.device) -> bool:
    """Whether images are to be scaled and cut there; `auto`: on a GPU, since a CPU gains nothing by it."""
    if settings.preprocessing == "auto":
        return device.type == "cuda"
    return settings.preprocessing == "device"


def describe(device: torch.device) -> str:
    """The device for people: `cpu`, or `cuda:0 NVIDIA H100`."""
    if device.type == "cuda":
        return f"{device} {torch.cuda.get_device_name(device)}"
    return str(device)


def use_all_cores() -> None:
    """Give the device's thread all cores; `OMP_NUM_THREADS` wins.

    The slots' threads use numpy and Pillow, one core each, so cores are not asked for twice over.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(core_count())


def first_line(error: BaseException) -> str:
    """An error's first line, without the statistics and advice that follow."""
    return str(error).strip().split("\n", 1)[0]


def engine_error(error: Exception) -> Exception:
    """Translate torch's errors to OutOfMemory and DeviceLost; others are unchanged.

    When memory ran out, what the device's allocator keeps for later is freed as well.
    """
    if isinstance(error, torch.OutOfMemoryError):
        torch.cuda.empty_cache()
        return OutOfMemory(first_line(error))
    if isinstance(error, torch.AcceleratorError):
        return DeviceLost(first_line(error))
    if isinstance(error, RuntimeError) and _CPU_MEMORY_WORDS in str(error):
        return OutOfMemory(first_line(error))
    return error
