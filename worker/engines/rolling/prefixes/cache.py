"""The blocks in which beginnings of prompts are kept, for the next that begins alike.

A block is noted once a prompt has filled it; nothing is written there any more. It stays after the last row
that holds it has ended, until its room is needed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from worker.engines.rolling.pool import BLOCK_TOKENS
from worker.engines.rolling.prefixes.keys import Prefix


class Found(NamedTuple):
    """What is there of a prompt: its first `tokens`, in whole `blocks`.

    Those that fill no whole block are the first of `partial`, in which others follow that are not its own.
    """

    tokens: int
    blocks: Sequence[int]
    partial: int | None = None


@dataclass
class _Noted:
    """A block with the beginnings that end in it."""

    keys: list[bytes] = field(default_factory=list)
    #: How many rows hold it.
    rows: int = 0


class PrefixCache:
    """Who takes blocks out of it holds them, and releases them once."""

    def __init__(self) -> None:
        self._blocks: dict[bytes, int] = {}
        self._noted: dict[int, _Noted] = {}
        #: Those that no row holds, from the one whose room is taken first.
        self._idle: dict[int, None] = {}

    def __contains__(self, key: bytes) -> bool:
        return key in self._blocks

    @property
    def idle(self) -> int:
        """Blocks that no row holds."""
        return len(self._idle)

    def find(self, prefix: Prefix, most_tokens: int) -> Found:
        """The longest beginning that is there, of so many tokens at most."""
        blocks: list[int] = []
        for key in prefix.keys[: most_tokens // BLOCK_TOKENS]:
            if key not in self._blocks:
                break
            blocks.append(self._blocks[key])
        tokens = len(blocks) * BLOCK_TOKENS
        for sight in reversed(prefix.sights):
            if tokens < sight.end <= min(most_tokens, tokens + BLOCK_TOKENS) and sight.key in self._blocks:
                return Found(sight.end, blocks, self._blocks[sight.key])
        tokens = prefix.outside(tokens)
        return Found(tokens, blocks[: tokens // BLOCK_TOKENS])

    def is_held(self, block: int) -> bool:
        """Whether a row holds a block."""
        return block in self._noted and block not in self._idle

    def hold(self, blocks: Iterable[int]) -> None:
        """A row more holds blocks that were found."""
        for block in blocks:
            self._noted[block].rows += 1
            self._idle.pop(block, None)

    def note(self, prefix: Prefix, blocks: Sequence[int]) -> None:
        """A row has read its prompt into its blocks."""
        for key, block in zip(prefix.keys, blocks, strict=False):
            if key not in self._blocks:
                self._add(key, block)
        for sight in prefix.sights:
            if sight.end % BLOCK_TOKENS:
                # The end of an image is to stay as long as its newest reader's other blocks.
                if sight.key in self._blocks:
                    self._noted[self._blocks[sight.key]].keys.remove(sight.key)
                self._add(sight.key, blocks[sight.end // BLOCK_TOKENS])

    def _add(self, key: bytes, block: int) -> None:
        self._blocks[key] = block
        self._noted.setdefault(block, _Noted(rows=1)).keys.append(key)

    def release(self, blocks: Sequence[int]) -> list[int]:
        """A row holds its blocks no more; gives those that have nothing for others.

        Of what stays the last block goes first, since it is worth nothing without those before it.
        """
        unknown = []
        for block in reversed(blocks):
            noted = self._noted.get(block)
            if noted is None:
                unknown.append(block)
                continue
            noted.rows -= 1
            if not noted.rows:
                self._idle[block] = None
        return unknown

    def evict(self, count: int) -> list[int]:
        """Forget so many blocks that no row holds, as far as there are any; gives them."""
        evicted = list(islice(self._idle, count))
        for block in evicted:
            del self._idle[block]
            for key in self._noted.pop(block).keys:
                del self._blocks[key]
        return evicted
