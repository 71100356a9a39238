"""A rolling batch without a model, for tests: after some turns a job is answered with its size and question.

It follows the rules of `worker/engines/rolling` without tensors, and fails where a question asks for that.
"""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, MutableSequence, Sequence
from dataclasses import dataclass, field

from jobs.contract.errors import EngineFailure, Eva01Error
from tests.stubs.engine import DIE, HANG, LOSE_DEVICE, POISON, SLOW, Sized, said_of
from worker.engines.base import Answer, DeviceLost, Ended, Hear
from worker.engines.company import Company
from worker.engines.deadline import Deadline

#: A question that breaks the loop itself.
BREAK = "break"


@dataclass(eq=False)
class Asked:
    """A job with its remaining turns."""

    prepared: Sized
    company: Company
    is_interactive: bool
    turns_left: int
    began_s: float | None = None
    hear: Hear | None = None

    @property
    def question(self) -> str:
        """What is asked."""
        return self.prepared.question

    @property
    def device_s(self) -> float:
        """Seconds since it was admitted; 0 before."""
        return time.monotonic() - self.began_s if self.began_s is not None else 0.0


@dataclass
class StubRolling:
    """At most `rows` jobs at once; `steps` holds the questions of each turn.

    A job takes as many turns as its image is wide, or `turns` when told so. SLOW takes turns until its
    deadline is over; the first turn of HANG does not return until `comes_back` is set.
    """

    rows: int = 4
    turns: int = 0
    #: Seconds that a turn takes: short, but other threads get to run.
    takes_s: float = 0.001
    timeout_s: float = 60.0
    steps: MutableSequence[list[str]] = field(default_factory=list)
    comes_back: threading.Event = field(default_factory=threading.Event)
    _interactive: deque[Asked] = field(default_factory=deque)
    _bulk: deque[Asked] = field(default_factory=deque)
    _placed: list[Asked] = field(default_factory=list)
    _ended: list[Ended[Asked]] = field(default_factory=list)

    @property
    def is_idle(self) -> bool:
        """True when there is nothing to do."""
        return not (self._placed or self._interactive or self._bulk or self._ended)

    @property
    def in_flight(self) -> int:
        """The number of admitted jobs."""
        return len(self._placed)

    def request(
        self,
        prepared: Sized,
        *,
        company: Company,
        is_interactive: bool,
        owner: str | None = None,
        hear: Hear | None = None,
    ) -> Asked:
        """A new request, not submitted yet."""
        return Asked(prepared, company, is_interactive, self.turns or prepared.sizes[0][0], hear=hear)

    def submit(self, request: Asked) -> None:
        """Append it to its queue, interactive or bulk."""
        self._line(request).append(request)

    def cancel(self, request: Asked) -> None:
        """Remove it, queued or admitted; does nothing when it has ended."""
        for line in (self._line(request), self._placed):
            if request in line:
                line.remove(request)
                self._end(request, None)

    def turn(self) -> Sequence[Ended[Asked]]:
        """Admit, take a turn, and give back those that have ended."""
        self._admit()
        self.steps.append([row.question for row in self._placed])
        self._fail({row.question for row in self._placed})
        time.sleep(self.takes_s)
        for row in list(self._placed):
            row.turns_left -= 1
            if outcome := self._outcome(row):
                self._placed.remove(row)
                self._end(row, outcome)
        ended, self._ended = self._ended, []
        return ended

    def on_device(self) -> Sequence[Asked]:
        """The admitted jobs."""
        return list(self._placed)

    def _line(self, request: Asked) -> deque[Asked]:
        return self._interactive if request.is_interactive else self._bulk

    def _waiting(self) -> Iterator[Asked]:
        yield from self._interactive
        yield from self._bulk

    def _admit(self) -> None:
        while (first := next(self._waiting(), None)) and self._has_place_for(first):
            self._line(first).popleft()
            first.began_s = time.monotonic()
            self._placed.append(first)

    def _has_place_for(self, request: Asked) -> bool:
        if not self._placed:
            return True
        return len(self._placed) < self.rows and self._placed[0].company.admits(request.company)

    def _fail(self, questions: set[str]) -> None:
        """Fail the whole turn if a question on the device asks for that."""
        if DIE in questions:
            os.kill(os.getpid(), signal.SIGKILL)
        if HANG in questions:
            self.comes_back.wait()
        if LOSE_DEVICE in questions:
            raise DeviceLost("the device fell off the bus")
        if BREAK in questions:
            raise ZeroDivisionError("the loop is broken")

    def _outcome(self, row: Asked) -> Answer | Eva01Error | None:
        """The outcome of a row after this turn; None while it is not finished."""
        if row.device_s > self.timeout_s:
            return Deadline(self.timeout_s).failure()
        if row.question == POISON:
            return EngineFailure("poisoned")
        if row.question == SLOW or row.turns_left > 0:
            return None
        return said_of(row.prepared)

    def _end(self, request: Asked, outcome: Answer | Eva01Error | None) -> None:
        self._ended.append(Ended(request, outcome, request.device_s))
