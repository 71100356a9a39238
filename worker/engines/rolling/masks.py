"""Which tokens each token of a pass attends to: a row to its past, one of a new prompt to those before it.

A layer with a window sees that many tokens, the token itself among them; None sees all.
"""

from collections.abc import Sequence

import torch


class Masks:
    """The masks of a pass, each made when the first layer with its window needs it.

    `lengths` are the rows' tokens in the cache, and `longest` that of the longest with the one that is
    written now; `prompts` are the lengths of the new rows, and `blocks` number the tokens of each that attend
    to one another in both directions, from 1; None where there are none.
    """

    def __init__(
        self,
        lengths: torch.Tensor,
        longest: int,
        prompts: Sequence[int],
        blocks: Sequence[torch.Tensor | None],
    ) -> None:
        self._lengths, self._longest = lengths, longest
        self._prompts, self._blocks = prompts, blocks
        self._of_rows: dict[int | None, torch.Tensor] = {}
        self._of_prompts: dict[tuple[int, int | None], torch.Tensor] = {}

    def of_rows(self, window: int | None) -> torch.Tensor:
        """What each row may attend to: rows × 1 × 1 × longest."""
        if window not in self._of_rows:
            own = self._lengths[:, None]
            self._of_rows[window] = _past(own, self._places(self._longest), window)[:, None, None]
        return self._of_rows[window]

    def of_prompt(self, number: int, window: int | None) -> torch.Tensor | None:
        """What each token of a new prompt may attend to (length × length); None for all before it."""
        length, blocks = self._prompts[number], self._blocks[number]
        if window is not None and length <= window:
            window = None
        if window is None and blocks is None:
            return None
        if (number, window) not in self._of_prompts:
            self._of_prompts[number, window] = _within(self._places(length), blocks, window)
        return self._of_prompts[number, window]

    def _places(self, length: int) -> torch.Tensor:
        return torch.arange(length, device=self._lengths.device)


def _past(own: torch.Tensor, places: torch.Tensor, window: int | None) -> torch.Tensor:
    seen = places <= own
    return seen if window is None else seen & (places > own - window)


def _within(places: torch.Tensor, blocks: torch.Tensor | None, window: int | None) -> torch.Tensor:
    """The window holds for what is behind a token only: a block is seen to its end."""
    own = places[:, None]
    seen = places <= own
    if blocks is not None:
        seen |= (blocks == blocks[:, None]) & (blocks > 0)
    return seen if window is None else seen & (places > own - window)
