"""A chat completion while it is made.

role ──► what is thought ──► … ──► text ──► … ──► finish_reason ──► usage, where it was asked for ──► [DONE]
"""

from collections.abc import Iterator
from typing import Any

from flask import json

from jobs.contract.models import Job
from jobs.contract.saying.logprobs import SaidToken
from web.openai.chat.completion import PREFIX, THOUGHT, finish_reason_of, sureness_of, usage_of
from web.openai.stream import Events

_DONE = b"data: [DONE]\n\n"


class ChatEvents(Events):
    """Its events; `has_usage` where they are to end with what it took."""

    def __init__(self, job: Job, *, has_usage: bool) -> None:
        self._has_usage = has_usage
        self._same = {
            "id": f"{PREFIX}{job.id}",
            "object": "chat.completion.chunk",
            "created": int(job.created_at.timestamp()),
            "model": job.model,
        }

    def begin(self) -> Iterator[bytes]:
        """Who speaks."""
        yield self._chunk({"role": "assistant", "content": ""})

    def think(self, text: str) -> Iterator[bytes]:
        """A piece of what is thought before the answer."""
        yield self._chunk({THOUGHT: text})

    def add(self, text: str) -> Iterator[bytes]:
        """A piece of the answer."""
        yield self._chunk({"content": text})

    def end(self, job: Job, logprobs: list[SaidToken] | None) -> Iterator[bytes]:
        """Why it ends, how sure it is, and what it took."""
        told = None if logprobs is None else {"content": logprobs, "refusal": None}
        yield self._chunk({}, finish_reason=finish_reason_of(job), logprobs=told, **sureness_of(job))
        if self._has_usage:
            yield _event({**self._same, "choices": [], "usage": usage_of(job)})
        yield _DONE

    def fail(self, error: dict[str, Any]) -> bytes:
        """Why there is no answer; see Events."""
        return _event({"error": error})

    def _chunk(
        self, delta: dict[str, Any], *, finish_reason: str | None = None, logprobs: Any = None, **more: Any
    ) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason, **more}
        usage = {"usage": None} if self._has_usage else {}
        return _event({**self._same, "choices": [choice], **usage})


def _event(said: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(said)}\n\n".encode()
