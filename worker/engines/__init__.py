"""The code that runs a model; one file an engine, behind one small protocol.

about                 what is to be known of a model that is loaded, in words for people
base                  Engine, Static, Rolling, Answer: the boundary
company               which jobs may be on the device together
families              the families of models that are known by name
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
layers                faster replacements for some of a model's layers
weights               a model's files, whether they may be used, and what to do where not
generation            a model's generation_config.json, as far as answers follow it
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from jobs.contract.catalog import EngineName, ModelCard
from jobs.contract.settings import WorkerSettings
from worker.engines.base import Engine, ModelNotLoaded

#: Each engine's class. Imported only when it is wanted, because each brings a large library of its own.
_ENGINES = {
    EngineName.OCR: ("worker.engines.ocr", "OcrEngine", "ocr"),
    EngineName.OPENAI: ("worker.engines.remote.engine", "RemoteEngine", "openai"),
    EngineName.TRANSFORMERS: ("worker.engines.transformers_engine", "TransformersEngine", "worker"),
}


def create_engine(card: ModelCard, settings: WorkerSettings) -> Engine[Any, Any]:
    """The engine that runs `card`'s model, not loaded yet; what it sees and prepares, itself alone knows.

    Raises ModelNotLoaded when its library is not installed.
    """
    module, name, extra = _ENGINES[card.engine]
    try:
        create: Callable[[ModelCard, WorkerSettings], Engine[Any, Any]] = getattr(import_module(module), name)
    except ImportError as error:
        raise ModelNotLoaded(
            card.name, f"import the engine {card.engine} ({error})", f"pip install 'eva01-server[{extra}]'"
        ) from error
    return create(card, settings)
