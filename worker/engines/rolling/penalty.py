"""The repetition penalty, as in transformers' `generate`."""

import torch


class RepetitionPenalty:
    """Makes tokens that a row has already less likely by `factor`; 1 is no penalty.

    Source of the rule: Keskar et al., CTRL, 2019, section 4.1.
    """

    def __init__(self, factor: float, rows: int, vocabulary: int, device: torch.device) -> None:
        self._factor = factor
        self._present = torch.zeros(rows if factor != 1 else 0, vocabulary, dtype=torch.bool, device=device)

    @property
    def _is_off(self) -> bool:
        return self._factor == 1

    def begin(self, row: int, prompt: torch.Tensor) -> None:
        """Begin a row with the tokens of its prompt."""
        if self._is_off:
            return
        self._present[row] = False
        self._present[row, prompt.to(self._present.device)] = True

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """The first rows' logits (rows × vocabulary), with the penalty."""
        if self._is_off:
            return logits
        less = torch.where(logits < 0, logits * self._factor, logits / self._factor)
        return torch.where(self._present[: logits.shape[0]], less, logits)

    def append(self, tokens: torch.Tensor) -> None:
        """Note a token more for each of the first rows."""
        if not self._is_off:
            self._present[torch.arange(tokens.shape[0], device=tokens.device), tokens] = True

    def move(self, source: int, target: int) -> None:
        """Copy one row to another."""
        if not self._is_off:
            self._present[target] = self._present[source]
