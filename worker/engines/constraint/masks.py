"""Which tokens rows may say next: one call for all rows that are held to a format, none for the others."""

from collections.abc import Sequence

import torch
from llguidance import LLExecutor, LLMatcher
from llguidance.numpy import allocate_token_bitmask, consume_token_par, fill_next_token_bitmask_par

#: Each byte's bits, the lowest first (256 × 8).
_BITS = (torch.arange(256)[:, None] >> torch.arange(8)[None, :] & 1).bool()


class Masks:
    """Holds rows to what each one's matcher allows; a row without one has None in its place.

    `width` is that of the logits. One thread calls it, while others make matchers.
    """

    def __init__(self, width: int, device: torch.device, threads: int) -> None:
        self._width, self._device = width, device
        self._executor = LLExecutor(threads)
        self._bits = _BITS.to(device)

    def apply(self, logits: torch.Tensor, matchers: Sequence[LLMatcher | None]) -> torch.Tensor:
        """The rows' logits (rows × width), with what a row may not say next at minus infinity.

        Where a row may say one thing alone, it is at plus infinity: there was no choice.
        """
        held = [(matcher, row) for row, matcher in enumerate(matchers) if matcher is not None]
        if not held:
            return logits
        allowed = self._allowed([matcher for matcher, _ in held])
        rows = torch.tensor([row for _, row in held], device=logits.device)
        masked = logits[rows].masked_fill(~allowed, -torch.inf)
        is_forced = allowed.sum(-1, keepdim=True) == 1
        result = logits.clone()
        result[rows] = masked.masked_fill(is_forced & allowed, torch.inf)
        return result

    def _allowed(self, matchers: Sequence[LLMatcher]) -> torch.Tensor:
        """What each may say next (matchers × width); a matcher that failed allows an end alone."""
        packed = allocate_token_bitmask(len(matchers), self._width)
        fill_next_token_bitmask_par(self._executor, [(one, row) for row, one in enumerate(matchers)], packed)
        octets = torch.from_numpy(packed.view("uint8")).to(self._device)
        return self._bits[octets.long()].flatten(1)[:, : self._width]

    def advance(self, matchers: Sequence[LLMatcher | None], tokens: Sequence[int]) -> None:
        """Note the token that each row said; one that its matcher does not allow leaves that in error."""
        said = [
            (matcher, token) for matcher, token in zip(matchers, tokens, strict=True) if matcher is not None
        ]
        if said:
            consume_token_par(self._executor, said)
