"""What answers requests: which ones each takes, and how it tells the answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jobs.contract.models import Job
from jobs.contract.saying.logprobs import SaidToken
from web.intake.spool import CHAT_PATH, RESPONSES_PATH
from web.openai.chat.completion import completion_of
from web.openai.chat.events import ChatEvents
from web.openai.chat.request import ChatRequest
from web.openai.request import Request
from web.openai.responses.events import ResponseEvents
from web.openai.responses.request import ResponseRequest
from web.openai.responses.response import response_of
from web.openai.stream import Events


@dataclass(frozen=True)
class Endpoint:
    """One of them."""

    request: type[Request]
    #: A job with an answer as the response.
    whole: Callable[[Job, list[SaidToken] | None], dict[str, Any]]
    #: The same while it is made.
    events: Callable[[Job, Request], Events]


ENDPOINTS = {
    CHAT_PATH: Endpoint(
        ChatRequest, completion_of, lambda job, asked: ChatEvents(job, has_usage=asked.has_usage)
    ),
    RESPONSES_PATH: Endpoint(ResponseRequest, response_of, lambda job, _: ResponseEvents(job)),
}
