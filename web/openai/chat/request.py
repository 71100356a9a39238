"""A request for a chat completion, read."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Self

from pydantic import Field, StrictBool

from web.http.numbers import Rank
from web.intake.wishes import Format, Logprobs, Seed, Stop, Wishes
from web.openai.parameters import CHAT
from web.openai.request import MOST_MESSAGES, BadField, Message, Request, StreamOptions


class ChatStreamOptions(StreamOptions):
    """What else a stream of a chat completion has."""

    include_usage: StrictBool | None = None


class ChatRequest(Request):
    """A request for a chat completion."""

    PARAMETERS = CHAT
    MESSAGES = "messages"
    IMAGE = "image_url"
    NAMES = MappingProxyType({"max_new_tokens": "max_completion_tokens"})
    ALL_NAMES = MappingProxyType({"max_new_tokens": "max_completion_tokens (or max_tokens)"})

    messages: list[Message] = Field(min_length=1, max_length=MOST_MESSAGES)
    max_completion_tokens: Rank | None = None
    max_tokens: Rank | None = None
    logprobs: Logprobs = None
    seed: Seed = None
    stop: Stop = None
    response_format: Format = None
    stream_options: ChatStreamOptions | None = None

    @property
    def turns(self) -> Sequence[Message]:
        """What was said so far."""
        return self.messages

    @property
    def wishes(self) -> Wishes:
        """See Request."""
        return self

    @property
    def max_new_tokens(self) -> int | None:
        """The longest answer, in tokens."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def names(self) -> Mapping[str, str]:
        """See Request."""
        is_older = self.max_tokens and not self.max_completion_tokens
        return {"max_new_tokens": "max_tokens"} if is_older else self.NAMES

    @property
    def has_usage(self) -> bool:
        """True where a stream is to say how many tokens the answer took."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def place_of_image(self, message: int, part: int) -> str:
        """See Request."""
        return f"messages[{message}].content[{part}].image_url.url"

    def _checked(self) -> Self:
        if self.max_tokens not in (None, self.max_new_tokens):
            raise BadField(
                f"`max_tokens` is {self.max_tokens}, and `max_completion_tokens`"
                f" {self.max_completion_tokens}: both say how long an answer may be. Send one of them.",
                "max_tokens",
            )
        return super()._checked()
