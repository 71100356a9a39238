"""Which rows' keys and values are gathered together, so that little is padded and little copied at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from worker.engines.rolling.pool import Pool, Span, blocks_for

#: Bytes of keys and values that are gathered at once, by kind of device: on a CPU, what its cache may hold.
_AT_ONCE = {"cpu": 4 << 20, "cuda": 256 << 20}
#: By this part of that, rows are padded to the longest among them; beyond it another call costs less.
_SPARE = 16


@dataclass(frozen=True)
class Past:
    """What spans attend to, which are as long as each other."""

    #: The blocks of one after the other, each as many as the longest has.
    blocks: torch.Tensor
    #: What is added to how much each token attends to each: spans × 1 × tokens of a span × tokens.
    mask: torch.Tensor

    @classmethod
    def of(cls, pool: Pool, spans: Sequence[Span]) -> "Past":
        """Each token attends to those of its row before it, and to itself; the longest row is the first."""
        longest = spans[0].end
        table = np.zeros((len(spans), blocks_for(longest)), np.int64)
        for span, blocks in zip(spans, table, strict=True):
            own = span.blocks[: blocks_for(span.end)]
            blocks[: len(own)] = own
        tokens = np.array([range(span.begin, span.end) for span in spans])
        is_hidden = np.arange(longest) > tokens[..., None]
        hidden = torch.from_numpy(is_hidden[:, None]).to(pool.device)
        return cls(torch.from_numpy(table).flatten().to(pool.device), pool.hiding(hidden))


@dataclass(frozen=True)
class Group:
    """Rows whose past is gathered together: which, in the order of the groups."""

    rows: slice
    past: Past


class Groups:
    """All rows that write, in groups, the longest first."""

    def __init__(self, pool: Pool, rows: Sequence[Span]) -> None:
        order = sorted(range(len(rows)), key=lambda row: -rows[row].end)
        rows = [rows[row] for row in order]
        most = _AT_ONCE.get(pool.device.type, _AT_ONCE["cuda"]) // pool.bytes_of_a_block
        parts = grouped([blocks_for(row.end) for row in rows], most, most // _SPARE)
        #: The rows in the order of the groups, and where each row is there.
        self.order = torch.tensor(order, device=pool.device)
        self.back = self.order.argsort()
        self.parts = [Group(part, Past.of(pool, rows[part])) for part in parts]


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
