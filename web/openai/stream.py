"""An answer while it is made: server-sent events, as OpenAI's clients read them.

    beginning ──► what is thought ──► … ──► text ──► … ──► end
                    └─ nothing for a while: a comment, so that no proxy ends the connection
                    └─ no answer after all: an error, and nothing more

Until there is a first word the response has not begun: what fails by then has its status like any other.
"""

import time
from collections.abc import Iterator
from typing import Any, Protocol

from flask import Response, current_app

from jobs.contract.models import Job
from jobs.contract.saying.logprobs import SaidToken
from web.http.idempotency import EVENTS
from web.http.waiting import Waiting, wait_for
from web.openai.ended import logprobs_of
from web.openai.envelope import enveloped
from web.openai.following import Following
from web.services import Services

#: Proxies that keep responses back until they are whole, as nginx does, are asked not to.
_HEADERS = {"X-Accel-Buffering": "no"}
_ALIVE = b": still at it\n\n"


class Events(Protocol):
    """The events of one job's answer."""

    def begin(self) -> Iterator[bytes]:
        """Those before there is anything of it."""

    def think(self, text: str) -> Iterator[bytes]:
        """A piece of what is thought before it."""

    def add(self, text: str) -> Iterator[bytes]:
        """A piece of it."""

    def end(self, job: Job, logprobs: list[SaidToken] | None) -> Iterator[bytes]:
        """Those after it, when the job has ended."""

    def fail(self, error: dict[str, Any]) -> bytes:
        """What is said, as in the envelope, where there is no answer after all."""


class Stream:
    """Sends the events of one job's answer as it comes."""

    def __init__(self, serving: Services, following: Following, events: Events) -> None:
        self._serving, self._following, self._events = serving, following, events
        self._spoke_s = time.monotonic()

    def response(self) -> Response:
        """The response, which begins as soon as there is something to say."""
        following = self._following
        return Waiting(self._look, self._serving.stopping, left=following.leave, live=following)

    def _look(self) -> Response | None:
        following = self._following
        following.look()
        if not (following.thought or following.said or following.ended or self._is_silent):
            return None
        return Response(self._all(), mimetype=EVENTS, headers=_HEADERS)

    @property
    def _is_silent(self) -> bool:
        return time.monotonic() >= self._spoke_s + self._serving.web.stream_alive_s

    def _all(self) -> Iterator[bytes]:
        try:
            yield from self._events.begin()
            yield from self._texts()
            job = self._following.ended
            assert job
            yield from self._events.end(job, logprobs_of(self._serving, job))
        except GeneratorExit:
            self._following.leave()
            raise
        except Exception as error:
            response = current_app.make_response(current_app.handle_user_exception(error))
            yield self._events.fail(enveloped(response).get_json()["error"])

    def _texts(self) -> Iterator[bytes]:
        following, thought, given = self._following, 0, 0
        while True:
            if text := following.thought[thought:]:
                thought += len(text)
                self._spoke_s = time.monotonic()
                yield from self._events.think(text)
            if text := following.said[given:]:
                given += len(text)
                self._spoke_s = time.monotonic()
                yield from self._events.add(text)
            elif self._is_silent:
                self._spoke_s = time.monotonic()
                yield _ALIVE
            if following.ended:
                return
            yield from wait_for(following)
            following.look()
