"""Which rows' keys and values are gathered together, so that little is padded and little copied at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from worker.engines.rolling.masks import Masks
from worker.engines.rolling.pool import Pool, Span, blocks_for

#: Bytes of keys and values that are gathered at once, by kind of device: on a CPU, what its cache may hold.
_AT_ONCE = {"cpu": 4 << 20, "cuda": 256 << 20}
#: By this part of that, rows are padded to the longest among them; beyond it another call costs less.
_SPARE = 16


@dataclass(frozen=True)
class Group:
    """Rows whose past is gathered together."""

    #: Which, in the order of the groups.
    rows: slice
    #: The blocks of one after the other, each as many as the longest has.
    blocks: torch.Tensor
    #: What each attends to.
    masks: Masks


@dataclass(frozen=True)
class Groups:
    """All rows that write, in groups."""

    #: The rows in the order of the groups, and where each row is there.
    order: torch.Tensor
    back: torch.Tensor
    parts: Sequence[Group]

    @classmethod
    def of(cls, pool: Pool, rows: Sequence[Span]) -> "Groups":
        """Rows of like lengths together, the longest first."""
        order = sorted(range(len(rows)), key=lambda row: -rows[row].end)
        rows = [rows[row] for row in order]
        most = most_blocks(pool)
        parts = grouped([blocks_for(row.end) for row in rows], most, most // _SPARE)
        there = torch.tensor(order, device=pool.device)
        return cls(there, there.argsort(), [_group(pool, part, rows[part]) for part in parts])


def most_blocks(pool: Pool) -> int:
    """How many blocks are gathered at once, at most."""
    return _AT_ONCE.get(pool.device.type, _AT_ONCE["cuda"]) // pool.bytes_of_a_block


def _group(pool: Pool, part: slice, rows: Sequence[Span]) -> Group:
    longest = rows[0].end
    table = np.empty((len(rows), blocks_for(longest)), np.int64)
    for row, blocks in zip(rows, table, strict=True):
        # Padded with its own: what is masked counts nothing, unless it is no number.
        blocks[: len(row.blocks)], blocks[len(row.blocks) :] = row.blocks, row.blocks[0]
    places = torch.tensor([[row.begin] for row in rows], device=pool.device)
    masks = Masks(places, longest, pool.keys[0])
    return Group(part, torch.from_numpy(table).flatten().to(pool.device), masks)


def grouped(blocks: Sequence[int], most: int, spare: int) -> list[slice]:
    """Neighbours of rows with so many blocks each, the largest first.

    Padded to the first of them they have at most `most` blocks together, of which `spare` are padding; a row
    alone has what it has.

    >>> grouped([9, 8, 4, 4, 1], most=20, spare=3)
    [slice(0, 2, None), slice(2, 5, None)]
    """
    parts, begin, padding = [], 0, 0
    for row, count in enumerate(blocks):
        padding += blocks[begin] - count
        if row > begin and ((row + 1 - begin) * blocks[begin] > most or padding > spare):
            parts.append(slice(begin, row))
            begin, padding = row, 0
    return [*parts, slice(begin, len(blocks))]
