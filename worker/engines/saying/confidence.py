"""How sure a model was of what it said: from the probabilities of the tokens that it chose.

An answer's confidence is the geometric mean of them, its end included, since to end there was a choice as
well. Held to a format, it is the probability among the tokens which were allowed; where one alone was, there
was no choice, and it does not count. Of an object its values count, and not how it is written.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, chain
from math import exp, fsum, isfinite
from typing import TYPE_CHECKING

from jobs.shape.spans import spans_of

if TYPE_CHECKING:
    # Whoever asks another server for answers has no torch.
    import torch


def logprobs_of(logits: "torch.Tensor", tokens: "torch.Tensor") -> "torch.Tensor":
    """The natural logarithm of each row's token's probability (rows), of logits (rows × vocabulary).

    It is infinite where there was no choice, and no number where the model gave none.
    """
    places = tokens[:, None]
    # On a CPU a log-softmax takes a quarter of a logsumexp's time where most logits are minus infinity.
    likely, own = logits.float().log_softmax(-1).gather(-1, places), logits.gather(-1, places).float()
    return own.where(own.isposinf(), likely).squeeze(-1)


def confidence_of(logprobs: Sequence[float]) -> float | None:
    """The geometric mean of probabilities, given as logarithms; None where there was no choice at all."""
    chosen = [logprob for logprob in logprobs if isfinite(logprob)]
    return round(min(1.0, exp(fsum(chosen) / len(chosen))), 4) if chosen else None


def field_confidence_of(
    text: str, sizes: Sequence[int], logprobs: Sequence[float]
) -> tuple[float | None, dict[str, float]]:
    """How sure a model was of all values of an object, and of each by name, but for those that had to be.

    `sizes` are the bytes of the tokens that make up `text` in UTF-8, one after the other. A token belongs to
    each value that it is a part of.
    """
    starts, known = [*accumulate(sizes, initial=0)], logprobs[: len(sizes)]
    of_each: dict[str, Sequence[float]] = {}
    for name, (first, end) in spans_of(text).items():
        start, stop = len(text[:first].encode()), len(text[:end].encode())
        of_each[name] = known[bisect_right(starts, start) - 1 : bisect_left(starts, stop)]
    found = {name: value for name, those in of_each.items() if (value := confidence_of(those)) is not None}
    return confidence_of([*chain.from_iterable(of_each.values())]), found
