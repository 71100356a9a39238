"""Rows attend to their blocks where they are in the pool: flash-attention is given a table of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from worker.engines.rolling.pool import Pool, Span, blocks_for


@dataclass(frozen=True)
class Tables:
    """The blocks of all rows that write, of which nothing is copied."""

    #: The blocks of each row in their order (rows × blocks, int32), filled up to the longest.
    blocks: torch.Tensor
    #: How many tokens each row attends to (int32), its last one among them.
    lengths: torch.Tensor

    @classmethod
    def of(cls, pool: Pool, rows: Sequence[Span]) -> "Tables":
        """Rows in their own order."""
        places = torch.tensor([row.begin for row in rows], device=pool.device)
        blocks = torch.from_numpy(table_of(rows, max(len(row.blocks) for row in rows)))
        return cls.at(blocks.to(pool.device), places)

    @classmethod
    def at(cls, blocks: torch.Tensor, places: torch.Tensor) -> "Tables":
        """Rows whose last tokens are at these places of theirs."""
        return cls(blocks.int(), (places + 1).int())

    def attend(
        self, query: torch.Tensor, pool: Pool, layer: int, window: int | None, scaling: float | None
    ) -> torch.Tensor:
        """Query: heads × rows × width; gives rows × heads × width."""
        assert pool.in_place
        return pool.in_place(
            query.transpose(0, 1)[:, None],
            pool.keys[layer],
            pool.values[layer],
            cache_seqlens=self.lengths,
            page_table=self.blocks,
            softmax_scale=scaling,
            # Of a token that is the last, how many before it are seen, and after it.
            window_size=(-1, -1) if window is None else (window - 1, 0),
        )[:, 0]


def table_of(rows: Sequence[Span], most: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """The first blocks of rows, so many of each; a row that has fewer is filled up with its first one.

    What is past a row's last token counts nothing, unless it is no number; its own blocks hold none.
    """
    table = np.empty((len(rows), most), np.int64)
    for row, blocks in zip(rows, table, strict=True):
        assert blocks_for(row.end) <= most
        own = row.blocks[:most]
        blocks[: len(own)], blocks[len(own) :] = own, row.blocks[0]
    return table
