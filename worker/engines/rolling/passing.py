"""One pass of the decoder over a line of tokens: one of each row that writes, then parts of prompts."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import torch

from worker.engines.rolling.grouping import Groups, Past
from worker.engines.rolling.pool import Pool, Span


@dataclass(frozen=True)
class Stretch:
    """Where a part of a prompt stands in the line of tokens, and what it attends to."""

    place: slice
    #: The prompt up to its end; None where it begins the prompt, and attends to itself alone.
    earlier: Past | None


class Pass:
    """It is given to the model's layers both as their cache and as their mask.

    `rows` are those that write, each a token, and `spans` the parts of prompts.
    """

    #: Of the sizes of a mask; one of 2 would be taken for a mask over padding.
    ndim = 4

    def __init__(self, pool: Pool, rows: Sequence[Span], spans: Sequence[Span]) -> None:
        self.pool = pool
        self.rows = len(rows)
        #: What the rows attend to; None without rows.
        self.past = Groups(pool, rows) if rows else None
        ends = accumulate((span.end - span.begin for span in spans), initial=self.rows)
        self.stretches = [
            self._stretch(span, slice(*place)) for span, place in zip(spans, pairwise(ends), strict=True)
        ]
        self._slots = pool.slots((*rows, *spans))

    def _stretch(self, span: Span, place: slice) -> Stretch:
        return Stretch(place, Past.of(self.pool, [span]) if span.begin else None)

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
