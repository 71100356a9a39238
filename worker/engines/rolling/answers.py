"""The rolling batch as the worker knows it: prepared jobs in, answers out."""

from collections.abc import Callable, Sequence
from typing import final

from worker.engines.base import Answer, Ended, Hear, Rolling
from worker.engines.company import Company
from worker.engines.rolling.loop import RollingLoop
from worker.engines.rolling.rows import Outcome, Request
from worker.engines.saying.aloud import Aloud
from worker.engines.saying.said import Said
from worker.engines.seeing.processors import JobInput


@final
class RollingAnswers(Rolling[JobInput, Request]):
    """Makes answers of a loop's tokens by `answer_of`; `aloud` gives what says one piece by piece, if any."""

    def __init__(
        self,
        loop: RollingLoop,
        answer_of: Callable[[Said], Answer],
        aloud: Callable[[JobInput, Hear], Callable[[], Aloud] | None],
    ) -> None:
        self._loop, self._answer_of, self._aloud = loop, answer_of, aloud

    @property
    def is_idle(self) -> bool:
        """True when there is nothing to do."""
        return self._loop.is_idle

    @property
    def in_flight(self) -> int:
        """Rows on the device."""
        return self._loop.in_flight

    def request(
        self, prepared: JobInput, *, company: Company, is_interactive: bool, hear: Hear | None = None
    ) -> Request:
        """A job's request; see Rolling."""
        return self._loop.request(
            prepared.tensors,
            prepared.max_new_tokens,
            grammar=prepared.grammar,
            top_logprobs=prepared.top_logprobs,
            sampling=prepared.sampling,
            stops=prepared.stops,
            aloud=self._aloud(prepared, hear) if hear else None,
            company=company,
            is_interactive=is_interactive,
        )

    def submit(self, request: Request) -> None:
        """Let it wait for a row."""
        self._loop.submit(request)

    def cancel(self, request: Request) -> None:
        """End it without an answer."""
        self._loop.cancel(request)

    def turn(self) -> Sequence[Ended[Request]]:
        """Do one turn of the loop."""
        return [self._ended(outcome) for outcome in self._loop.turn()]

    def on_device(self) -> Sequence[Request]:
        """The requests that the loop works on."""
        return self._loop.on_device()

    def _ended(self, outcome: Outcome) -> Ended[Request]:
        request = outcome.request
        if outcome.tokens:
            said = Said(
                *(outcome.tokens, outcome.logprobs, request.visual_tokens, request.prompt_tokens),
                *(request.grammar, outcome.choices, outcome.watch),
            )
            return Ended(request, self._answer_of(said).costing(request.own_s), outcome.device_s)
        return Ended(request, outcome.failure, outcome.device_s)
