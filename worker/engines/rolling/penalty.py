"""Tokens that a model is told to repeat less, as transformers' `generate` does it."""

import torch


class RepetitionPenalty:
    """Makes tokens that are in a row already less likely by `factor`, which is 1 where there is none.

    Source of the rule: Keskar et al., CTRL, 2019, section 4.1.
    """

    def __init__(self, factor: float, rows: int, vocabulary: int, device: torch.device) -> None:
        self._factor = factor
        self._said = torch.zeros(rows if factor != 1 else 0, vocabulary, dtype=torch.bool, device=device)

    @property
    def _is_off(self) -> bool:
        return self._factor == 1

    def begin(self, row: int, prompt: torch.Tensor) -> None:
        """A new row with the tokens of its prompt."""
        if self._is_off:
            return
        self._said[row] = False
        self._said[row, prompt.to(self._said.device)] = True

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """What the first rows would say (rows × vocabulary), with the penalty."""
        if self._is_off:
            return logits
        less = torch.where(logits < 0, logits * self._factor, logits / self._factor)
        return torch.where(self._said[: logits.shape[0]], less, logits)

    def append(self, tokens: torch.Tensor) -> None:
        """Note a token more for each of the first rows."""
        if not self._is_off:
            self._said[torch.arange(tokens.shape[0], device=tokens.device), tokens] = True

    def move(self, source: int, target: int) -> None:
        """Put one row in another's place."""
        if not self._is_off:
            self._said[target] = self._said[source]
