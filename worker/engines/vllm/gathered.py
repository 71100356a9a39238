"""What vLLM says to one prompt, token by token, up to where the answer ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, isinf

from worker.engines.saying.aloud import Aloud
from worker.engines.saying.logprobs import Choice, Choices, noted
from worker.engines.saying.stops import Watch
from worker.engines.seeing.processors import JobInput


@dataclass(frozen=True)
class Part:
    """Some tokens more."""

    tokens: Sequence[int]
    #: Of each the token itself, then the likeliest, with the logarithms of their probabilities.
    choices: Sequence[Choice]


@dataclass
class Gathered:
    """The tokens so far of the answer to `job`."""

    job: JobInput
    aloud: Aloud | None
    tokens: list[int] = field(default_factory=list)
    #: The logarithm of each one's probability; infinite where there was no choice.
    logprobs: list[float] = field(default_factory=list)
    choices: Choices | None = field(init=False)
    watch: Watch | None = field(init=False)

    def __post_init__(self) -> None:
        self.choices = noted(self.job.top_logprobs)
        self.watch = self.job.stops.watch() if self.job.stops else None

    @property
    def has_ended(self) -> bool:
        """True when a stop text is there, which vLLM does not look for."""
        return self.watch is not None and self.watch.has_found

    def take(self, part: Part) -> None:
        """Note what was said, up to a stop text."""
        for token, choice in zip(part.tokens, part.choices, strict=True):
            if self.has_ended:
                return
            self._add(token, choice)

    def _add(self, token: int, choice: Choice) -> None:
        tokens, logprobs = choice
        had_to_be = self.job.grammar is not None and isinf(logprobs[-1])
        self.tokens.append(token)
        self.logprobs.append(inf if had_to_be else logprobs[0])
        if self.choices:
            size = 1 + self.choices.top
            self.choices.add((tokens[:size], logprobs[:size]))
        if self.watch:
            self.watch.add(token)
        if self.aloud:
            self.aloud.add(token)
