"""What a request says: images in their places among what was said, and how to answer."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.contract.asking.chat import Turn, ending_with, question_about
from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from jobs.shape.telling import instruction_of
from worker.engines.remote.pictures import Picture

#: Options that OpenAI's API calls as we do.
_AS_THEY_ARE = {"temperature", "top_p", "seed", "stop"}


@dataclass(frozen=True, eq=False)
class Asked:
    """One job, ready to be sent."""

    #: All but its messages.
    body: Mapping[str, Any]
    #: The messages, which may be many megabytes, as JSON.
    messages: bytes
    #: Parameters of the body that nobody asked for.
    own: frozenset[str]
    response_format: ResponseFormat | None
    top_logprobs: int | None
    #: No part of another machine's memory is ours to count.
    visual_tokens: int = 1

    def content(self, body: Mapping[str, Any]) -> bytes:
        """The request with `body` for all but the messages."""
        return json.dumps(body).encode()[:-1] + b', "messages": ' + self.messages + b"}"


def asked(
    model: str, pictures: Sequence[Picture], question: str, options: Options, settings: WorkerSettings
) -> Asked:
    """A request about `pictures` to the model that a server calls `model`."""
    wanted = options.response_format
    turns = options.chat or (question_about(len(pictures), question),)
    if wanted:
        turns = ending_with(turns, instruction_of(wanted))
    own = {"temperature", "max_tokens", "stream_options", "logprobs"}
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": options.max_new_tokens or settings.max_new_tokens,
        # The same image and question give the same answer, where nothing else is asked for.
        "temperature": 0,
        # A connection that is closed ends a stream at once; of others servers notice it late.
        "stream": True,
        "stream_options": {"include_usage": True},
        **options.model_dump(mode="json", include=_AS_THEY_ARE, exclude_none=True),
    }
    if wanted:
        body["response_format"] = wanted.public()
    if options.top_logprobs is not None or settings.openai_logprobs:
        body |= {"logprobs": True} | ({"top_logprobs": top} if (top := options.top_logprobs) else {})
    body = {name: value for name, value in (body | settings.openai_extra).items() if value is not None}
    if options.top_logprobs is not None:
        own.discard("logprobs")
    return Asked(
        body,
        json.dumps(_messages(turns, iter(pictures))).encode(),
        frozenset(own - _said(options)),
        wanted,
        options.top_logprobs,
    )


def _said(options: Options) -> set[str]:
    """The names of those that a job chose itself."""
    return set(options.model_dump(include=_AS_THEY_ARE, exclude_none=True))


def _messages(turns: Sequence[Turn], pictures: Iterator[Picture]) -> list[dict[str, Any]]:
    return [
        {"role": turn.role.value, "content": [_part(part, pictures) for part in turn.parts]} for turn in turns
    ]


def _part(part: str | None, pictures: Iterator[Picture]) -> dict[str, Any]:
    """A text, or the next picture where there is none."""
    if part is not None:
        return {"type": "text", "text": part}
    return {"type": "image_url", "image_url": {"url": next(pictures).url}}
