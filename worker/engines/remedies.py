"""What would most likely help where a model cannot be loaded."""

import torch

from worker.engines.weights.bucket import NotFetched
from worker.engines.weights.source import Source
from worker.engines.weights.unusable import Unusable

#: The one that goes with our torch (setup.cfg).
TORCHVISION = "torchvision==0.28.0"
#: Where its builds for a torch without CUDA are; the package index has others.
_FOR_CPU = "https://download.pytorch.org/whl/cpu"


def remedy_of(error: Exception, source: Source) -> str:
    """A remedy for what went wrong with a model's files, in words that follow a colon."""
    text = str(error).lower()
    if isinstance(error, Unusable):
        return error.remedy
    if isinstance(error, NotFetched):
        return "check the address in MODEL_NAME, and that the worker may list and read what is there"
    if isinstance(error, torch.OutOfMemoryError):
        return "take a smaller model (MODEL_NAME) or a larger device"
    if "torchvision" in text:
        return f"its processor needs torchvision: {_install_torchvision()}"
    if "EVA01_DEVICE" in str(error):
        return "set EVA01_DEVICE=auto"
    if "flash" in text:
        return "set EVA01_ATTENTION=sdpa"
    if isinstance(error, OSError) and not source.is_local:
        return "check MODEL_NAME, the network and, for a gated model, HF_TOKEN; or give a folder"
    return "check that MODEL_NAME is an image-text-to-text model that this transformers knows"


def _install_torchvision() -> str:
    """The build that goes with the torch that is here."""
    if torch.version.cuda is None:
        return f"pip install {TORCHVISION} --index-url {_FOR_CPU}"
    return "pip install 'eva01-server[torchvision]'"
