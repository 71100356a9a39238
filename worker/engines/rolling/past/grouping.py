"""Which rows' keys and values are gathered together, so that little is padded and little copied at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import scaled_dot_product_attention

from worker.engines.rolling.past.masks import Masks
from worker.engines.rolling.past.tables import table_of
from worker.engines.rolling.pool import BLOCK_TOKENS, Pool, Span, blocks_for

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

    @classmethod
    def at(cls, pool: Pool, blocks: torch.Tensor, places: torch.Tensor) -> "Groups":
        """All rows in one group, by their blocks (rows × blocks) and the places of their last tokens."""
        there = torch.arange(len(places), device=pool.device)
        masks = Masks(places[:, None], blocks.shape[1] * BLOCK_TOKENS, pool.keys[0])
        return cls(there, there, [Group(slice(0, len(places)), blocks.flatten(), masks)])

    def attend(
        self, query: torch.Tensor, pool: Pool, layer: int, window: int | None, scaling: float | None
    ) -> torch.Tensor:
        """Query: heads × rows × width; gives rows × heads × width.

        Heads that share a key head are its queries: no key is repeated.
        """
        heads, rows, width = query.shape
        grouped = query.transpose(0, 1).reshape(rows, pool.heads, heads // pool.heads, width)
        grouped, parts = grouped.index_select(0, self.order), []
        for group in self.parts:
            own, seen = grouped[group.rows], group.masks.of(window)
            keys, values = pool.read(layer, group.blocks, own.shape[0], seen.shape[-1])
            parts.append(scaled_dot_product_attention(own, keys, values, seen, scale=scaling))
        return torch.cat(parts).index_select(0, self.back).reshape(rows, heads, width)


def most_blocks(pool: Pool) -> int:
    """How many blocks are gathered at once, at most."""
    return _AT_ONCE.get(pool.device.type, _AT_ONCE["cuda"]) // pool.bytes_of_a_block


def _group(pool: Pool, part: slice, rows: Sequence[Span]) -> Group:
    longest = rows[0].end
    blocks = torch.from_numpy(table_of(rows, blocks_for(longest))).flatten()
    places = torch.tensor([[row.begin] for row in rows], device=pool.device)
    return Group(part, blocks.to(pool.device), Masks(places, longest, pool.keys[0]))


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
