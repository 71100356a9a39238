"""Whether a model's weights are numbers that anything can follow from: damaged ones answer too, at random."""

from collections.abc import Iterator
from typing import Any

import torch

from worker.engines.weights.unusable import Unusable

#: Numbers of each tensor that are looked at first, spread over all of it.
_SAMPLE = 1024


def check_numbers(model: Any) -> None:
    """Look at a sample of each of a model's tensors.

    Raises Unusable where one has nothing but zeros, as where a file has a hole in place of what was never
    written, or has in its sample what is no number.
    """
    tensors = dict(_tensors(model))
    if not_finite := [name for name, tensor in tensors.items() if not _sampled(tensor).isfinite().all()]:
        raise Unusable(
            f"{_counted(not_finite, len(tensors))} NaN or infinity",
            "get the whole folder anew; where EVA01_DTYPE is float16, whose numbers end at 65,504, set it to"
            " bfloat16 or float32",
        )
    if zero := [name for name, tensor in tensors.items() if _is_zero(name, tensor)]:
        raise Unusable(
            f"{_counted(zero, len(tensors))} nothing but zeros, as a file has that was downloaded by half",
            "get the whole folder anew",
        )


def _tensors(model: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """Those of numbers as they are; what is packed into fewer bits has any."""
    for name, tensor in model.named_parameters():
        if tensor.is_floating_point() and tensor.dtype.itemsize > 1 and tensor.numel():
            yield name, tensor.detach()


def _sampled(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.flatten()[:: max(1, tensor.numel() // _SAMPLE)]


def _is_zero(name: str, tensor: torch.Tensor) -> bool:
    """True for the weights of a layer that are all zero; a bias, a gate or a place may well be."""
    is_layer = tensor.dim() > 1 and name.endswith("weight")
    return is_layer and not _sampled(tensor).any() and not tensor.any()


def _counted(names: list[str], count: int) -> str:
    """How many of the tensors, and the first of them, as the beginning of a sentence."""
    return f"{len(names)} of its {count} tensors ({names[0]}{', …' if names[1:] else ''}) have"
