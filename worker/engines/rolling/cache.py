"""The keys and values of all rows in flight: one tensor of each a layer, rows × heads × length × width.

Rows are kept together at the front, so that a step reads a slice and copies nothing: when a row leaves, the
last one takes its place. Each row begins at 0 and has a length of its own.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch

from worker.engines.rolling.masks import Masks

#: Lengths are rounded up to this many tokens, so that the tensors seldom have to grow.
_LENGTH_STEP = 128


class RowCache:
    """Room for at most `rows` rows; it grows as they need it, and is made anew once a long row is gone."""

    def __init__(self, config: Any, rows: int, device: torch.device, dtype: torch.dtype) -> None:
        self._heads = config.num_key_value_heads
        self._width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        self._most_rows = rows
        self._like = torch.empty(0, device=device, dtype=dtype)
        self.keys = [self._empty(0, 0) for _ in range(config.num_hidden_layers)]
        self.values = [self._empty(0, 0) for _ in range(config.num_hidden_layers)]

    def _empty(self, rows: int, length: int) -> torch.Tensor:
        return self._like.new_zeros(rows, self._heads, length, self._width)

    def reserve(self, rows: int, length: int, *, in_flight: int) -> None:
        """Have room for so many rows, each of `length` tokens, layer by layer.

        What the rows in flight have there is kept. May fail for lack of memory, and can be tried again then.
        """
        length = -(-length // _LENGTH_STEP) * _LENGTH_STEP
        for tensors in (self.keys, self.values):
            for layer, old in enumerate(tensors):
                if not in_flight and old.shape[2] > 2 * length:
                    # A long row is gone; nothing is in flight, so its room need not be kept.
                    old = tensors[layer] = self._empty(0, 0)
                if old.shape[0] >= rows and old.shape[2] >= length:
                    continue
                more_rows = (
                    min(self._most_rows, max(rows, 2 * old.shape[0])) if rows > old.shape[0] else old.shape[0]
                )
                grown = self._empty(more_rows, max(length, old.shape[2]))
                grown[: old.shape[0], :, : old.shape[2]] = old
                tensors[layer] = grown

    def move(self, source: int, target: int, length: int) -> None:
        """Copy one row's first `length` tokens to another row."""
        for tensor in (*self.keys, *self.values):
            tensor[target, :, :length] = tensor[source, :, :length]


class Pass:
    """One pass of the decoder over a sequence of tokens: one of each row in flight, then the new prompts.

    It is given to the model's layers both as their cache and as their mask. `lengths`, `longest`, `prompts`
    and `blocks` are those of its masks; the new rows come after the others.
    """

    #: Of the sizes of a mask; one of 2 would be taken for a mask over padding.
    ndim = 4

    def __init__(
        self,
        cache: RowCache,
        lengths: torch.Tensor,
        longest: int,
        prompts: Sequence[int],
        blocks: Sequence[torch.Tensor | None],
    ) -> None:
        self._cache, self._lengths, self._longest = cache, lengths, longest
        self.rows = lengths.shape[0]
        ends = [self.rows]
        for length in prompts:
            ends.append(ends[-1] + length)
        #: Where each new prompt begins and ends in the sequence.
        self.spans = list(pairwise(ends))
        self._places = torch.arange(self.rows, device=lengths.device)
        self.masks = Masks(lengths, longest, prompts, blocks)

    @property
    def last(self) -> torch.Tensor:
        """The index of each row's last token in the sequence, the new rows behind the others."""
        ends = torch.tensor([end - 1 for _, end in self.spans], dtype=torch.long, device=self._places.device)
        return torch.cat((self._places, ends))

    def update(
        self, key: torch.Tensor, value: torch.Tensor, layer: int, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keep a layer's keys and values (1 × heads × tokens × width); gives them back."""
        for tensor, new in ((self._cache.keys[layer], key[0]), (self._cache.values[layer], value[0])):
            tensor[self._places, :, self._lengths] = new[:, : self.rows].transpose(0, 1)
            for place, (begin, end) in enumerate(self.spans, start=self.rows):
                tensor[place, :, : end - begin] = new[:, begin:end]
        return key, value

    def past(self, layer: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The keys and values of the rows that were in flight before (rows × heads × longest × width)."""
        rows, longest = self.rows, self._longest
        return self._cache.keys[layer][:rows, :, :longest], self._cache.values[layer][:rows, :, :longest]

    # transformers asks these before it has a mask made; ours is there already (`attention.mask`).

    def get_seq_length(self, *_: Any) -> int:
        """Required by transformers' Cache interface; unused."""
        return 0

    def get_query_offset(self, *_: Any) -> int:
        """Required by transformers' Cache interface; unused."""
        return 0

    def get_mask_sizes(self, *_: Any) -> tuple[int, int]:
        """Required by transformers' Cache interface; unused."""
        return 0, 0
