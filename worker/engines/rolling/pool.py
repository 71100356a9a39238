"""The keys and values of all rows in flight: blocks of tokens in one pool of each a layer.

A row holds as many blocks as its tokens fill, in any places of the pool; nothing is kept for what it has not
said yet. A block is tokens × heads × width.
"""

from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch

#: Tokens of a block.
BLOCK_TOKENS = 16
#: What attends to blocks by a table of them; called as `flash_attn_with_kvcache` of flash-attention 3 is.
InPlace = Callable[..., torch.Tensor]
#: The pool grows by this part of its size, and by so many blocks at least, so that it seldom has to.
_GROWTH, _LEAST_GROWTH = 8, 64


def blocks_for(tokens: int) -> int:
    """How many blocks so many tokens fill, the last one perhaps in part.

    >>> blocks_for(16), blocks_for(17)
    (1, 2)
    """
    return -(-tokens // BLOCK_TOKENS)


class Span(NamedTuple):
    """Tokens `begin` to `end` of a row; `blocks` are all that it holds."""

    begin: int
    end: int
    blocks: Sequence[int]


def key_width(config: Any) -> int:
    """How many numbers a key has by a decoder's config, and a value."""
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


class Pool:
    """As many blocks as rows in flight hold; who takes them sees to it that these are not too many."""

    def __init__(
        self, config: Any, device: torch.device, dtype: torch.dtype, in_place: InPlace | None = None
    ) -> None:
        #: What attends to blocks where they are; None where they are gathered first.
        self.in_place = in_place
        self.heads = heads = config.num_key_value_heads
        self._none = torch.empty(0, BLOCK_TOKENS, heads, key_width(config), device=device, dtype=dtype)
        self.keys = [self._none] * config.num_hidden_layers
        self.values = [self._none] * config.num_hidden_layers
        #: Those below `_count` that nobody holds, and those in which a row has left something.
        self._free, self._left = array("q"), array("q")
        self._count = 0
        self._rooms = (self._none, self._none)
        #: Counts how often it was put elsewhere in memory.
        self.moves = 0

    @property
    def held(self) -> int:
        """Blocks that are held."""
        return self._count - len(self._free)

    @property
    def room(self) -> int:
        """Blocks that can be taken before it has to grow."""
        return len(self._free) + max(0, self.values[-1].shape[0] - self._count)

    @property
    def count(self) -> int:
        """Blocks up to the last one that was taken."""
        return self._count

    def take(self, count: int) -> "array[int]":
        """So many blocks more are held; there is room for them after `reserve`."""
        kept = max(0, len(self._free) - count)
        taken, self._free = self._free[kept:], self._free[:kept]
        more = count - len(taken)
        taken.extend(range(self._count, self._count + more))
        self._count += more
        return taken

    def give_back(self, blocks: Iterable[int]) -> None:
        """Blocks are held no more."""
        blocks = array("q", blocks)
        self._free.extend(blocks)
        self._left.extend(blocks)
        if not self.held:
            self._free, self._count = array("q"), 0

    def reserve(self, most: int) -> None:
        """Have room for all blocks that are held, layer by layer, and keep what is in them.

        With `most` blocks it grows no further than it must. May fail for lack of memory, and can be tried
        again then.
        """
        have = min(tensor.shape[0] for tensor in (*self.keys, *self.values))
        if have > max(most, self._count):
            self._resize(max(most, self._count))
        elif have < self._count:
            grown = have + max(have // _GROWTH, _LEAST_GROWTH)
            self._resize(max(self._count, min(most, grown)))
        self._empty_those_left()

    def _empty_those_left(self) -> None:
        """What no row has written is masked, and has to be a number for that."""
        left = [block for block in self._left if block < self.keys[0].shape[0]]
        if left:
            places = torch.tensor(left, device=self.device)
            for tensor in (*self.keys, *self.values):
                tensor.index_fill_(0, places, 0)
        self._left = array("q")

    def _resize(self, count: int) -> None:
        self.moves += 1
        for tensors in (self.keys, self.values):
            for layer, old in enumerate(tensors):
                if old.shape[0] == count:
                    continue
                kept = min(count, old.shape[0])
                tensors[layer] = torch.cat((old[:kept], old.new_zeros(count - kept, *old.shape[1:])))

    def copy(self, begun: Sequence[tuple[Span, Span]]) -> None:
        """Copy what is in tokens of some blocks to as many of others."""
        sources, targets = (self.slots(spans) for spans in zip(*begun, strict=True))
        for tensor in (*self.keys, *self.values):
            tokens = tensor.flatten(0, 1)
            tokens[targets] = tokens[sources]

    @property
    def bytes_of_a_block(self) -> int:
        """Keys and values of one layer."""
        return 2 * self._empty(1).nbytes

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self._none.device

    def slots(self, spans: Iterable[Span]) -> torch.Tensor:
        """Where the tokens of spans are kept, one after the other, counted in tokens."""
        slots: list[int] = []
        for begin, end, blocks in spans:
            slots += [
                blocks[token // BLOCK_TOKENS] * BLOCK_TOKENS + token % BLOCK_TOKENS
                for token in range(begin, end)
            ]
        return torch.tensor(slots, device=self.device)

    def write(self, layer: int, slots: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Keep tokens' keys and values (tokens × heads × width) at their slots."""
        for tensors, new in ((self.keys, keys), (self.values, values)):
            tensors[layer].flatten(0, 1)[slots] = new

    def read(
        self, layer: int, blocks: torch.Tensor, rows: int, tokens: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of rows with as many blocks each (rows × heads × tokens × width).

        They are copies, which the next call of this overwrites.
        """
        # On a CPU memory that is used again is twice as fast as new one. Elsewhere the allocator sees to it,
        # and what is recorded must know of no memory that is replaced when more is wanted.
        rooms = self._used_again(blocks.shape[0]) if self.device.type == "cpu" else (None, None)
        keys, values = (
            torch.index_select(tensors[layer], 0, blocks, out=room)
            .view(rows, -1, *self._none.shape[2:])
            .transpose(1, 2)[:, :, :tokens]
            for tensors, room in zip((self.keys, self.values), rooms, strict=True)
        )
        return keys, values

    def _used_again(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        if self._rooms[0].shape[0] < count:
            most = count + count // _GROWTH
            self._rooms = (self._empty(most), self._empty(most))
        keys, values = (room[:count] for room in self._rooms)
        return keys, values

    def _empty(self, count: int) -> torch.Tensor:
        return self._none.new_empty(count, *self._none.shape[1:])
