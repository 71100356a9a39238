"""A completion while it is made: server-sent events, as OpenAI's clients read them.

    role ──► text ──► … ──► finish_reason ──► usage, where it was asked for ──► [DONE]
               └─ nothing for a while: a comment, so that no proxy ends the connection
               └─ no answer after all: an error, and nothing more

Until there is a first text the response has not begun: what fails by then has its status like any other.
"""

import time
from collections.abc import Iterator
from typing import Any

from flask import Response, current_app, json

from jobs.contract.models import Job
from web.http.idempotency import EVENTS
from web.http.waiting import Waiting, wait_for
from web.openai.completion import PREFIX, finish_reason_of, usage_of
from web.openai.ended import logprobs_of
from web.openai.envelope import enveloped
from web.openai.following import Following
from web.services import Services

#: Proxies that keep responses back until they are whole, as nginx does, are asked not to.
_HEADERS = {"X-Accel-Buffering": "no"}
_ALIVE = b": still at it\n\n"
_DONE = b"data: [DONE]\n\n"


class Stream:
    """The events of one job's answer; `has_usage` where they are to end with what it took."""

    def __init__(self, serving: Services, job: Job, following: Following, *, has_usage: bool) -> None:
        self._serving, self._following, self._has_usage = serving, following, has_usage
        self._spoke_s = time.monotonic()
        self._same = {
            "id": f"{PREFIX}{job.id}",
            "object": "chat.completion.chunk",
            "created": int(job.created_at.timestamp()),
            "model": job.model,
        }

    def response(self) -> Response:
        """The response, which begins as soon as there is something to say."""
        following = self._following
        return Waiting(self._look, self._serving.stopping, left=following.leave, live=following)

    def _look(self) -> Response | None:
        following = self._following
        following.look()
        if not (following.said or following.ended or self._is_silent):
            return None
        return Response(self._events(), mimetype=EVENTS, headers=_HEADERS)

    @property
    def _is_silent(self) -> bool:
        return time.monotonic() >= self._spoke_s + self._serving.web.stream_alive_s

    def _events(self) -> Iterator[bytes]:
        try:
            yield from self._whole()
        except GeneratorExit:
            self._following.leave()
            raise
        except Exception as error:
            response = current_app.make_response(current_app.handle_user_exception(error))
            yield _event(enveloped(response).get_json())

    def _whole(self) -> Iterator[bytes]:
        yield self._chunk({"role": "assistant", "content": ""})
        yield from self._texts()
        job = self._following.ended
        assert job
        logprobs = logprobs_of(self._serving, job)
        told = None if logprobs is None else {"content": logprobs, "refusal": None}
        yield self._chunk({}, finish_reason=finish_reason_of(job), logprobs=told)
        if self._has_usage:
            yield _event({**self._same, "choices": [], "usage": usage_of(job)})
        yield _DONE

    def _texts(self) -> Iterator[bytes]:
        following, given = self._following, 0
        while True:
            if text := following.said[given:]:
                given += len(text)
                yield self._chunk({"content": text})
            elif self._is_silent:
                self._spoke_s = time.monotonic()
                yield _ALIVE
            if following.ended:
                return
            yield from wait_for(following)
            following.look()

    def _chunk(
        self, delta: dict[str, Any], *, finish_reason: str | None = None, logprobs: Any = None
    ) -> bytes:
        self._spoke_s = time.monotonic()
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}
        usage = {"usage": None} if self._has_usage else {}
        return _event({**self._same, "choices": [choice], **usage})


def _event(said: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(said)}\n\n".encode()
