"""One pass of the decoder over a line of tokens: one of each row that writes, then parts of prompts."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import torch

from worker.engines.rolling.past.masks import Masks
from worker.engines.rolling.past.past import Past, past_of
from worker.engines.rolling.pool import Pool, Span, blocks_for


class Stretch:
    """Where a part of a prompt stands in the line of tokens, and what it attends to."""

    def __init__(self, pool: Pool, span: Span, place: slice, mutual: torch.Tensor | None) -> None:
        self.place, self.end = place, span.end
        self._is_causal = not span.begin and mutual is None
        places = torch.arange(span.begin, span.end, device=pool.device)
        self._masks = Masks(places[None], span.end, pool.keys[0], mutual)
        #: The prompt's up to its end; None where it begins the prompt, and attends to itself alone.
        self.blocks: torch.Tensor | None = None
        if span.begin:
            self.blocks = torch.tensor(span.blocks[: blocks_for(span.end)], device=pool.device)

    def mask(self, window: int | None) -> torch.Tensor | None:
        """What each of its tokens attends to; None where that is all of its own before it."""
        if self._is_causal and (window is None or self.end <= window):
            return None
        return self._masks.of(window)


class Pass:
    """It is given to the model's layers both as their cache and as their mask.

    Its line of tokens has one of each row, which attends to its `past`, then the stretches of prompts; their
    keys and values are kept at `slots`.
    """

    #: Of the sizes of a mask; one of 2 would be taken for a mask over padding.
    ndim = 4

    def __init__(
        self, pool: Pool, rows: int, past: Past | None, stretches: Sequence[Stretch], slots: torch.Tensor
    ) -> None:
        self.pool, self.rows = pool, rows
        #: What the rows attend to; None without rows.
        self.past = past
        self.stretches = stretches
        self._slots = slots

    @classmethod
    def of(
        cls,
        pool: Pool,
        rows: Sequence[Span],
        spans: Sequence[Span],
        mutual: Sequence[torch.Tensor | None],
    ) -> "Pass":
        """`rows` are those that write, each a token, and `spans` parts of prompts; `mutual`: see Masks."""
        ends = accumulate((span.end - span.begin for span in spans), initial=len(rows))
        stretches = [
            Stretch(pool, span, slice(*place), own)
            for span, place, own in zip(spans, pairwise(ends), mutual, strict=True)
        ]
        past = past_of(pool, rows) if rows else None
        return cls(pool, len(rows), past, stretches, pool.slots((*rows, *spans)))

    @property
    def last(self) -> torch.Tensor:
        """The index of the last token of each row and each stretch in the line."""
        ends = [*range(self.rows), *(stretch.place.stop - 1 for stretch in self.stretches)]
        return torch.tensor(ends, device=self.pool.device)

    def update(
        self, key: torch.Tensor, value: torch.Tensor, layer: int, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keep a layer's keys and values (1 × heads × tokens × width); gives them back."""
        self.pool.write(layer, self._slots, key[0].transpose(0, 1), value[0].transpose(0, 1))
        return key, value

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
