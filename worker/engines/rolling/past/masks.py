"""Which tokens each token of a pass attends to: those before it in its row, and itself.

A layer with a window sees that many tokens, the token itself among them; None sees all.
"""

import torch


class Masks:
    """The masks of spans of one length, each made when the first layer with its window needs it.

    `places` are where the tokens of each span are in its row (spans × tokens), of which they attend to the
    first `longest`; `mutual` numbers those that attend to one another in both directions, from 1; they
    are the last of a span's. The masks are in the number format of `like`, and are added to how much a token
    is attended to.
    """

    def __init__(
        self, places: torch.Tensor, longest: int, like: torch.Tensor, mutual: torch.Tensor | None = None
    ) -> None:
        self._places, self._longest, self._mutual = places, longest, mutual
        self._none = like.new_zeros(())
        self._made: dict[int | None, torch.Tensor] = {}

    def of(self, window: int | None) -> torch.Tensor:
        """Spans × 1 × tokens × longest."""
        if window not in self._made:
            self._made[window] = self._none.masked_fill(~self._seen(window), -torch.inf)[:, None]
        return self._made[window]

    def _seen(self, window: int | None) -> torch.Tensor:
        """The window holds for what is behind a token only: what is mutual is seen to its end."""
        own, there = self._places[..., None], torch.arange(self._longest, device=self._places.device)
        seen = there <= own
        if self._mutual is not None:
            own_tokens = seen[..., -len(self._mutual) :]
            own_tokens |= (self._mutual == self._mutual[:, None]) & (self._mutual > 0)
        return seen if window is None else seen & (there > own - window)
