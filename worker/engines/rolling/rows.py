"""A request, its row while it is in flight, and its outcome."""

from array import array
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from llguidance import LLMatcher

from jobs.contract.errors import Eva01Error
from worker.engines.company import Company
from worker.engines.constraint.grammars import Grammar
from worker.engines.rolling.pool import Span
from worker.engines.rolling.prefixes.keys import NOTHING, Prefix
from worker.engines.sampling import Draw, Sampling
from worker.engines.saying.aloud import Aloud
from worker.engines.saying.logprobs import Choice, Choices, noted
from worker.engines.saying.stops import Stops, Watch


@dataclass(frozen=True, eq=False)
class Prompt:
    """A prompt as the decoder takes it, on the device: its tokens from `begin` on."""

    begin: int
    #: Length × width, with what is seen in its places.
    embedded: torch.Tensor
    #: Axes × length.
    positions: torch.Tensor
    #: Where the visual tokens are: length, true or false.
    places: torch.Tensor
    #: What is added there after each of the first layers: visual tokens × width each; mostly nothing.
    deeper: Sequence[torch.Tensor]

    def part(self, begin: int, end: int) -> "Prompt":
        """Its tokens from `begin` to `end`."""
        if end - begin == self.embedded.shape[0]:
            return self
        own = slice(begin - self.begin, end - self.begin)
        first, last = (int(self.places[:place].sum()) for place in (own.start, own.stop))
        deeper = [layer[first:last] for layer in self.deeper]
        return Prompt(begin, self.embedded[own], self.positions[:, own], self.places[own], deeper)


@dataclass(eq=False)
class Request:
    """Images and the question about them, prepared.

    `tensors` has `input_ids` (1 × length), and of the images what the model's family reads; `positions`
    (axes × length) are the prompt's, and `delta` is the next position less the length.
    """

    tensors: Mapping[str, torch.Tensor]
    max_new_tokens: int
    positions: torch.Tensor
    delta: int
    visual_tokens: int
    #: What its prompt may have in common with others.
    prefix: Prefix = NOTHING
    #: What its answer is held to; None for plain text.
    grammar: Grammar | None = None
    #: How many of the likeliest tokens are noted in each place of its answer; None for nothing of that.
    top_logprobs: int | None = None
    #: How its tokens are drawn; None for the likeliest.
    sampling: Sampling | None = None
    #: Where its answer ends early; None for no such texts.
    stops: Stops | None = None
    #: A single question, which goes before those of batches.
    is_interactive: bool = False
    #: Begins to say its answer piece by piece; None where nobody listens.
    aloud: Callable[[], Aloud] | None = None
    #: What may be on the device with it.
    company: Company = Company.INNOCENTS
    #: When it first went to the device, by the loop's clock, in seconds.
    began_s: float | None = None
    #: Seconds of the device so far: its part of each vision pass and of each step that it was in.
    own_s: float = 0.0
    #: Tokens of its prompt that others had read when it first had a row.
    shared_tokens: int = 0
    #: What was seen so far of its images, by the numbers of their pieces, until its prompt is made.
    seen: dict[int, tuple[torch.Tensor, ...]] = field(default_factory=dict)
    #: What the decoder takes in, once its images have been seen.
    prompt: Prompt | None = None
    #: Its row, once it has begun; where that was freed it goes on with what it has said.
    row: "Row | None" = None

    @property
    def ids(self) -> torch.Tensor:
        """The tokens of its prompt, and those that it has said."""
        ids = self.tensors["input_ids"][0]
        return torch.cat((ids, ids.new_tensor(self.row.generated))) if self.row else ids

    @property
    def positions_of_ids(self) -> torch.Tensor:
        """Where they are (axes × length)."""
        further = torch.arange(self.prompt_tokens, self.length) + self.delta
        return torch.cat((self.positions, further.expand(self.positions.shape[0], -1)), dim=1)

    @property
    def prompt_tokens(self) -> int:
        """Text and visual tokens together."""
        return self.tensors["input_ids"].shape[1]

    @property
    def length(self) -> int:
        """Tokens that the decoder takes in before its next word."""
        return self.row.length if self.row else self.prompt_tokens

    @property
    def cached(self) -> int:
        """How many of them are in the cache."""
        return self.row.cached if self.row else 0

    def draw(self, place: int) -> Draw | None:
        """The draw of a token of its answer, counted from 0; None for the likeliest."""
        return Draw(self.sampling, place) if self.sampling else None


@dataclass(frozen=True, eq=False)
class Outcome:
    """How a request ended: its new tokens with the end token, if there was one, or why there are none."""

    request: Request
    tokens: tuple[int, ...] = ()
    #: The logarithm of each one's probability; infinite where there was no choice.
    logprobs: tuple[float, ...] = ()
    #: What might have been said in their places; None where nobody asked.
    choices: Choices | None = None
    #: What looked for its stop texts; None where it has none.
    watch: Watch | None = None
    failure: Eva01Error | None = None
    #: Seconds since it first went to the device.
    device_s: float = 0.0

    @property
    def is_cancelled(self) -> bool:
        """True when there is neither an answer nor a reason why not."""
        return not self.tokens and self.failure is None


@dataclass(eq=False)
class Row:
    """A request in flight, and the tokens generated so far."""

    request: Request
    #: Counts up as rows begin: a larger one is newer.
    number: int
    #: The blocks of the cache that it holds, in the order of its tokens.
    blocks: "array[int]" = field(default_factory=lambda: array("q"))
    #: How many of its tokens are there.
    cached: int = 0
    #: What may follow; None for plain text.
    matcher: LLMatcher | None = None
    generated: list[int] = field(default_factory=list)
    #: The logarithm of each one's probability.
    logprobs: list[float] = field(default_factory=list)
    #: What might have been said in their places; None where nobody asked.
    choices: Choices | None = None
    #: What looks for its stop texts; None where it has none.
    watch: Watch | None = None
    #: What says it while it is made; None where nobody listens.
    aloud: Aloud | None = None

    @classmethod
    def of(cls, request: Request, number: int) -> "Row":
        """A row that has generated nothing yet."""
        return cls(
            request,
            number,
            matcher=request.grammar.begin() if request.grammar else None,
            choices=noted(request.top_logprobs),
            watch=request.stops.watch() if request.stops else None,
            aloud=request.aloud() if request.aloud else None,
        )

    @property
    def length(self) -> int:
        """Tokens of its prompt and its answer so far; the last one of a row that writes is not cached yet."""
        return self.request.prompt_tokens + len(self.generated)

    @property
    def last(self) -> Span:
        """Its last token, which a row that writes has not in the cache yet."""
        return Span(self.cached, self.cached + 1, self.blocks)

    @property
    def next_position(self) -> int:
        """Where that token is."""
        return self.cached + self.request.delta

    def append(self, token: int, logprob: float, choice: Choice | None) -> None:
        """Note a token more."""
        self.generated.append(token)
        self.logprobs.append(logprob)
        if self.choices and choice:
            self.choices.add(choice)
        if self.watch:
            self.watch.add(token)
        if self.aloud:
            self.aloud.add(token)

    def has_ended(self, ends: Collection[int]) -> bool:
        """True at the length that it may have, after an end token, or with a stop text."""
        if self.watch and self.watch.has_found:
            return True
        return len(self.generated) >= self.request.max_new_tokens or self.generated[-1] in ends
