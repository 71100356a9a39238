"""What differs from one step of rows to the next, always in the same place of memory."""

from collections.abc import Sequence

import numpy as np
import torch

from worker.engines.rolling.passing import Pass
from worker.engines.rolling.past.past import past_at
from worker.engines.rolling.past.tables import table_of
from worker.engines.rolling.pool import BLOCK_TOKENS, Pool
from worker.engines.rolling.rows import Row

#: Numbers of a row besides its blocks: its last token, and where that is: in its text, the row and the pool.
_NUMBERS = 4


class Inputs:
    """Those of `rows` rows of up to `blocks` blocks each; fewer are filled up with the first of them.

    A row that is there twice writes the same into the same place twice, so that nothing has to be set apart
    for those that are not there.
    """

    def __init__(self, pool: Pool, rows: int, blocks: int) -> None:
        self._pool, self._rows = pool, rows
        #: All of them one behind the other, so that they are brought to the device at once.
        self._host = np.zeros(rows * (_NUMBERS + blocks), np.int64)
        self._there = torch.from_numpy(self._host).to(pool.device, copy=True)
        self._table = self._host[_NUMBERS * rows :].reshape(rows, blocks)
        self.tokens, self.positions, self._places, self._slots, self._blocks = self._there.split(
            [*[rows] * _NUMBERS, rows * blocks]
        )

    def fill(self, rows: Sequence[Row]) -> None:
        """Put in what the next step of these rows needs."""
        spans = [row.last for row in rows]
        numbers = self._host[: _NUMBERS * self._rows].reshape(_NUMBERS, self._rows)
        numbers[:, : len(rows)] = (
            [row.generated[-1] for row in rows],
            [row.next_position for row in rows],
            [span.begin for span in spans],
            [
                span.blocks[span.begin // BLOCK_TOKENS] * BLOCK_TOKENS + span.begin % BLOCK_TOKENS
                for span in spans
            ],
        )
        numbers[:, len(rows) :] = numbers[:, :1]
        self._table[: len(rows)] = table_of(spans, self._table.shape[1])
        self._table[len(rows) :] = self._table[0]
        self._there.copy_(torch.from_numpy(self._host))

    def as_pass(self) -> Pass:
        """One pass over them. Nothing in it depends on what they are, so it can be recorded."""
        past = past_at(self._pool, self._blocks.view(self._rows, -1), self._places)
        return Pass(self._pool, self._rows, past, [], self._slots)
