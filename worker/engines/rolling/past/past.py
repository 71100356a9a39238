"""What rows that write attend to: by a table of blocks where something takes one, else gathered."""

from collections.abc import Sequence

import torch

from worker.engines.rolling.past.grouping import Groups
from worker.engines.rolling.past.tables import Tables
from worker.engines.rolling.pool import Pool, Span

Past = Groups | Tables


def past_of(pool: Pool, rows: Sequence[Span]) -> Past:
    """What rows attend to, each up to its last token."""
    return Tables.of(pool, rows) if pool.in_place else Groups.of(pool, rows)


def past_at(pool: Pool, blocks: torch.Tensor, places: torch.Tensor) -> Past:
    """The same by tensors alone, so that it can be recorded: rows × blocks, and where each last token is."""
    return Tables.at(blocks, places) if pool.in_place else Groups.at(pool, blocks, places)
