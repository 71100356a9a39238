"""A response while it is made.

its beginning ──► what is thought, piece by piece ──► the answer, piece by piece ──► the response as a whole
                  └─ an item each: its beginning, its text, each of its parts as a whole ─┘
"""

from collections.abc import Iterator
from typing import Any

from flask import json

from jobs.contract.models import Job, JobState
from jobs.contract.saying.logprobs import SaidToken
from web.openai.responses.response import (
    message_of,
    reasoning_of,
    response_of,
    status_of,
    text_of,
    thought_part,
)
from web.openai.stream import Events


class ResponseEvents(Events):
    """Its events, which are numbered."""

    def __init__(self, job: Job) -> None:
        self._job = job.model_copy(update={"state": JobState.RUNNING})
        self._number = 0
        self._thought = ""
        #: The item that is being said, and its place.
        self._item_id, self._index = "", -1

    def begin(self) -> Iterator[bytes]:
        """The response without a word in it."""
        begun = response_of(self._job, None)
        yield self._event("response.created", response=begun)
        yield self._event("response.in_progress", response=begun)

    def think(self, text: str) -> Iterator[bytes]:
        """A piece of what is thought."""
        if not self._thought:
            yield from self._begin_item(reasoning_of(self._job, None), thought_part(""))
        self._thought += text
        yield self._of_text("response.reasoning_text.delta", delta=text)

    def add(self, text: str) -> Iterator[bytes]:
        """A piece of the answer."""
        message = message_of(self._job, None, None)
        if self._item_id != message["id"]:
            yield from self._end_thought()
            yield from self._begin_item(message, text_of("", None))
        yield self._of_text("response.output_text.delta", delta=text, logprobs=[])

    def end(self, job: Job, logprobs: list[SaidToken] | None) -> Iterator[bytes]:
        """The answer as a whole, its message, and the response."""
        text = text_of(job.answer or "", logprobs)
        yield self._of_text("response.output_text.done", text=text["text"], logprobs=text["logprobs"])
        yield from self._end_item(message_of(job, job.answer, logprobs))
        yield self._event(f"response.{status_of(job)}", response=response_of(job, logprobs))

    def fail(self, error: dict[str, Any]) -> bytes:
        """Why there is no answer: as their clients' types have it, and in `error`, for which they raise."""
        said = {name: error[name] for name in ("code", "message", "param")}
        return self._event("error", **said, error=error)

    def _end_thought(self) -> Iterator[bytes]:
        if self._thought:
            yield self._of_text("response.reasoning_text.done", text=self._thought)
            yield from self._end_item({**reasoning_of(self._job, self._thought), "status": "completed"})

    def _begin_item(self, item: dict[str, Any], part: dict[str, Any]) -> Iterator[bytes]:
        self._item_id, self._index = item["id"], self._index + 1
        yield self._event("response.output_item.added", output_index=self._index, item=item)
        yield self._of_text("response.content_part.added", part=part)

    def _end_item(self, item: dict[str, Any]) -> Iterator[bytes]:
        (part,) = item["content"]
        yield self._of_text("response.content_part.done", part=part)
        yield self._event("response.output_item.done", output_index=self._index, item=item)

    def _of_text(self, kind: str, **said: Any) -> bytes:
        return self._event(kind, item_id=self._item_id, output_index=self._index, content_index=0, **said)

    def _event(self, kind: str, **said: Any) -> bytes:
        told = {"type": kind, "sequence_number": self._number, **said}
        self._number += 1
        return f"event: {kind}\ndata: {json.dumps(told)}\n\n".encode()
