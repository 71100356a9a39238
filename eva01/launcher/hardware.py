"""What this machine can compute on, found without importing torch."""

import os
import re
from importlib.util import find_spec
from pathlib import Path

#: What the drivers of NVIDIA (on Linux; inside Windows) and AMD put there when they find a device.
_DEVICES = ("/dev/nvidia0", "/dev/nvidiactl", "/usr/lib/wsl/lib/nvidia-smi", "/dev/kfd")


def has_gpu() -> bool:
    """True when there is a GPU that this process may use."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and hidden.strip() in ("", "-1"):
        return False
    return any(Path(device).exists() for device in _DEVICES)


def torch_knows_gpus() -> bool:
    """True when the torch that is installed was built for GPUs."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    version = Path(spec.origin).with_name("version.py")
    text = version.read_text() if version.exists() else ""
    return re.search(r"^(cuda|hip)\b[^=]*= *['\"]", text, re.MULTILINE) is not None
