"""Which tokens rows may say next: one call for all rows that are held to a format, none for the others."""

from collections.abc import Sequence

import numpy as np
import torch
from llguidance import LLExecutor, LLMatcher
from llguidance.numpy import allocate_token_bitmask, consume_token_par, fill_next_token_bitmask_par

#: What each byte's bits add to logits, the lowest first (256 × 8): nothing where a bit is set.
_ADDED = torch.where((torch.arange(256)[:, None] >> torch.arange(8)[None, :] & 1).bool(), 0.0, -torch.inf)


class Masks:
    """Holds rows to what each one's matcher allows; a row without one has None in its place.

    `width` is that of the logits. One thread calls it, while others make matchers.
    """

    def __init__(self, width: int, device: torch.device, threads: int) -> None:
        self._width, self._device = width, device
        self._executor = LLExecutor(threads)
        self._added = _ADDED.to(device)

    def apply(self, logits: torch.Tensor, matchers: Sequence[LLMatcher | None]) -> torch.Tensor:
        """The rows' logits (rows × width), with what a row may not say next at minus infinity.

        Where a row may say one thing alone, it is at plus infinity: there was no choice.
        """
        rows = [row for row, matcher in enumerate(matchers) if matcher is not None]
        if not rows:
            return logits
        octets = self._allowed([matcher for matcher in matchers if matcher is not None])
        masked = self._masked(logits if len(rows) == len(matchers) else logits[rows], octets)
        for place in np.flatnonzero(np.bitwise_count(octets).sum(-1) == 1):
            masked[place, int(np.unpackbits(octets[place], bitorder="little").argmax())] = torch.inf
        if len(rows) == len(matchers):
            return masked
        result = logits.clone()
        result[rows] = masked
        return result

    def _allowed(self, matchers: Sequence[LLMatcher]) -> np.ndarray:
        """What each may say next, a bit a token; a matcher that failed allows an end alone."""
        packed = allocate_token_bitmask(len(matchers), self._width)
        fill_next_token_bitmask_par(self._executor, [(one, row) for row, one in enumerate(matchers)], packed)
        return packed.view(np.uint8)

    def _masked(self, logits: torch.Tensor, octets: np.ndarray) -> torch.Tensor:
        places = torch.from_numpy(octets).to(self._device).int().flatten()
        # On a CPU, index_select and adding take a tenth of indexing and masked_fill.
        added = self._added.to(logits.dtype).index_select(0, places).view(len(octets), -1)
        return logits + added[:, : self._width]

    def advance(self, matchers: Sequence[LLMatcher | None], tokens: Sequence[int]) -> None:
        """Note the token that each row said; one that its matcher does not allow leaves that in error."""
        said = [
            (matcher, token) for matcher, token in zip(matchers, tokens, strict=True) if matcher is not None
        ]
        if said:
            consume_token_par(self._executor, said)
