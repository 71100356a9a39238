"""The keys and values of all rows in flight: one tensor of each a layer, rows × heads × length × width.

Rows are kept together at the front, so that a step reads a slice and copies nothing: when a row leaves, the
last one takes its place. Each row begins at 0 and has a length of its own.
"""

from typing import Any

import torch

#: Lengths are rounded up to this many tokens, so that the tensors seldom have to grow.
_LENGTH_STEP = 128


class SlotCache:
    """Room for `slots` rows at most; it grows to what rows need, and begins anew when it is empty."""

    def __init__(self, config: Any, slots: int, device: torch.device, dtype: torch.dtype) -> None:
        self._heads = config.num_key_value_heads
        self._width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        self._slots = slots
        self._like = torch.empty(0, device=device, dtype=dtype)
        self._keys = [self._empty(0, 0) for _ in range(config.num_hidden_layers)]
        self._values = [self._empty(0, 0) for _ in range(config.num_hidden_layers)]
        #: Two numbers, key and value, a head and its width in every layer.
        self.bytes_per_token = 2 * config.num_hidden_layers * self._heads * self._width * dtype.itemsize

    def _empty(self, rows: int, length: int) -> torch.Tensor:
        return self._like.new_zeros(rows, self._heads, length, self._width)

    def reserve(self, rows: int, length: int) -> None:
        """Have room for so many rows, each of `length` tokens, layer by layer.

        What is there is kept unless this is the only row. May fail for lack of memory, and can be tried
        again then.
        """
        length = -(-length // _LENGTH_STEP) * _LENGTH_STEP
        for tensors in (self._keys, self._values):
            for layer, old in enumerate(tensors):
                if rows == 1 and old.shape[2] > 2 * length:
                    # A long row is gone; nothing is in flight, so its room need not be kept.
                    old = tensors[layer] = self._empty(0, 0)
                if old.shape[0] >= rows and old.shape[2] >= length:
                    continue
                more_rows = (
                    min(self._slots, max(rows, 2 * old.shape[0])) if rows > old.shape[0] else old.shape[0]
                )
                grown = self._empty(more_rows, max(length, old.shape[2]))
                grown[: old.shape[0], :, : old.shape[2]] = old
                tensors[layer] = grown

    def move(self, source: int, target: int, length: int) -> None:
        """Put one row's first `length` tokens in another's place."""
        for tensor in (*self._keys, *self._values):
            tensor[target, :, :length] = tensor[source, :, :length]

    def prompt(self, row: int) -> "PromptView":
        """The view through which a prefill writes one row."""
        return PromptView(self._keys, self._values, row)

    def step(self, lengths: torch.Tensor, rows: torch.Tensor, longest: int) -> "StepView":
        """The view through which a step adds a token to each row and reads all up to `longest`."""
        return StepView(self._keys, self._values, lengths, rows, longest)


class PromptView:
    """A cache, as the model's layers see it, that holds nothing yet."""

    def __init__(self, keys: list[torch.Tensor], values: list[torch.Tensor], row: int) -> None:
        self._keys, self._values, self._row = keys, values, row

    def update(
        self, key: torch.Tensor, value: torch.Tensor, layer: int, *_: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keep a layer's keys and values (1 × heads × length × width); gives them back."""
        self._keys[layer][self._row, :, : key.shape[2]] = key[0]
        self._values[layer][self._row, :, : value.shape[2]] = value[0]
        return key, value

    def get_seq_length(self, *_: Any) -> int:
        """Tokens there before."""
        return 0


class StepView:
    """A cache, as the model's layers see it, in which each row is written at its own length."""

    def __init__(
        self,
        keys: list[torch.Tensor],
        values: list[torch.Tensor],
        lengths: torch.Tensor,
        rows: torch.Tensor,
        longest: int,
    ) -> None:
        self._keys, self._values = keys, values
        self._lengths, self._rows, self._longest = lengths, rows, longest

    def update(
        self, key: torch.Tensor, value: torch.Tensor, layer: int, *_: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write one token a row (rows × heads × 1 × width); gives each row up to the longest."""
        keys, values = self._keys[layer], self._values[layer]
        keys[self._rows, :, self._lengths] = key[:, :, 0]
        values[self._rows, :, self._lengths] = value[:, :, 0]
        count = key.shape[0]
        return keys[:count, :, : self._longest], values[:count, :, : self._longest]

    def get_seq_length(self, *_: Any) -> int:
        """Tokens there before, in the longest row."""
        return self._longest - 1
