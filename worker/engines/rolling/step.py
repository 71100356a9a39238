"""New prompts, and one token more for every row in flight, in one pass of the decoder."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from worker.engines.rolling.cache import Pass, SlotCache
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

    def begin(self, row: int, request: Request) -> None:
        """A new row, which has written nothing yet."""
        length, most = request.prompt_tokens, request.max_new_tokens
        # The step that takes in the prompt counts as any other: it adds the first token.
        self.lengths[row], self.starts[row] = length - 1, length
        self.deltas[row], self.limits[row] = request.delta, length + most - 1
        if most > self.written.shape[1]:
            self.written = torch.nn.functional.pad(self.written, (0, most - self.written.shape[1]))

    def append(self, tokens: torch.Tensor) -> None:
        """Note a step: a token more for each of the first rows."""
        count = tokens.shape[0]
        rows = torch.arange(count, device=tokens.device)
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


@dataclass(frozen=True)
class Prompt:
    """A new row for the next step: its prompt (length × width) and its positions (3 × length)."""

    embedded: torch.Tensor
    positions: torch.Tensor

    @classmethod
    def of(cls, request: Request) -> "Prompt":
        """The prompt of a request whose image was seen."""
        assert request.embedded is not None
        return cls(request.embedded, request.positions.to(request.embedded.device))


def step(
    model: Any, cache: SlotCache, tails: Tails, rows: int, longest: int, prompts: Sequence[Prompt]
) -> torch.Tensor:
    """What each row would say next (rows × vocabulary): of the first `rows`, and of the new ones behind them.

    `longest` is the length of the longest row with the token that is written now. Changes no tail: a step
    that fails can be made again.
    """
    lengths = tails.lengths[:rows]
    now = Pass(cache, lengths, longest, [prompt.embedded.shape[0] for prompt in prompts])
    positions = (lengths + tails.deltas[:rows]).expand(3, -1)
    embedded = model.get_input_embeddings()(tails.tokens[:rows])
    hidden = model.model.language_model(
        inputs_embeds=torch.cat([embedded, *(prompt.embedded for prompt in prompts)])[None],
        position_ids=torch.cat([positions, *(prompt.positions for prompt in prompts)], dim=1)[:, None],
        attention_mask={"full_attention": now},
        cache=now,
        use_cache=True,
    ).last_hidden_state
    logits: torch.Tensor = model.lm_head(hidden[0, now.last])
    return logits
