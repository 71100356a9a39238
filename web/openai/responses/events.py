"""A response while it is made: its beginning, its text piece by piece, then each of its parts as a whole."""

from collections.abc import Iterator
from typing import Any

from flask import json

from jobs.contract.models import Job, JobState
from jobs.contract.saying.logprobs import SaidToken
from web.openai.responses.response import message_of, response_of, status_of, text_of
from web.openai.stream import Events


class ResponseEvents(Events):
    """Its events, which are numbered."""

    def __init__(self, job: Job) -> None:
        self._job = job.model_copy(update={"state": JobState.RUNNING})
        self._message_id = message_of(job, None, None)["id"]
        self._number = 0

    def begin(self) -> Iterator[bytes]:
        """The response without a word in it."""
        begun = response_of(self._job, None)
        yield self._event("response.created", response=begun)
        yield self._event("response.in_progress", response=begun)
        message = message_of(self._job, None, None)
        yield self._event("response.output_item.added", output_index=0, item=message)
        yield self._of_text("response.content_part.added", part=text_of("", None))

    def add(self, text: str) -> bytes:
        """A piece of the answer."""
        return self._of_text("response.output_text.delta", delta=text, logprobs=[])

    def end(self, job: Job, logprobs: list[SaidToken] | None) -> Iterator[bytes]:
        """The answer as a whole, its message, and the response."""
        text = text_of(job.answer or "", logprobs)
        yield self._of_text("response.output_text.done", text=text["text"], logprobs=text["logprobs"])
        yield self._of_text("response.content_part.done", part=text)
        message = message_of(job, job.answer, logprobs)
        yield self._event("response.output_item.done", output_index=0, item=message)
        yield self._event(f"response.{status_of(job)}", response=response_of(job, logprobs))

    def fail(self, error: dict[str, Any]) -> bytes:
        """Why there is no answer: as their clients' types have it, and in `error`, for which they raise."""
        said = {name: error[name] for name in ("code", "message", "param")}
        return self._event("error", **said, error=error)

    def _of_text(self, kind: str, **said: Any) -> bytes:
        return self._event(kind, item_id=self._message_id, output_index=0, content_index=0, **said)

    def _event(self, kind: str, **said: Any) -> bytes:
        told = {"type": kind, "sequence_number": self._number, **said}
        self._number += 1
        return f"event: {kind}\ndata: {json.dumps(told)}\n\n".encode()
