"""What would most likely help where a model cannot be loaded."""

import re
from collections.abc import Iterator

import torch
from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

from worker.engines.weights.bucket import NotFetched
from worker.engines.weights.source import Source
from worker.engines.weights.unusable import Unusable

#: How the libraries that we use name a package that they need.
_NAMED = re.compile(r"pip install (?:-U |--upgrade )?['\"]?([A-Za-z0-9_.\[\],<>=-]*[A-Za-z0-9\]])")
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
    if "image processor" in text and source.is_local:
        return "get the folder anew, with preprocessor_config.json"
    if package := _NAMED.search(str(error)):
        return f"pip install {package[1]}"
    if isinstance(error, OSError) and not source.is_local:
        return _of_hub(error, source.address)
    return "check that MODEL_NAME is an image-text-to-text model that this transformers knows"


def _of_hub(error: BaseException, address: str) -> str:
    """What to do where the hub gives no model."""
    causes = [*_causes(error)]
    if any(isinstance(cause, GatedRepoError) for cause in causes):
        return f"accept its terms at https://huggingface.co/{address}, and set HF_TOKEN to a token of who did"
    if any(isinstance(cause, HFValidationError) for cause in causes):
        return "check MODEL_NAME: it is a folder that is there, or an address on the hub, which is OWNER/NAME"
    if any(isinstance(cause, RepositoryNotFoundError) for cause in causes):
        return "check MODEL_NAME; where it is private, set HF_TOKEN to a token of who may read it"
    return "check the network, or give a folder (MODEL_NAME): the hub was not reached"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _install_torchvision() -> str:
    """The build that goes with the torch that is here."""
    if torch.version.cuda is None:
        return f"pip install {TORCHVISION} --index-url {_FOR_CPU}"
    return "pip install 'eva01-server[torchvision]'"
