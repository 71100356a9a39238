"""One token more for every row in flight."""

from dataclasses import dataclass
from typing import Any

import torch

from worker.engines.rolling.cache import SlotCache
from worker.engines.rolling.rows import Request


@dataclass
class Tails:
    """Where each row stands, and what it has written; tensors on the device, an entry a row."""

    #: The last token, which the cache does not hold yet.
    tokens: torch.Tensor
    #: Tokens in the cache.
    lengths: torch.Tensor
    #: The position of the next token less the length.
    deltas: torch.Tensor
    #: The length at which the answer is as long as it may be.
    limits: torch.Tensor
    #: The prompt's length.
    starts: torch.Tensor
    #: New tokens, rows × the longest answer asked for.
    written: torch.Tensor

    @classmethod
    def empty(cls, slots: int, device: torch.device) -> "Tails":
        """No rows yet."""

        def column() -> torch.Tensor:
            return torch.zeros(slots, dtype=torch.long, device=device)

        written = torch.zeros(slots, 0, dtype=torch.long, device=device)
        return cls(column(), column(), column(), column(), column(), written)

    def put(self, row: int, token: torch.Tensor, request: Request, delta: int) -> None:
        """Begin a row with its first token."""
        length, most = request.prompt_tokens, request.max_new_tokens
        self.lengths[row] = self.starts[row] = length
        self.tokens[row], self.deltas[row], self.limits[row] = token, delta, length + most - 1
        if most > self.written.shape[1]:
            self.written = torch.nn.functional.pad(self.written, (0, most - self.written.shape[1]))
        self.written[row, 0] = token

    def append(self, rows: torch.Tensor, tokens: torch.Tensor) -> None:
        """Note a step: a token more for each of the first rows."""
        count = tokens.shape[0]
        self.lengths[:count] += 1
        self.tokens[:count] = tokens
        self.written[rows, self.lengths[:count] - self.starts[:count]] = tokens

    def ended(self, count: int, ends: torch.Tensor) -> list[int]:
        """Those of the first rows that have ended, from the last; waits for the device."""
        is_over = self.lengths[:count] >= self.limits[:count]
        is_over |= torch.isin(self.tokens[:count], ends)
        found: list[int] = is_over.nonzero().flatten().tolist()
        return found[::-1]

    def text(self, row: int) -> list[int]:
        """What a row has written."""
        new: list[int] = self.written[row, : int(self.lengths[row] - self.starts[row]) + 1].tolist()
        return new

    def move(self, source: int, target: int) -> None:
        """Put one row in another's place."""
        for tensor in (self.tokens, self.lengths, self.deltas, self.limits, self.starts, self.written):
            tensor[target] = tensor[source]


def step(model: Any, cache: SlotCache, tails: Tails, count: int, longest: int) -> torch.Tensor:
    """The next token of each of the first `count` rows.

    `longest` is the length of the longest row with the token that is written now. Changes no tail: a step
    that fails can be made again.
    """
    rows = torch.arange(count, device=tails.tokens.device)
    lengths = tails.lengths[:count]
    mask = torch.arange(longest, device=lengths.device) <= lengths[:, None]
    hidden = model.model.language_model(
        inputs_embeds=model.get_input_embeddings()(tails.tokens[:count, None]),
        position_ids=(lengths + tails.deltas[:count])[None, :, None].expand(3, -1, -1),
        attention_mask={"full_attention": mask[:, None, None, :]},
        past_key_values=cache.step(lengths, rows, longest),
        use_cache=True,
    ).last_hidden_state
    tokens: torch.Tensor = model.lm_head(hidden[:, -1]).argmax(-1)
    return tokens
