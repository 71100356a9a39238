"""Whether a model can answer in a rolling batch, and the loop for one that can."""

from collections.abc import Collection
from typing import Any

import torch

from jobs.contract.settings import WorkerSettings
from worker.engines.generation import HEEDED_BY_GENERATE
from worker.engines.rolling import attention
from worker.engines.rolling.captured.recording import recorder_for
from worker.engines.rolling.families.known import why_unknown
from worker.engines.rolling.loop import RollingLoop
from worker.engines.rolling.past.in_place import in_place_for
from worker.engines.rolling.pool import key_width
from worker.engines.seeing.cutting import Cutter

#: Kinds of positions that are other ones beyond a length, for all rows of a pass.
_ROPES_OF_THE_LONGEST = ("dynamic", "longrope")
#: Kinds of layers whose every row keeps its keys and values; those that slide see the last of them only.
_LAYERS = {"full_attention", "sliding_attention"}
#: Tokens of cache on a CPU, when the settings do not say: 1.9 GB in fp32 for Qwen2-VL-2B.
_CPU_TOKENS = 32_768
#: The part of a GPU's free memory that keys and values may take; the rest is for what a step needs meanwhile.
_FREE_SHARE = 0.7


def why_static(model: Any, settings: WorkerSettings) -> str | None:
    """Why a model has to answer in static batches; None when it need not."""
    config = model.config
    if settings.batching == "static":
        return "EVA01_BATCHING=static"
    text = config.get_text_config()
    if reason := why_unknown(config) or _why_its_layers_do_not_roll(text) or _why_its_keys_do_not_fit(model):
        return reason
    for name in HEEDED_BY_GENERATE:
        if getattr(model.generation_config, name, None):
            return f"its generation_config.json sets {name}"
    return None


def _why_its_layers_do_not_roll(text: Any) -> str | None:
    if others := set(getattr(text, "layer_types", None) or ()) - _LAYERS:
        return f"it has layers of {', '.join(sorted(others))}, whose past is not kept as that of others"
    if any(rope.get("rope_type") in _ROPES_OF_THE_LONGEST for rope in _ropes(text)):
        return "its positions depend on how long a text is"
    return None


def _why_its_keys_do_not_fit(model: Any) -> str | None:
    """Some families make keys of other widths than `head_dim` in their config says."""
    said = key_width(model.config.get_text_config())
    layers = (module for module in model.get_decoder().modules() if hasattr(module, "layer_idx"))
    made = {layer.head_dim for layer in layers if hasattr(layer, "head_dim")}
    if made <= {said}:
        return None
    widths = ", ".join(map(str, sorted(made)))
    return f"its keys are {widths} numbers wide, where its config.json says {said}"


def _ropes(text: Any) -> list[dict[str, Any]]:
    """What is said of its positions, of each kind of layers where they differ."""
    said = text.rope_parameters or {}
    return [said, *(own for own in said.values() if isinstance(own, dict))]


def create_loop(
    model: Any,
    ends: Collection[int],
    rows: int,
    settings: WorkerSettings,
    cutter: Cutter | None = None,
) -> RollingLoop:
    """The loop for a model, with at most `rows` images at once, cut by `cutter` if they do not come cut."""
    model.get_decoder().set_attn_implementation(attention.NAME)
    return RollingLoop(
        model,
        ends,
        rows=rows,
        budget_tokens=settings.cache_tokens or _tokens_that_fit(model),
        prefill_tokens=settings.prefill_tokens,
        timeout_s=settings.job_timeout_s,
        shares_prefixes=settings.shared_prefixes,
        recorder=recorder_for(model.device, settings),
        cutter=cutter,
        in_place=in_place_for(model, settings),
    )


def _tokens_that_fit(model: Any) -> int:
    """How many tokens' keys and values the device has room for, now that the weights are there."""
    if model.device.type != "cuda":
        return _CPU_TOKENS
    torch.cuda.empty_cache()
    free_bytes, _ = torch.cuda.mem_get_info(model.device)
    return max(1, int(free_bytes * _FREE_SHARE) // bytes_per_token(model))


def bytes_per_token(model: Any) -> int:
    """What a token costs in the cache of a model that is loaded."""
    return bytes_of_token(model.config.get_text_config(), model.dtype.itemsize)


def bytes_of_token(text: Any, number_bytes: int) -> int:
    """What a token costs in a decoder's cache: a key and a value for each key head in every layer."""
    return int(2 * text.num_hidden_layers * text.num_key_value_heads * key_width(text) * number_bytes)
