"""The code that runs a model; one file or room an engine, behind one small protocol.

about                 what is to be known of a model that is loaded, in words for people
base                  Engine, Static, Rolling, Answer: the boundary
conversation          between people's words and a model's tokens, whatever engine runs it
company               which jobs may be on the device together
families              the families of models that are known by name
choice                whether transformers or vLLM runs a model of the hub, and why
deadline              how long a batch may be on the device
ocr                   reads text, with the nets of RapidOCR
reading               finds lines of text, reads them, and puts them in order
proportions           long and thin images: what may be made of them
transformers_engine   any image-text-to-text model; built for Qwen2.5-VL
rolling               its rolling batch
constraint            answers held to a format, token by token
seeing                images and questions to tensors, ahead of the device
sampling              tokens drawn by chance, by a seed
saying                what a model said, made an answer
devices               which device, number format and attention to use
remote                asks another server, which speaks OpenAI's API
vllm                  the same models by vLLM, in this process
looking               what a choice of engine goes by: a GPU, a model's settings
layers                faster replacements for some of a model's layers
weights               a model's files, whether they may be used, and what to do where not
hub                   what engines that run a model of the hub have in common
generation            a model's generation_config.json, as far as answers follow it
"""

import importlib.util
from collections.abc import Callable
from importlib import import_module
from typing import Any

from jobs.contract.catalog import EngineName, ModelCard
from jobs.contract.settings import WorkerSettings
from worker.engines.base import Engine, ModelNotLoaded
from worker.engines.choice import TRANSFORMERS, VLLM, CannotRun, Choice, Machine, choose

#: Each engine's class. Imported only when it is wanted, because each brings a large library of its own.
_ENGINES = {
    EngineName.OCR: ("worker.engines.ocr", "OcrEngine", "ocr"),
    EngineName.OPENAI: ("worker.engines.remote.engine", "RemoteEngine", "openai"),
    TRANSFORMERS: ("worker.engines.transformers_engine", "TransformersEngine", "worker"),
    VLLM: ("worker.engines.vllm.engine", "VllmEngine", "vllm"),
}


def create_engine(card: ModelCard, settings: WorkerSettings) -> Engine[Any, Any]:
    """The engine that runs `card`'s model, not loaded yet; what it sees and prepares, itself alone knows.

    Raises ModelNotLoaded when its library is not installed, or vLLM was asked for and may not run the model.
    """
    if card.engine is not EngineName.TRANSFORMERS:
        return _class_of(card.engine, card)(card, settings)
    try:
        choice = _chosen(card, settings)
    except CannotRun as error:
        raise ModelNotLoaded(card.name, f"vLLM (EVA01_ENGINE): {error}", error.remedy) from error
    return _class_of(choice.engine, card)(card, settings, choice.reason)


def _class_of(engine: str, card: ModelCard) -> Callable[..., Engine[Any, Any]]:
    module, name, extra = _ENGINES[engine]
    try:
        found: Callable[..., Engine[Any, Any]] = getattr(import_module(module), name)
    except ImportError as error:
        raise ModelNotLoaded(
            card.name, f"import the engine {engine} ({error})", f"pip install 'eva01-server[{extra}]'"
        ) from error
    return found


def _chosen(card: ModelCard, settings: WorkerSettings) -> Choice:
    """What runs a model of the hub; nothing of the model is looked at where vLLM is out of the question."""
    if settings.engine == TRANSFORMERS or importlib.util.find_spec("vllm") is None:
        return choose(settings, Machine(has_vllm=False, has_gpu=False), {}, {})
    looking: Any = import_module("worker.engines.looking")
    machine = Machine(has_vllm=True, has_gpu=looking.has_gpu())
    return choose(settings, machine, *looking.settings_of(card.source))
