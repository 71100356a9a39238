"""New prompts, and one token more for every row in flight, in one pass of the decoder."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from worker.engines.rolling.cache import Pass, RowCache
from worker.engines.rolling.families.family import Family
from worker.engines.rolling.rows import Prompt, Request


@dataclass
class Tails:
    """What a step has to know of each row; tensors on the device, an entry a row."""

    #: The last token, which the cache does not hold yet.
    tokens: torch.Tensor
    #: Tokens in the cache.
    lengths: torch.Tensor
    #: The position of the next token less the length.
    deltas: torch.Tensor

    @classmethod
    def empty(cls, rows: int, device: torch.device) -> "Tails":
        """No rows yet."""
        return cls(*torch.zeros(3, rows, dtype=torch.long, device=device))

    def begin(self, row: int, request: Request) -> None:
        """Begin a row that has generated nothing yet."""
        # The step that takes in the prompt counts as any other: it adds a token.
        self.lengths[row] = request.prompt_tokens - 1
        self.deltas[row] = request.delta

    def append(self, tokens: torch.Tensor) -> None:
        """Note a step: a token more for each of the first rows."""
        self.lengths[: tokens.shape[0]] += 1
        self.tokens[: tokens.shape[0]] = tokens

    def move(self, source: int, target: int) -> None:
        """Copy one row to another."""
        for tensor in (self.tokens, self.lengths, self.deltas):
            tensor[target] = tensor[source]


def step(
    family: Family, cache: RowCache, tails: Tails, rows: int, longest: int, prompts: Sequence[Prompt]
) -> torch.Tensor:
    """The logits of each row's next token (rows × vocabulary): the first `rows`, then the new ones.

    `longest` is the length of the longest row with the token that is written now. Changes no tail: a step
    that fails can be made again.
    """
    model, lengths = family.model, tails.lengths[:rows]
    blocks = [family.blocks(prompt) for prompt in prompts]
    now = Pass(cache, lengths, longest, [prompt.embedded.shape[0] for prompt in prompts], blocks)
    positions = (lengths + tails.deltas[:rows]).expand(family.axes, -1)
    embedded = model.get_input_embeddings()(tails.tokens[:rows])
    hidden = model.get_decoder()(
        inputs_embeds=torch.cat([embedded, *(prompt.embedded for prompt in prompts)])[None],
        position_ids=family.position_ids(
            torch.cat([positions, *(prompt.positions for prompt in prompts)], dim=1)
        ),
        attention_mask=now,
        cache=now,
        use_cache=True,
        **family.also(rows, prompts),
    ).last_hidden_state
    logits: torch.Tensor = model.lm_head(hidden[0, now.last] if prompts else hidden[0])
    return logits
