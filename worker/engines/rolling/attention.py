"""Attention in a step: a row attends to its own past, and a token of a new prompt to those before it."""

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from worker.engines.rolling.grouping import Groups
from worker.engines.rolling.passing import Pass
from worker.engines.rolling.pool import Pool

#: The name under which transformers knows it.
NAME = "eva01_rolling"


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: "Pass | torch.Tensor | None",
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Attention over the tokens of a pass (1 × heads × tokens × width); gives 1 × tokens × heads × width.

    For any other mask, as in `generate`, it is transformers' own.
    """
    if not isinstance(attention_mask, Pass):
        out: torch.Tensor
        out, _ = sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **kwargs)
        return out, None
    now, layer, parts = attention_mask, module.layer_idx, []
    if now.past:
        parts.append(_attend_to_the_past(query[0, :, : now.rows], now.pool, now.past, layer, scaling))
    for stretch in now.stretches:
        own = query[:, :, stretch.place]
        keys, values = key[:, :, stretch.place], value[:, :, stretch.place]
        earlier = stretch.earlier
        if earlier:
            keys, values = now.pool.read(layer, earlier.blocks, 1, earlier.mask.shape[-1])
        out = scaled_dot_product_attention(
            *(own, keys, values),
            attn_mask=earlier.mask if earlier else None,
            is_causal=earlier is None,
            scale=scaling,
            enable_gqa=True,
        )
        parts.append(out[0].transpose(0, 1))
    return torch.cat(parts)[None], None


def _attend_to_the_past(
    query: torch.Tensor, pool: Pool, past: Groups, layer: int, scaling: float | None
) -> torch.Tensor:
    """Query: heads × rows × width. Heads that share a key head are its queries: no key is repeated."""
    heads, rows, width = query.shape
    grouped = query.transpose(0, 1).reshape(rows, pool.heads, heads // pool.heads, width)
    grouped, parts = grouped.index_select(0, past.order), []
    for group in past.parts:
        own = grouped[group.rows]
        keys, values = pool.read(layer, group.past.blocks, own.shape[0], group.past.mask.shape[-1])
        parts.append(scaled_dot_product_attention(own, keys, values, group.past.mask, scale=scaling))
    return torch.cat(parts).index_select(0, past.back).reshape(rows, heads, width)


def mask(*sizes: Any, attention_mask: "Pass | torch.Tensor | None" = None, **kwargs: Any) -> Any:
    """The mask of a model's layers: a pass is its own, and any other is transformers'."""
    if isinstance(attention_mask, Pass):
        return attention_mask
    return sdpa_mask(*sizes, attention_mask=attention_mask, **kwargs)


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, mask)
