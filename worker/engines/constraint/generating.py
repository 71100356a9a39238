"""Formats, probabilities and choices within transformers' `generate`."""

from collections.abc import Collection, Sequence

import torch
from llguidance import LLMatcher
from transformers import LogitsProcessor

from worker.engines.constraint.masks import Masks
from worker.engines.saying.confidence import logprobs_of
from worker.engines.saying.logprobs import choices_of, noted


class Held(LogitsProcessor):
    """Holds each row of a batch to its matcher, and notes how likely each row's tokens were.

    It is the last that changes the logits: what it leaves is what `generate` takes the greatest of. `ends`
    are the tokens that end a row, and `tops` how many of the likeliest each asks for.
    """

    def __init__(
        self,
        masks: Masks,
        matchers: Sequence[LLMatcher | None],
        ends: Collection[int],
        tops: Sequence[int | None],
    ) -> None:
        self._masks = masks
        self._matchers = list(matchers)
        self._ends = frozenset(ends)
        self._ended = [False] * len(matchers)
        #: The logarithm of each token's probability, a list a row; what follows a row's end means nothing.
        self.logprobs: list[list[float]] = [[] for _ in matchers]
        #: The same of what might have been said; None for a row that does not ask.
        self.choices = [*map(noted, tops)]
        self._tops = tops

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """The scores of the next token of each row (rows × width)."""
        if self.logprobs and self.logprobs[0]:
            self._note(input_ids[:, -1].tolist())
        masked = self._masks.apply(scores, self._matchers)
        said = masked.argmax(-1)
        for row, value in enumerate(logprobs_of(masked, said).tolist()):
            self.logprobs[row].append(value)
        for choices, choice in zip(self.choices, choices_of(scores, said, self._tops), strict=True):
            if choices and choice:
                choices.add(choice)
        return masked

    def _note(self, tokens: Sequence[int]) -> None:
        """Take in what the rows said; a row that has ended is held to nothing, and is padded."""
        self._masks.advance(self._matchers, tokens)
        for row, token in enumerate(tokens):
            if token in self._ends:
                self._matchers[row] = None
