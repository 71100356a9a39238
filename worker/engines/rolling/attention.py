"""Attention in a step: of each row to its own past, and of parts of prompts to what is before them."""

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from worker.engines.rolling.passing import Pass

#: The name under which transformers knows it.
NAME = "eva01_rolling"


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: "Pass | torch.Tensor | None",
    scaling: float | None = None,
    sliding_window: int | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Attention over the tokens of a pass (1 × heads × tokens × width); gives 1 × tokens × heads × width.

    `sliding_window` is the layer's: how many tokens each one sees, itself among them; None for all.
    For any other mask, as in `generate`, it is transformers' own.
    """
    if not isinstance(attention_mask, Pass):
        out: torch.Tensor
        out, _ = sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **kwargs)
        return out, None
    now, layer, parts = attention_mask, module.layer_idx, []
    if now.past:
        parts.append(now.past.attend(query[0, :, : now.rows], now.pool, layer, sliding_window, scaling))
    for stretch in now.stretches:
        keys, values = key[:, :, stretch.place], value[:, :, stretch.place]
        if stretch.blocks is not None:
            keys, values = now.pool.read(layer, stretch.blocks, 1, stretch.end)
        seen = stretch.mask(sliding_window)
        parts.append(_attend_to_a_prompt(query[:, :, stretch.place], keys, values, seen, scaling))
    return torch.cat(parts)[None], None


def _attend_to_a_prompt(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    seen: torch.Tensor | None,
    scaling: float | None,
) -> torch.Tensor:
    """A part of a prompt (1 × heads × length × width); gives length × heads × width."""
    if seen is not None:
        # None of torch's fast kernels for a GPU takes a mask where there are fewer key heads.
        shared = query.shape[1] // key.shape[1]
        key, value = repeat_kv(key, shared), repeat_kv(value, shared)
    out = scaled_dot_product_attention(
        query, key, value, attn_mask=seen, is_causal=seen is None, scale=scaling, enable_gqa=seen is None
    )
    return out[0].transpose(0, 1)


def mask(*sizes: Any, attention_mask: "Pass | torch.Tensor | None" = None, **kwargs: Any) -> Any:
    """The mask of a model's layers: a pass is its own, and any other is transformers'."""
    if isinstance(attention_mask, Pass):
        return attention_mask
    return sdpa_mask(*sizes, attention_mask=attention_mask, **kwargs)


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, mask)
