"""How likely each token of an answer was, and which others might have stood there, for rows that ask.

The distribution is the one that plain text is chosen from at temperature 1: the model's own, with the
repetition penalty that it may ask for, before an answer is held to a format, and before temperature and
`top_p`. These change what is said, and not how likely the model thought it.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from math import isfinite

import torch

from jobs.contract.saying.logprobs import SaidToken, TokenLogprob
from worker.engines.saying.vocabulary import Vocabulary

#: What OpenAI's API says of a token that could not come at all: JSON has no number for the logarithm of 0.
NEVER = -9999.0
#: Digits of a logarithm: as many as single precision tells apart.
_DIGITS = 7
#: Tokens with the logarithms of their probabilities: that which was said, then the likeliest.
Choice = tuple[Sequence[int], Sequence[float]]


@dataclass(frozen=True)
class Choices:
    """The choices of one row, token by token, with `top` of the likeliest in each.

    They are packed: an answer may have a hundred thousand.
    """

    top: int
    _tokens: "array[int]" = field(default_factory=lambda: array("i"))
    _logprobs: "array[float]" = field(default_factory=lambda: array("f"))

    def add(self, choice: Choice) -> None:
        """Note the choice of a token more."""
        tokens, logprobs = choice
        self._tokens.extend(tokens)
        self._logprobs.extend(logprobs)

    def __iter__(self) -> Iterator[Choice]:
        size = 1 + self.top
        for start in range(0, len(self._tokens), size):
            yield self._tokens[start : start + size], self._logprobs[start : start + size]


def noted(top: int | None) -> Choices | None:
    """Where a row's choices are noted, with `top` of the likeliest; None for a row that does not ask."""
    return None if top is None else Choices(top)


def choices_of(logits: torch.Tensor, tokens: torch.Tensor, tops: Sequence[int | None]) -> list[Choice | None]:
    """Each row's choice, of logits (rows × vocabulary) and the tokens that the rows say (rows).

    `tops` are how many of the likeliest each row asks for; None asks for nothing, and costs nothing.
    """
    choices: list[Choice | None] = [None] * len(tops)
    asked = [(place, top) for place, top in enumerate(tops) if top is not None]
    if not asked:
        return choices
    places = torch.tensor([place for place, _ in asked], device=logits.device)
    whole, said = logits[places].float(), tokens[places, None]
    likeliest = whole.topk(max(top for _, top in asked))
    values = torch.cat([whole.gather(-1, said), likeliest.values], dim=-1) - whole.logsumexp(-1, keepdim=True)
    ids = torch.cat([said, likeliest.indices], dim=-1).tolist()
    for (place, top), row_ids, row_values in zip(asked, ids, values.tolist(), strict=True):
        choices[place] = row_ids[: 1 + top], row_values[: 1 + top]
    return choices


@dataclass(frozen=True)
class Told:
    """Tells, when called, of the tokens up to `count` how likely each was: which takes a while."""

    choices: Choices
    count: int
    vocabulary: Vocabulary
    #: Those before it are not told of.
    first: int = 0

    def __call__(self) -> list[SaidToken]:
        """The tokens as OpenAI's API has them."""
        shown = cache(self.vocabulary.shown)

        def of(token: int, logprob: float) -> TokenLogprob:
            text, octets = shown(token)
            return {"token": text, "logprob": _rounded(logprob), "bytes": octets}

        said: list[SaidToken] = []
        for tokens, logprobs in islice(self.choices, self.first, self.count):
            first, *likeliest = map(of, tokens, logprobs)
            # One that could not come at all is no candidate.
            top = [one for one in likeliest if one["logprob"] > NEVER]
            said.append({**first, "top_logprobs": top})
        return said


def _rounded(logprob: float) -> float:
    """With the digits that mean something; a finite number, and never above 0."""
    return min(0.0, float(f"{logprob:.{_DIGITS}g}")) + 0.0 if isfinite(logprob) else NEVER
