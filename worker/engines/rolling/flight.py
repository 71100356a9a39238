"""The rows in flight, the blocks that they hold, and what each has said."""

from array import array
from collections.abc import Sequence
from typing import Any

from worker.engines.rolling.penalty import RepetitionPenalty
from worker.engines.rolling.pool import BLOCK_TOKENS, InPlace, Pool, Span, blocks_for
from worker.engines.rolling.prefixes.cache import Found, PrefixCache
from worker.engines.rolling.rows import Request, Row


class Flight:
    """Rows that write, a token a step, and behind them those whose prompts are read.

    The writing ones are kept together at the front, and each has the place of its penalty.
    """

    def __init__(self, model: Any, rows: int, in_place: InPlace | None = None) -> None:
        text, device = model.config.get_text_config(), model.device
        self.pool = Pool(text, device, model.dtype, in_place)
        self.prefixes = PrefixCache()
        #: What is copied before the next step, of a block that is held for that, to a row's own.
        self._copies: dict[Row, tuple[Span, Span]] = {}
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
        return self.pool.held - self.prefixes.idle

    def found(self, request: Request) -> Found:
        """What others have read of a request's prompt; its last token is never among it."""
        return self.prefixes.find(request.prefix, request.length - 1)

    def waits(self, request: Request) -> bool:
        """True while a row is read that begins as the request does, up to the end of an image."""
        reading = {sight.key for row in self.reading for sight in row.request.prefix.sights}
        return any(sight.key in reading and sight.key not in self.prefixes for sight in request.prefix.sights)

    def share(self, row: Row) -> None:
        """Let others have what was read of a row's prompt."""
        self.prefixes.note(row.request.prefix, row.blocks)

    def begin(self, request: Request) -> None:
        """Give a request its row, or the one that it had before it was put back."""
        self._begun += 1
        found = self.found(request)
        row = request.row = request.row or Row.of(request, self._begun)
        self.prefixes.hold(found.blocks)
        row.blocks, row.cached = array("q", found.blocks), found.tokens
        if found.partial is not None:
            self.prefixes.hold([found.partial])
        row.blocks.extend(self._take(blocks_for(row.length) - len(found.blocks)))
        if found.partial is not None:
            count, own = found.tokens % BLOCK_TOKENS, row.blocks[len(found.blocks)]
            self._copies[row] = Span(0, count, [found.partial]), Span(0, count, [own])
        if request.prompt and request.prompt.begin > row.cached:
            # It was made when more of it was there.
            request.prompt = None
        self.reading.append(row)

    def _take(self, count: int) -> "array[int]":
        """Blocks, for which those go that no row holds before the pool grows."""
        self.pool.give_back(self.prefixes.evict(max(0, count - self.pool.room)))
        return self.pool.take(count)

    # Room

    def make_room(self, most_blocks: int) -> list[Row]:
        """Give a block more to each row that needs one for its next token; frees the newest for that.

        Gives those, oldest first. With `most_blocks` there is none left; a row alone has what it needs.
        """
        if not self.rows and self.pool.count > most_blocks:
            self.pool.give_back(self.prefixes.evict(self.prefixes.idle))
        newest = []
        while len(self.rows) > 1 and self.held_blocks + len(self._full()) > most_blocks:
            newest.append(self._newest())
            self.release(newest[-1])
        for row in self._full():
            row.blocks.extend(self._take(1))
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
        self._let_go(row)
        self.pool.give_back(self.prefixes.release(row.blocks))
        row.blocks, row.cached = row.blocks[:0], 0

    def _let_go(self, row: Row) -> None:
        """Hold no block any more to copy it for a row."""
        if copy := self._copies.pop(row, None):
            self.prefixes.release(copy[0].blocks)

    def clear(self) -> None:
        """Free all rows."""
        for row in self.rows:
            self.release(row)

    def reserve(self, most_blocks: int) -> None:
        """Have room for all blocks that rows hold, with what they have in common with others; see Pool."""
        self.pool.reserve(most_blocks)
        if self._copies:
            self.pool.copy([*self._copies.values()])
            for row in [*self._copies]:
                self._let_go(row)

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
