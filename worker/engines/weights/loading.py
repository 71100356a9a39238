"""Reads a model's weights, with the attention that its family has."""

import logging
from typing import Any

import torch
from transformers import AutoModelForImageTextToText

from worker.engines.weights.source import Source

logger = logging.getLogger(__name__)


def load_weights(
    source: Source, device: torch.device, dtype: torch.dtype, attentions: tuple[str | None, ...]
) -> tuple[Any, Any]:
    """The model, and what is said of which tensors were in its files.

    Of `attentions` the first is taken that its family has; None is the best that it has, whichever that is.
    """
    *others, last = attentions
    for attention in others:
        try:
            return _load(source, device, dtype, attention)
        except ValueError:
            # Said before any weights are read.
            logger.info("The model's family has no %s, so another attention is used.", attention)
    return _load(source, device, dtype, last)


def _load(source: Source, device: torch.device, dtype: torch.dtype, attention: str | None) -> tuple[Any, Any]:
    model, found = source.load(
        AutoModelForImageTextToText,
        output_loading_info=True,
        use_safetensors=True,
        # Said by names and sizes, as the rest that is wrong (fit.py), in place of an error without either.
        ignore_mismatched_sizes=True,
        dtype=dtype,
        attn_implementation=attention,
        # On a GPU the weights go there as they are read, never whole through the machine's memory.
        device_map={"": device} if device.type == "cuda" else None,
    )
    return model, found
