"""The requests under way, as a rolling batch: each comes and goes by itself.

    slots ──submit──► line ──► a server ──► its answer, part by part ──► ended
                       ▲          │ puts us off, or fails
                       └──────────┘ a few times

All of them are coroutines in a thread of its own: so hundreds wait at the same time, each ends by its own
deadline to the moment, and a cancel closes its connection, from which the server knows.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from random import uniform
from typing import Any, final

from jobs.contract.errors import EngineFailure, Eva01Error
from jobs.contract.settings import WorkerSettings
from worker.engines.base import Answer, Ended, GoesBack, Hear, Part, Rolling, failure_of
from worker.engines.company import Company
from worker.engines.deadline import Deadline
from worker.engines.remote.answers import answer_of
from worker.engines.remote.asking import Asked
from worker.engines.remote.errors import Broken, Busy, Lost, Refused, ServerError, Shut, Unreachable
from worker.engines.remote.habits import Habits
from worker.engines.remote.said import Said
from worker.engines.remote.server import Server
from worker.engines.remote.servers import AllAway, Servers
from worker.engines.saying.beginning import Beginning
from worker.engines.saying.thinking import Thinking

#: Seconds that a turn waits for something to end: then it looks for new jobs.
_TURN_S = 0.02
#: Seconds to wait before another try where a server does not say; they double, up to the longest.
_FIRST_REST_S, _LONGEST_REST_S = 0.5, 30.0


@dataclass(eq=False)
class Call:
    """A job on its way to a server and back."""

    asked: Asked
    company: Company
    is_interactive: bool
    hear: Hear | None = None
    #: Tries that a server has put off or failed on.
    tries: int = 0
    #: True when a server failed on it.
    has_begun: bool = False
    #: Seconds that servers had it.
    server_s: float = 0.0
    #: What was said last to a server, but for the messages.
    sent: Mapping[str, Any] = field(default_factory=dict)
    task: "asyncio.Task[None] | None" = None


@final
class Calls(Rolling[Asked, Call]):
    """Sends jobs to `servers` in `loop`, which runs in another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, servers: Servers, settings: WorkerSettings) -> None:
        self._loop, self._servers, self._settings = loop, servers, settings
        self._habits = Habits()
        self._under_way: set[Call] = set()
        #: None lets a turn end early.
        self._ended: SimpleQueue[Ended[Call] | None] = SimpleQueue()

    @property
    def is_idle(self) -> bool:
        """True when nobody waits for an answer."""
        return not self._under_way

    @property
    def in_flight(self) -> int:
        """Jobs without an answer."""
        return len(self._under_way)

    def request(
        self,
        prepared: Asked,
        *,
        company: Company,
        is_interactive: bool,
        owner: str | None = None,
        hear: Hear | None = None,
    ) -> Call:
        """What stands for a job; `hear` hears of its answer as the server says it."""
        self._ended.put(None)
        return Call(prepared, company, is_interactive, hear)

    def submit(self, request: Call) -> None:
        """Let it wait for a server."""
        self._under_way.add(request)
        self._loop.call_soon_threadsafe(self._begin, request)

    def cancel(self, request: Call) -> None:
        """Close its connection."""
        self._loop.call_soon_threadsafe(lambda: request.task and request.task.cancel())

    def turn(self) -> Sequence[Ended[Call]]:
        """Wait a moment for something to end."""
        ended = []
        try:
            ended.append(self._ended.get(timeout=_TURN_S))
            while True:
                ended.append(self._ended.get_nowait())
        except Empty:
            pass
        done = [one for one in ended if one]
        self._under_way.difference_update(one.request for one in done)
        return done

    def on_device(self) -> Sequence[Call]:
        """None: a turn always comes back."""
        return ()

    # The loop's thread

    def _begin(self, call: Call) -> None:
        call.task = self._loop.create_task(self._answer(call))

    async def _answer(self, call: Call) -> None:
        outcome: Answer | Eva01Error | GoesBack | None = None
        try:
            outcome = await self._until_answered(call)
        except GoesBack as error:
            outcome = error
        except Exception as error:
            outcome = failure_of(error)
        finally:
            self._ended.put(Ended(call, outcome, call.server_s))

    async def _until_answered(self, call: Call) -> Answer | Eva01Error:
        while True:
            try:
                server = await self._servers.turn(call.company, is_interactive=call.is_interactive)
            except AllAway as error:
                raise GoesBack(str(error), is_suspect=call.has_begun) from error
            try:
                return answer_of(await self._say(server, call), call.asked)
            except TimeoutError:
                return Deadline(self._settings.job_timeout_s).failure()
            except ServerError as error:
                await self._meet(error, server, call)

    async def _say(self, server: Server, call: Call) -> Said:
        asked, said = call.asked, Said()
        if call.hear:
            _tell(said, call.hear)
        call.sent = self._habits.applied(asked.body, asked.own)
        began_s = time.monotonic()
        try:
            async with asyncio.timeout(self._settings.job_timeout_s):
                await server.say(asked.content(call.sent), said)
        finally:
            call.server_s += time.monotonic() - began_s
            self._servers.left(server)
        return said

    async def _meet(self, error: ServerError, server: Server, call: Call) -> None:
        """Get ready to ask again after `error`; raises GoesBack or Eva01Error where that would not help."""
        match error:
            case Busy():
                call.tries += 1
                if call.tries >= self._settings.openai_tries:
                    raise GoesBack(str(error), is_suspect=call.has_begun) from error
                rest_s = _rest_s(call) if error.after_s is None else error.after_s
                server.rests_until_s = max(server.rests_until_s, time.monotonic() + rest_s)
            case Broken():
                call.tries, call.has_begun = call.tries + 1, True
                if call.tries >= self._settings.openai_tries:
                    raise EngineFailure(f"The server failed on it: {error}") from error
                await asyncio.sleep(_rest_s(call))
            case Lost():
                self._servers.leave(server, error)
                raise GoesBack(str(error), is_suspect=True) from error
            case Unreachable() | Shut():
                self._servers.leave(server, error)
            case Refused():
                if not self._habits.learn(str(error), call.sent, call.asked.own):
                    raise error.failure from error


def _tell(said: Said, hear: Hear) -> None:
    """Have each part of what is said told, from its first on."""
    beginning = Beginning(Thinking())

    def told(add: Callable[[str], Sequence[Part]], text: str) -> None:
        parts = add(text)
        hear(lambda: parts)

    said.on_text, said.on_thought = partial(told, beginning.add), partial(told, beginning.add_thought)


def _rest_s(call: Call) -> float:
    """Seconds to wait before another try, so much by chance that not all come back at once."""
    longest = min(_LONGEST_REST_S, _FIRST_REST_S * 2.0 ** (call.tries - 1))
    return longest * uniform(0.5, 1)  # noqa: S311 (no secret)
