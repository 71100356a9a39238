"""Of which family a model is, and whether that can be asked about images at all."""

from typing import Any

import transformers
from transformers import AutoConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

from worker.engines.weights.source import Source
from worker.engines.weights.unusable import Unusable

_OTHER = (
    "take an image-text-to-text model, as its page on the hub calls it, such as Qwen/Qwen2.5-VL-7B-Instruct"
)


def family_of(source: Source) -> str:
    """The `model_type` of a model; raises Unusable for one that nobody knows, or that sees no images."""
    said = source.read("config.json")
    name = said.get("model_type") if isinstance(said, dict) else None
    if name and name not in transformers.CONFIG_MAPPING:
        raise Unusable(
            f"its family {name!r} is none that transformers {transformers.__version__} knows",
            "take a model of another family, or a later version of EVA-01",
        )
    config: Any = source.load(AutoConfig)
    if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        raise Unusable(f"its family {config.model_type!r} answers no questions about images", _OTHER)
    return str(config.model_type)
