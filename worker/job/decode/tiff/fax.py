"""Whether a fax in a TIFF is whole, code by code: its decoder makes up damaged rows, and says nothing.

    strip ──► row ──► codes whose runs make up the width ──► … ──► as many rows as there have to be
                        └── not so, but lines have ends (Group 3): on from the next, and drawn here

Of a whole one nothing is drawn: of each row only the places are kept where its color changes, for the row
below. Where some rows of many are damaged, as by noise on the line, the others are drawn, and each damaged
one shows what the row above does, as fax machines do it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np

from jobs.formats import tiff
from jobs.formats.images import truncated_image, unsupported_format
from worker.job.decode.tiff.fax_codes import BITS, MODE, PASS, RUN, RUNS

RLE, GROUP_3, GROUP_4 = 2, 3, 4
FAXES = frozenset({RLE, GROUP_3, GROUP_4})
_T4_OPTIONS, _TWO_DIMENSIONAL = 292, 1
#: Codes in one image; a page of text has a hundred thousand, a photograph in dots some millions.
_MOST_CODES = 10_000_000
#: Zeros that begin an end of line.
_EOL_ZEROS = 11
#: Ends of line that end a page: between them are no rows.
_ENDS_OF_PAGE = 6
#: How long it takes to get over a damaged row, in runs.
_RUNS_OF_A_DAMAGED_ROW = 400
#: Bytes in which the next end of line is looked for at first, and at most at a time.
_LOOKED_AHEAD_BYTES = (256, 65_536)
#: Bytes behind the last row without a meaning.
_FILLED_BYTES = 3
_NOT_ZERO = re.compile(rb"[^\0]")
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class _DamagedError(Exception):
    """Raised where bits are no code, or where runs do not make up a row."""


@dataclass(frozen=True)
class _Block:
    """A strip, or a tile."""

    data: bytes
    #: The row of the image that is its first.
    top: int
    width: int
    rows: int
    is_tile: bool
    #: True when a part of it lies behind the end of the file.
    is_cut: bool


@dataclass(frozen=True)
class Fax:
    """What is there of a fax."""

    #: How many rows, from the top; all, unless its end is missing.
    rows: int
    #: All rows, a bit a pixel, 1 for black, where some were damaged; else None, and its decoder may draw it.
    drawn: bytes | None = None


def look_at(data: bytes, directory: tiff.Directory) -> Fax:
    """What is there of a fax.

    Raises ImageRejected (`truncated_image` for one that is damaged, but for a few rows of Group 3;
    `unsupported_format`).
    """
    compression = directory.number(tiff.COMPRESSION)
    is_2d = bool(directory.number(_T4_OPTIONS) & _TWO_DIMENSIONAL)
    blocks = [*_blocks(data, directory)]
    budget, end = _MOST_CODES, 0
    for number, block in enumerate(blocks, 1):
        rows = _Rows(block, compression, is_2d, budget)
        try:
            rows.check()
        except _DamagedError as error:
            if block.is_cut and rows.is_at_end:
                return Fax(block.top + (0 if block.is_tile else rows.row))
            what = f"row {rows.row + 1:,} of {block.rows:,} in its strip {number:,} is no row of a fax"
            if compression == GROUP_3 and not any(one.is_tile or one.is_cut for one in blocks):
                drawn = _drawn(blocks, is_2d=is_2d, budget=rows.budget, what=what)
                return Fax(directory.number(tiff.HEIGHT), drawn)
            raise truncated_image(what) from error
        budget, end = rows.budget, block.top + block.rows
    return Fax(min(end, directory.number(tiff.HEIGHT)))


def _drawn(blocks: Sequence[_Block], *, is_2d: bool, budget: int, what: str) -> bytes:
    """All rows of a fax with ends of lines; raises ImageRejected where most are damaged."""
    pixels, damaged, most = bytearray(), 0, sum(block.rows for block in blocks) // 2
    for block in blocks:
        rows = _Rows(block, GROUP_3, is_2d, budget)
        drawn: list[bytes | None] = []
        for changes in islice(rows.between_ends_of_line(), 2 * block.rows + _ENDS_OF_PAGE):
            drawn.append(None if changes is None else _bits(changes, block.width))
        budget = rows.budget
        drawn = _as_many(drawn, block.rows)
        damaged += drawn.count(None)
        if damaged > most:
            raise truncated_image(f"{what}, and most others are none")
        shown = bytes(-(-block.width // 8))
        for row in drawn:
            shown = row or shown
            pixels += shown
    return bytes(pixels)


def _as_many(rows: list[bytes | None], count: int) -> list[bytes | None]:
    """The rows of a strip, as many as it has: noise may hide an end of line, or look like one."""
    while rows and rows[-1] is None and len(rows) > count:
        rows.pop()
    while len(rows) > count:
        rows.remove(None) if None in rows else rows.pop()
    place = rows.index(None) if None in rows else len(rows)
    return [*rows[:place], *[None] * (count - len(rows)), *rows[place:]]


def _bits(changes: Sequence[int], width: int) -> bytes:
    """A row by the places where its color changes, white first, eight pixels a byte."""
    flips = np.zeros(width + 1, dtype=np.uint8)
    np.add.at(flips, np.minimum(changes, width), 1)
    return np.packbits(np.cumsum(flips[:width], dtype=np.uint32) & 1).tobytes()


class _Rows:
    """Goes through the rows of a strip."""

    def __init__(self, block: _Block, compression: int, is_2d: bool, budget: int) -> None:
        self._width, self._rows = block.width, block.rows
        self._compression, self._is_2d = compression, is_2d
        self._end = 8 * len(block.data)
        each = np.frombuffer(block.data + bytes(8), dtype=np.uint8).astype(np.uint32)
        self._data = block.data
        self._bytes = np.frombuffer(block.data, dtype=np.uint8)
        #: The three bytes from each byte on.
        self._words = memoryview((each[:-2] << 16 | each[1:-1] << 8 | each[2:]).data)
        self._place = 0
        self.budget = budget
        self.row = 0

    @property
    def is_at_end(self) -> bool:
        """True when the next code would not be there."""
        return self._place + BITS > self._end

    def check(self) -> None:
        """Raises _DamagedError where it is damaged."""
        changes: list[int] = []
        for row in range(self._rows):
            self.row = row
            if self._compression == GROUP_3:
                self._end_of_line()
            changes = self._coded_row(changes)
        if self._compression == GROUP_4:
            self._end_of_group_4()

    def between_ends_of_line(self) -> Iterator[list[int] | None]:
        """Where the color changes in each row, up to the end of the data; None for one that is damaged."""
        self._to_end_of_line()
        above: list[int] | None = []
        while self._place < self._end:
            start = self._place
            try:
                above = self._row_by(above)
                # Where none follows, what made up the width was not this row.
                self._end_of_line_or_data()
            except _DamagedError:
                above, self._place = None, start
                self._to_end_of_line()
                self._pay(_RUNS_OF_A_DAMAGED_ROW)
            yield above

    def _end_of_line_or_data(self) -> None:
        if self._end - self._place > 8 * (_FILLED_BYTES + 1):
            self._end_of_line()
        else:
            self._place = self._end

    def _row_by(self, above: list[int] | None) -> list[int]:
        """The next row; raises _DamagedError as well where it is told by one above that is not known."""
        if above is None and self._is_2d and not self._next(1):
            raise _DamagedError
        return self._coded_row(above or [])

    def _coded_row(self, above: list[int]) -> list[int]:
        if self._compression == GROUP_4 or (self._is_2d and self._compression == GROUP_3 and not self._bit()):
            changes = self._by_the_row_above(above)
        else:
            changes = self._by_runs()
        if self._compression == RLE:
            self._place += -self._place % 8
        if self._place > self._end:
            raise _DamagedError
        self._pay(1 + len(changes))
        return changes

    def _pay(self, runs: int) -> None:
        """Raises ImageRejected (`unsupported_format`) for a fax of too many runs."""
        self.budget -= runs
        if self.budget < 0:
            raise unsupported_format(
                f"a fax of more than {_MOST_CODES:,} runs", "Save it as PNG, or with LZW"
            )

    def _to_end_of_line(self) -> None:
        """Go behind the next end of line, wherever it is; to the end where there is none."""
        place, size, last_one = self._place >> 3, _LOOKED_AHEAD_BYTES[0], self._place - 1
        while 8 * place < self._end:
            ones = np.flatnonzero(np.unpackbits(self._bytes[place : place + size])) + 8 * place
            ones = ones[ones > last_one]
            found = np.flatnonzero(np.diff(ones, prepend=last_one) > _EOL_ZEROS)
            if len(found):
                self._place = int(ones[found[0]]) + 1
                return
            last_one = int(ones[-1]) if len(ones) else last_one
            place, size = place + size, min(2 * size, _LOOKED_AHEAD_BYTES[1])
        self._place = self._end

    def _next(self, bits: int) -> int:
        """The next bits, up to 17 of them; zeros behind the end."""
        place = min(self._place, self._end)
        return self._words[place >> 3] >> (24 - bits - (place & 7)) & ((1 << bits) - 1)

    def _bit(self) -> int:
        bit = self._next(1)
        self._place += 1
        return bit

    def _end_of_line(self) -> None:
        start = self._place
        if not self._next(BITS):
            # Any number of zeros may fill a line up.
            found = _NOT_ZERO.search(self._data, (start >> 3) + 1)
            self._place = 8 * found.start() if found else self._end
        zeros = self._place - start
        more = BITS - self._next(BITS).bit_length()
        if zeros + more < _EOL_ZEROS:
            raise _DamagedError
        self._place += more + 1

    def _end_of_group_4(self) -> None:
        first = self._next(12)
        self._place += 12
        if first == 1 and self._next(12) == 1:
            return
        left = self._end - (self._place - 12)
        if left > 8 * (_FILLED_BYTES + 1):
            raise _DamagedError

    def _by_runs(self) -> list[int]:
        changes, at, color, width = [], 0, 0, self._width
        while at < width:
            at += self._run(color)
            changes.append(at)
            color ^= 1
        if at > width:
            raise _DamagedError
        return changes

    def _run(self, color: int) -> int:
        table, words, total = RUN[color], self._words, 0
        while self._place <= self._end:
            place = self._place
            bits, run = table[words[place >> 3] >> (11 - (place & 7)) & 0x1FFF]
            if not bits:
                break
            self._place += bits
            total += run
            if run < 64:
                return total
        raise _DamagedError

    def _by_the_row_above(self, above: list[int]) -> list[int]:
        width, words, end = self._width, self._words, self._end
        above = [*above, width, width, width]
        changes: list[int] = []
        # The place and the color so far, and the next change above to the other color.
        at, color, n = -1, 0, 0
        while at < width:
            place = self._place
            if place > end:
                raise _DamagedError
            bits, mode = MODE[words[place >> 3] >> (17 - (place & 7)) & 0x7F]
            if not bits:
                raise _DamagedError
            self._place = place + bits
            if mode == PASS:
                at = above[n + 1]
            elif mode == RUNS:
                first = max(at, 0) + self._run(color)
                at = first + self._run(color ^ 1)
                changes += (first, at)
            else:
                there = above[n] + mode
                if there <= at:
                    raise _DamagedError
                at = there
                changes.append(at)
                color ^= 1
                n += -1 if n else 1
            while above[n] <= at < width:
                n += 2
        if at > width:
            raise _DamagedError
        return changes


def _blocks(data: bytes, directory: tiff.Directory) -> Iterator[_Block]:
    width, height = directory.number(tiff.WIDTH), directory.number(tiff.HEIGHT)
    is_tiled = tiff.TILE_WIDTH in directory
    if is_tiled:
        places, sizes = directory.numbers(tiff.TILE_OFFSETS), directory.numbers(tiff.TILE_BYTES)
        each = directory.number(tiff.TILE_HEIGHT)
        wide = directory.number(tiff.TILE_WIDTH)
        across = -(-width // max(1, wide))
    else:
        places, sizes = directory.numbers(tiff.STRIP_OFFSETS), directory.numbers(tiff.STRIP_BYTES)
        each = min(height, directory.number(tiff.ROWS_PER_STRIP, height) or height)
        wide, across = width, 1
    if len(sizes) < len(places):
        ends = dict(pairwise([*sorted(set(places)), len(data)]))
        sizes = tuple(ends[place] - place for place in places)
    there = [min(size, max(0, len(data) - place)) for place, size in zip(places, sizes, strict=False)]
    if sum(there) > len(data):
        raise truncated_image("its strips lie over each other")
    is_reversed = directory.number(tiff.FILL_ORDER, 1) == 2
    for n, (place, size, size_there) in enumerate(zip(places, sizes, there, strict=False)):
        top = n // across * each
        if top >= height:
            return
        coded = data[place : place + size_there]
        coded = coded.translate(_REVERSED) if is_reversed else coded
        rows = each if is_tiled else min(each, height - top)
        yield _Block(coded, top, wide, rows, is_tiled, is_cut=size_there < size)
