"""Which engine runs a model of the hub, and why: our own by transformers, or vLLM in its place.

    EVA01_ENGINE=transformers ──► transformers
    EVA01_ENGINE=vllm ──► may it? ──► vllm, or the worker does not start and says why not
    EVA01_ENGINE=auto ──► may it, and is there a GPU? ──► vllm, else transformers, with the reason

Imports no library of models.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.contract.settings import WorkerSettings
from worker.engines import families
from worker.engines.generation import HEEDED_BY_GENERATE

TRANSFORMERS, VLLM = "transformers", "vllm"
#: What our engine can do that vLLM cannot: settings, by the value that leaves it to the engine.
_OURS_ALONE = {"attention": "auto", "batching": "auto", "preprocessing": "auto", "unused_weights": "refuse"}


@dataclass(frozen=True)
class Machine:
    """What is there for engines."""

    has_vllm: bool
    has_gpu: bool


@dataclass(frozen=True)
class Choice:
    """The engine that runs a model, and why, in words for people."""

    engine: str
    reason: str


class CannotRun(Exception):
    """Raised when vLLM was asked for and may not run a model; `remedy` is what to do."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.remedy = remedy


def choose(
    settings: WorkerSettings,
    machine: Machine,
    config: Mapping[str, Any],
    generation: Mapping[str, Any],
) -> Choice:
    """The engine for a model with this config.json and generation_config.json; raises CannotRun."""
    if settings.engine == TRANSFORMERS:
        return Choice(TRANSFORMERS, "EVA01_ENGINE=transformers")
    fault = _fault(settings, machine, config, generation)
    if settings.engine == VLLM:
        if fault:
            raise fault
        return Choice(VLLM, "EVA01_ENGINE=vllm")
    if fault:
        return Choice(TRANSFORMERS, f"{fault} (EVA01_ENGINE=auto)")
    if not machine.has_gpu:
        return Choice(TRANSFORMERS, "there is no GPU for vLLM (EVA01_ENGINE=auto)")
    return Choice(VLLM, "it is installed, knows the family, and there is a GPU (EVA01_ENGINE=auto)")


def _fault(
    settings: WorkerSettings, machine: Machine, config: Mapping[str, Any], generation: Mapping[str, Any]
) -> CannotRun | None:
    """Why vLLM may not run the model; None where it may."""
    if not machine.has_vllm:
        return CannotRun(
            "vLLM is not installed here", "pip install 'eva01-server[vllm]' in an environment of its own"
        )
    for name, usual in _OURS_ALONE.items():
        if (value := getattr(settings, name)) != usual:
            variable = f"EVA01_{name.upper()}"
            return CannotRun(f"{variable}={value} is for transformers alone", f"leave {variable} out")
    if settings.device not in ("auto", "cpu" if not machine.has_gpu else "cuda"):
        return CannotRun(
            f"EVA01_DEVICE={settings.device} is none that vLLM can be told to take",
            "set EVA01_DEVICE=auto, and name the GPU in CUDA_VISIBLE_DEVICES",
        )
    if not config:
        return CannotRun("its config.json could not be read", "check MODEL_NAME")
    family = config.get("model_type")
    if family not in families.TRIED_WITH_VLLM:
        return CannotRun(
            f"prompts of the family {family} have not been tried with vLLM", "set EVA01_ENGINE=transformers"
        )
    if heeded := next((one for one in HEEDED_BY_GENERATE if generation.get(one)), None):
        return CannotRun(
            f"its generation_config.json sets {heeded}, which vLLM is not told of",
            "set EVA01_ENGINE=transformers",
        )
    return None
