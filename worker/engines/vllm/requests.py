"""The jobs that vLLM has, as a rolling batch: each comes and goes by itself.

    slots ──submit──► line ──turn──► vLLM, in the loop's thread ──tokens──► turn ──► answers

A job that is cancelled, or has said a stop text, is aborted there. When the engine dies or does not come back
every job that it has goes back as a suspect, and the worker ends.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Any, Protocol, final

from jobs.contract.errors import Eva01Error
from worker.engines.base import Answer, DeviceLost, Ended, GoesBack, Hear, Rolling, failure_of
from worker.engines.company import Company
from worker.engines.deadline import Deadline
from worker.engines.saying.aloud import Aloud
from worker.engines.saying.said import Said
from worker.engines.seeing.processors import JobInput
from worker.engines.vllm.gathered import Gathered, Part
from worker.engines.vllm.line import Line
from worker.engines.vllm.owned import owned
from worker.engines.vllm.shares import Shares

#: Seconds that a turn waits for something to end: then it looks for new jobs.
_TURN_S = 0.02
#: Seconds that the engine has to come back from a step, and the part of a job's time, if that is more.
_LEAST_GRACE_S, _GRACE_PART = 5.0, 0.1


class CoreDead(Exception):
    """Raised when the engine has died."""


class Core(Protocol):
    """What is asked of the engine (worker/engines/vllm/core.py)."""

    @property
    def is_dead(self) -> bool:
        """True when it will answer nothing any more."""

    async def is_there(self, within_s: float) -> bool:
        """Whether it comes back from its steps."""

    def say(self, prompt: Any, parameters: Mapping[str, Any], priority: int) -> AsyncGenerator[Part, None]:
        """What is said to a prompt; raises CoreDead or EngineFailure."""


@dataclass(frozen=True, eq=False)
class Asked:
    """One job, ready for vLLM."""

    job: JobInput
    #: As vLLM takes it.
    prompt: Any
    parameters: Mapping[str, Any]

    @property
    def visual_tokens(self) -> int:
        """What it costs there."""
        return self.job.visual_tokens

    @property
    def prompt_tokens(self) -> int:
        """Text and visual tokens together."""
        return int(self.job.tensors["input_ids"].shape[1])


@dataclass(eq=False)
class Request:
    """A job on its way through vLLM."""

    asked: Asked
    company: Company
    is_interactive: bool
    #: Begins to say its answer piece by piece; None where nobody listens.
    aloud: Callable[[], Aloud] | None = None
    task: "asyncio.Task[None] | None" = None
    #: True when the engine is lost with it.
    is_lost: bool = False


@dataclass(frozen=True)
class _Outcome:
    """What became of a request; without an end it was cancelled."""

    request: Request
    end: Said | Eva01Error | GoesBack | None
    #: Seconds that it was there, and what it took of them.
    device_s: float = 0.0
    own_s: float = 0.0


@final
class Requests(Rolling[Asked, Request]):
    """Has `core` answer in `loop`, which runs in another thread; a job has `timeout_s` there.

    `answer_of` makes an answer of what was said, and `aloud` what says one piece by piece, if any.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        core: Core,
        answer_of: Callable[[Said], Answer],
        aloud: Callable[[JobInput, Hear], Callable[[], Aloud] | None],
        timeout_s: float,
    ) -> None:
        self._loop, self._core, self._answer_of, self._aloud = loop, core, answer_of, aloud
        self._timeout_s = timeout_s
        self._line: Line[Request] = Line()
        self._there: set[Request] = set()
        self._shares = Shares()
        self._is_stuck = False
        #: None lets a turn end early.
        self._ended: SimpleQueue[_Outcome | None] = SimpleQueue()

    @property
    def is_idle(self) -> bool:
        """True when nobody waits for an answer, and the engine is well."""
        return not (self._there or self._line or self._is_lost)

    @property
    def in_flight(self) -> int:
        """Jobs that vLLM has."""
        return len(self._there)

    @property
    def _is_lost(self) -> bool:
        return self._is_stuck or self._core.is_dead

    def request(
        self,
        prepared: Asked,
        *,
        company: Company,
        is_interactive: bool,
        owner: str | None = None,
        hear: Hear | None = None,
    ) -> Request:
        """What stands for a job; it has nothing in common with those of other owners."""
        self._ended.put(None)
        prepared = replace(prepared, prompt=owned(prepared.prompt, owner))
        aloud = self._aloud(prepared.job, hear) if hear else None
        if aloud:
            streamed = {**prepared.parameters, "is_streamed": True}
            prepared = replace(prepared, parameters=streamed)
        return Request(prepared, company, is_interactive, aloud)

    def submit(self, request: Request) -> None:
        """Let it wait for its company's turn."""
        self._line.add(request)

    def cancel(self, request: Request) -> None:
        """Abort it."""
        if self._line.remove(request):
            self._ended.put(_Outcome(request, None))
        else:
            self._loop.call_soon_threadsafe(lambda: request.task and request.task.cancel())

    def turn(self) -> Sequence[Ended[Request]]:
        """Hand over what may go, and wait a moment for something to end.

        Raises DeviceLost once all that a lost engine had is known to be lost.
        """
        if self._is_lost:
            self._loop.call_soon_threadsafe(self._lose)
        else:
            self._hand_over()
        outcomes = self._outcomes()
        self._there.difference_update(one.request for one in outcomes)
        if self._is_lost and not outcomes and not self._there:
            raise DeviceLost("vLLM's engine has died, or does not come back")
        return [self._heard(one) for one in outcomes]

    def on_device(self) -> Sequence[Request]:
        """None: a turn always comes back."""
        return ()

    def _hand_over(self) -> None:
        while request := self._line.next(self._there):
            self._there.add(request)
            self._loop.call_soon_threadsafe(self._begin, request)

    def _outcomes(self) -> list[_Outcome]:
        outcomes = []
        try:
            outcomes.append(self._ended.get(timeout=_TURN_S))
            while True:
                outcomes.append(self._ended.get_nowait())
        except Empty:
            pass
        return [one for one in outcomes if one]

    def _heard(self, outcome: _Outcome) -> Ended[Request]:
        end = outcome.end
        heard = self._answer_of(end).costing(outcome.own_s) if isinstance(end, Said) else end
        return Ended(outcome.request, heard, outcome.device_s)

    # The loop's thread

    def _begin(self, request: Request) -> None:
        request.task = self._loop.create_task(self._answer(request))

    def _lose(self) -> None:
        for request in [*self._there]:
            if request.task:
                request.is_lost = True
                request.task.cancel()

    async def _answer(self, request: Request) -> None:
        began_s, entered = time.monotonic(), self._shares.enter()
        has_begun = not self._core.is_dead
        end: Said | Eva01Error | GoesBack | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                end = await self._say(request)
        except asyncio.CancelledError:
            end = GoesBack("vLLM's engine is lost", is_suspect=has_begun) if request.is_lost else None
        except CoreDead as error:
            end = GoesBack(str(error), is_suspect=has_begun)
        except TimeoutError:
            end = await self._overdue()
        except Exception as error:
            end = failure_of(error)
        finally:
            own_s = self._shares.leave(entered)
            self._ended.put(_Outcome(request, end, time.monotonic() - began_s, own_s))

    async def _say(self, request: Request) -> Said:
        asked = request.asked
        gathered = Gathered(asked.job, request.aloud() if request.aloud else None)
        # The lower goes first.
        parts = self._core.say(asked.prompt, asked.parameters, 0 if request.is_interactive else 1)
        async with aclosing(parts):
            async for part in parts:
                gathered.take(part)
                if gathered.has_ended:
                    break
        return Said(
            *(gathered.tokens, gathered.logprobs, asked.visual_tokens, asked.prompt_tokens),
            *(asked.job.grammar, gathered.choices, gathered.watch),
        )

    async def _overdue(self) -> Eva01Error | GoesBack:
        """What a job's end is that had no answer in time; an engine that does not come back is lost with all.

        Of several that it has nobody knows which is why.
        """
        failure = Deadline(self._timeout_s).failure()
        if await self._core.is_there(max(_LEAST_GRACE_S, self._timeout_s * _GRACE_PART)):
            return failure
        is_alone = len(self._there) == 1 and not self._is_stuck
        self._is_stuck = True
        if is_alone:
            return failure
        return GoesBack("vLLM's engine does not come back", is_suspect=True)
