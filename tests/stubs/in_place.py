"""Attention by tables of blocks, in plain torch: what flash-attention 3 does on a GPU, row by row."""

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention


class InPlace:
    """As `flash_attn_with_kvcache`: queries are rows × tokens × heads × width, with a token a row."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(
        self,
        q: torch.Tensor,
        k_cache: torch.Tensor,
        v_cache: torch.Tensor,
        *,
        cache_seqlens: torch.Tensor,
        page_table: torch.Tensor,
        softmax_scale: float | None,
        window_size: tuple[int, int],
    ) -> torch.Tensor:
        self.calls += 1
        assert q.shape[1] == 1
        assert cache_seqlens.dtype is page_table.dtype is torch.int32
        rows: Any = zip(q, cache_seqlens.tolist(), page_table.tolist(), strict=True)
        out = []
        for query, length, blocks in rows:
            left, right = window_size
            assert (left, right) == (-1, -1) or right == 0
            first = max(0, length - 1 - left) if left >= 0 else 0
            keys, values = (cache[blocks].flatten(0, 1)[first:length] for cache in (k_cache, v_cache))
            query, keys, values = (one.transpose(0, 1)[None] for one in (query, keys, values))
            attended = scaled_dot_product_attention(query, keys, values, scale=softmax_scale, enable_gqa=True)
            out.append(attended[0].transpose(0, 1))
        return torch.stack(out)
