"""The rows in flight, the blocks that they hold, and what each has said."""

from collections.abc import Sequence
from typing import Any

from worker.engines.rolling.penalty import RepetitionPenalty
from worker.engines.rolling.pool import BLOCK_TOKENS, Pool, Span, blocks_for
from worker.engines.rolling.rows import Request, Row


class Flight:
    """Rows that write, a token a step, and behind them those whose prompts are read.

    The writing ones are kept together at the front, and each has the place of its penalty.
    """

    def __init__(self, model: Any, rows: int) -> None:
        text, device = model.config.get_text_config(), model.device
        self.pool = Pool(text, device, model.dtype)
        factor = model.generation_config.repetition_penalty or 1
        self.penalty = RepetitionPenalty(factor, rows, text.vocab_size, device)
        self.writing: list[Row] = []
        self.reading: list[Row] = []
        self._begun = 0

    @property
    def rows(self) -> list[Row]:
        """All of them; may be called from any thread."""
        return [*self.writing, *self.reading]

    @property
    def held_blocks(self) -> int:
        """Blocks of the cache that they hold."""
        return self.pool.held

    def begin(self, request: Request) -> None:
        """Give a request its row, or the one that it had before it was put back."""
        self._begun += 1
        row = request.row = request.row or Row.of(request, self._begun)
        row.blocks = self.pool.take(blocks_for(row.length))
        self.reading.append(row)

    # Room

    def make_room(self, most_blocks: int) -> list[Row]:
        """Give a block more to each row that needs one for its next token; frees the newest for that.

        Gives those, oldest first. With `most_blocks` there is none left; a row alone has what it needs.
        """
        newest = []
        while len(self.rows) > 1 and self.held_blocks + len(self._full()) > most_blocks:
            newest.append(self._newest())
            self.release(newest[-1])
        for row in self._full():
            row.blocks.extend(self.pool.take(1))
        return newest[::-1]

    def _full(self) -> list[Row]:
        return [row for row in self.writing if row.cached == len(row.blocks) * BLOCK_TOKENS]

    def _newest(self) -> Row:
        """The last that began of those of batches; a single question only where there are no others."""
        return max(self.rows, key=lambda row: (not row.request.is_interactive, row.number))

    def newer_half(self) -> list[Row]:
        """Those that began last, oldest first: half of them at most."""
        rows = sorted(self.rows, key=lambda row: row.number)
        return rows[-(len(rows) // 2) :]

    def release(self, row: Row) -> None:
        """Free a row; the last one that writes moves to its place."""
        if row in self.reading:
            self.reading.remove(row)
        else:
            place, last = self.writing.index(row), self.writing.pop()
            if last is not row:
                self.writing[place] = last
                self.penalty.move(len(self.writing), place)
        self.pool.give_back(row.blocks)
        row.blocks, row.cached = row.blocks[:0], 0

    def clear(self) -> None:
        """Free all rows."""
        for row in self.rows:
            self.release(row)

    # Reading and writing

    def spans(self, most_tokens: int) -> list[tuple[Row, Span]]:
        """What the next step reads of prompts whose images have been seen: of each at most so many tokens.

        A block's at least, since each step reads all weights.
        """
        return [
            (row, Span(row.cached, min(row.length, row.cached + max(most_tokens, BLOCK_TOKENS)), row.blocks))
            for row in self.reading
            if row.request.prompt
        ]

    def advance(self, read: Sequence[tuple[Row, Span]]) -> None:
        """Note a step: what was read is in the cache, and rows whose prompts are read to the end write."""
        for row in self.writing:
            row.cached += 1
        for row, span in read:
            row.cached = span.end
            if row.cached == row.length:
                self.writing.append(row)
                self.reading.remove(row)
                row.request.prompt = None
