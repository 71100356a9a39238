"""Formats, draws, stop texts, probabilities and choices within transformers' `generate`."""

from collections.abc import Collection, Sequence
from typing import Any

import torch
from llguidance import LLMatcher
from transformers import LogitsProcessor, StoppingCriteria

from worker.engines.constraint.masks import Masks
from worker.engines.sampling import Draw, Sampling, chosen
from worker.engines.saying.confidence import logprobs_of
from worker.engines.saying.logprobs import choices_of, noted
from worker.engines.saying.stops import Watch


class Held(LogitsProcessor):
    """Holds each row of a batch to its matcher, draws its token, and notes how likely that was.

    It is the last that changes the logits: what it leaves is what `generate` takes the greatest of. `ends`
    are the tokens that end a row, `tops` how many of the likeliest each asks for, and `samplings` how each
    draws.
    """

    def __init__(
        self,
        masks: Masks,
        matchers: Sequence[LLMatcher | None],
        ends: Collection[int],
        tops: Sequence[int | None],
        samplings: Sequence[Sampling | None],
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
        self._samplings = samplings

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """The scores of the next token of each row (rows × width)."""
        if self.logprobs and self.logprobs[0]:
            self._note(input_ids[:, -1].tolist())
        masked = self._masks.apply(scores, self._matchers)
        place = len(self.logprobs[0]) if self.logprobs else 0
        said = chosen(masked, [Draw(how, place) if how else None for how in self._samplings])
        for row, value in enumerate(logprobs_of(masked, said).tolist()):
            self.logprobs[row].append(value)
        for choices, choice in zip(self.choices, choices_of(scores, said, self._tops), strict=True):
            if choices and choice:
                choices.add(choice)
        # What was drawn need not be the greatest.
        return masked.scatter(-1, said[:, None], torch.inf) if any(self._samplings) else masked

    def _note(self, tokens: Sequence[int]) -> None:
        """Take in what the rows said; a row that has ended is held to nothing, and is padded."""
        self._masks.advance(self._matchers, tokens)
        for row, token in enumerate(tokens):
            if token in self._ends:
                self._matchers[row] = None


class Stopped(StoppingCriteria):
    """Ends each row of a batch with its stop texts; `longest` are the tokens that each may have."""

    def __init__(self, watches: Sequence[Watch | None], longest: Sequence[int]) -> None:
        self._watches, self._longest = watches, longest

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> Any:
        """Which rows have ended (rows), of all tokens so far (rows × length)."""
        for watch, longest, token in zip(
            self._watches, self._longest, input_ids[:, -1].tolist(), strict=True
        ):
            if watch and watch.count_with_stop < longest:
                watch.add(token)
        ended = [watch is not None and watch.has_found for watch in self._watches]
        return torch.tensor(ended, device=input_ids.device)
