"""The new tokens of one row, and what an answer they are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from jobs.contract.models import FinishReason
from worker.engines.constraint.grammars import Grammar
from worker.engines.saying.logprobs import Choices
from worker.engines.saying.stops import Watch


@dataclass(frozen=True)
class Said:
    """What a model said to one prompt."""

    #: No more of them than there may be.
    tokens: Sequence[int]
    #: The logarithm of each one's probability; infinite where there was no choice.
    logprobs: Sequence[float]
    #: Tokens that the image took.
    visual_tokens: int
    #: Tokens of the whole prompt.
    prompt_tokens: int
    #: What it was held to; None for plain text.
    grammar: Grammar | None = None
    #: What might have been said in their places; None where nobody asked.
    choices: Choices | None = None
    #: What looked for its stop texts; None where it has none.
    watch: Watch | None = None

    @property
    def stopped(self) -> Watch | None:
        """What found a stop text in it."""
        return self.watch if self.watch and self.watch.has_found else None


def until_end(row: Sequence[int], ends: Collection[int]) -> tuple[Sequence[int], FinishReason]:
    """A row of new tokens up to its end token, and why it ends there; what follows in a batch is padding.

    >>> until_end([5, 6, 2, 0], ends={2}), until_end([5, 6], ends={2})
    (([5, 6], <FinishReason.STOP: 'stop'>), ([5, 6], <FinishReason.LENGTH: 'length'>))
    """
    for place, token in enumerate(row):
        if token in ends:
            return row[:place], FinishReason.STOP
    return row, FinishReason.LENGTH


def has_ended(row: Sequence[int], max_new_tokens: int, ends: Collection[int]) -> bool:
    """True when a row of new tokens is complete: it has an end token, or the length that it may have.

    >>> has_ended([5, 6], max_new_tokens=8, ends={2}), has_ended([5, 2], max_new_tokens=8, ends={2})
    (False, True)
    """
    return len(row) >= max_new_tokens or any(token in ends for token in row)
