"""Whether weights fit their model: what is missing would be random, and what fits nowhere is not used."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from worker.engines.weights.unusable import Unusable

#: Names of tensors that are shown of those that are wrong.
_SHOWN = 3


def check_fit(model: Any, found: Mapping[str, Collection[Any]], *, may_be_unused: bool) -> None:
    """Compare a model with what its loading says was missing in the files, or was in them and is not its.

    Raises Unusable.
    """
    if quantised := _not_applied(model):
        raise Unusable(
            f"its weights are quantised by {quantised!r}, which this transformers does not apply",
            "take the weights that are not quantised, or some that are quantised in another way",
        )
    if others := sorted(found["mismatched_keys"]):
        name, in_files, in_model = others[0]
        raise Unusable(
            f"{len(others)} of the files' tensors have other sizes than config.json says: {name} has"
            f" {_sizes(in_files)} in place of {_sizes(in_model)}",
            "get the config.json that belongs to these weights",
        )
    if missing := sorted(found["missing_keys"]):
        raise Unusable(
            f"the files lack {_named(missing)} of its tensors, which would be random",
            "get the whole folder anew, with the config.json that belongs to these weights",
        )
    unused = sorted(found["unexpected_keys"])
    if unused and not may_be_unused:
        raise Unusable(
            f"no part of the model takes {_named(unused)} of the files' tensors, which may be scales without"
            " which the others are wrong",
            "get the config.json that belongs to these weights; where it answers well without those, set"
            " EVA01_UNUSED_WEIGHTS=ignore",
        )


def _not_applied(model: Any) -> str | None:
    """How a model's weights are quantised, where nothing has undone or used that."""
    settings = getattr(model.config, "quantization_config", None)
    text = getattr(model.config.get_text_config(), "quantization_config", None)
    said = settings or text
    if not said or getattr(model, "hf_quantizer", None) is not None:
        return None
    known = said if isinstance(said, Mapping) else vars(said)
    return str(known.get("quant_method", "something"))


def _sizes(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))


def _named(keys: Collection[str]) -> str:
    """How many, and the first of them."""
    first = ", ".join([*keys][:_SHOWN])
    return f"{len(keys)} ({first}{', …' if len(keys) > _SHOWN else ''})"
