"""A request for a response, read."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from jobs.contract.asking.chat import Role
from web.http.numbers import Rank
from web.intake.wishes import Format, SaidFormat, Wishes
from web.openai.parameters import RESPONSE
from web.openai.request import (
    MOST_MESSAGES,
    MOST_PARTS,
    ROLES,
    ImagePart,
    ImageUrl,
    Message,
    Request,
    Said,
    TextPart,
    Where,
    without_nulls,
)


class Text(Said):
    """A text: what was asked, or what was answered before."""

    type: Literal["input_text", "output_text"]
    text: str
    #: What was said of an answer that is sent back: nothing depends on it.
    annotations: Annotated[Sequence[Any], Field(max_length=0)] = ()
    logprobs: Sequence[Any] = ()

    @property
    def part(self) -> TextPart:
        """The same in a message of a chat."""
        return TextPart(type="text", text=self.text)


class Image(Said):
    """An image: a data URL, which holds it, or an address from which it is fetched."""

    type: Literal["input_image"]
    image_url: Where
    #: Every image is seen as the worker is set up, or at `max_pixels`.
    detail: Literal["auto", "high", "original"] = "auto"

    @property
    def part(self) -> ImagePart:
        """The same in a message of a chat."""
        return ImagePart(type="image_url", image_url=ImageUrl(url=self.image_url))


Part = Annotated[Text | Image, Field(discriminator="type")]


class Item(Said):
    """What one of those who speak says."""

    type: Literal["message"] = "message"
    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[list[Part], Field(min_length=1, max_length=MOST_PARTS)] | str
    #: What an answer that is sent back has besides.
    id: str = ""
    status: Literal["completed", "incomplete"] = "completed"
    phase: str = ""

    _say_what_they_say = model_validator(mode="before")(without_nulls)

    @model_validator(mode="after")
    def _has_images_where_they_may_be(self) -> Self:
        parts = () if isinstance(self.content, str) else self.content
        if ROLES[self.role] is not Role.USER and any(isinstance(part, Image) for part in parts):
            raise ValueError("an image can be in a message of the role `user` alone")
        return self

    @property
    def message(self) -> Message:
        """The same in a chat."""
        content = self.content
        said = content if isinstance(content, str) else [part.part for part in content]
        return Message(role=self.role, content=said)


class Thought(Said):
    """What was thought before an answer that is sent back: it is passed over."""

    type: Literal["reasoning"]
    id: str = ""
    summary: Sequence[Any] = ()
    content: Sequence[Any] = ()
    status: Literal["completed", "incomplete"] = "completed"

    _say_what_they_say = model_validator(mode="before")(without_nulls)


def _kind_of(said: Any) -> str:
    kind = said.get("type") if isinstance(said, dict) else getattr(said, "type", None)
    return _THOUGHT if kind == "reasoning" else _MESSAGE


#: What is said, by its kind; kinds in brackets are no part of a field's name.
_THOUGHT, _MESSAGE = "[thought]", "[message]"
AnyItem = Annotated[
    Annotated[Item, Tag(_MESSAGE)] | Annotated[Thought, Tag(_THOUGHT)], Discriminator(_kind_of)
]


class SaidTextFormat(Said):
    """A format as it is sent: what describes its schema is not in a field of its own."""

    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema_: dict[str, Any] | None = Field(None, alias="schema")
    strict: bool | None = None


def _as_in_chats(said: Any) -> Any:
    """A format with what describes its schema in a field of its own."""
    if not isinstance(said, dict) or said.get("type") != "json_schema":
        return said
    return {"type": "json_schema", "json_schema": {name: of for name, of in said.items() if name != "type"}}


class TextAsked(Said):
    """What the answer has to be."""

    format: Annotated[Format, BeforeValidator(_as_in_chats, json_schema_input_type=SaidTextFormat | None)] = (
        None
    )
    verbosity: Literal["medium"] | None = None


class ResponseRequest(Request):
    """A request for a response; `instructions` are what the system says first."""

    PARAMETERS = RESPONSE
    MESSAGES = "input"
    IMAGE = "input_image"
    NAMES = MappingProxyType(
        {
            "max_new_tokens": "max_output_tokens",
            "response_format": "text.format",
            # In chats what describes a schema is in a field of its own.
            "text.format.json_schema": "text.format",
        }
    )
    ALL_NAMES = NAMES

    input: Annotated[list[AnyItem], Field(min_length=1, max_length=MOST_MESSAGES)] | str
    instructions: str | None = None
    max_output_tokens: Rank | None = None
    text: TextAsked = TextAsked()
    include: Sequence[Literal["message.output_text.logprobs"]] = ()

    @cached_property
    def turns(self) -> Sequence[Message]:
        """What was said so far."""
        asked = self.input
        if isinstance(asked, str):
            return [*self._first, Message(role="user", content=asked)]
        return [*self._first, *(item.message for item in asked if isinstance(item, Item))]

    @property
    def wishes(self) -> Wishes:
        """See Request."""
        return self

    @property
    def max_new_tokens(self) -> int | None:
        """The longest answer, in tokens."""
        return self.max_output_tokens

    @property
    def names(self) -> Mapping[str, str]:
        """See Request."""
        return {**self.NAMES, "logprobs": "include" if self.include else "top_logprobs"}

    @property
    def logprobs(self) -> bool | None:
        """Whether to say of each token how likely it was."""
        return True if self.include or self.top_logprobs is not None else None

    @property
    def seed(self) -> None:
        """There is none."""

    @property
    def stop(self) -> None:
        """There is none."""

    @property
    def response_format(self) -> SaidFormat | None:
        """What the answer has to be."""
        return self.text.format

    def place_of_image(self, message: int, part: int) -> str:
        """See Request."""
        places = [place for place, item in enumerate(self.input) if isinstance(item, Item)]
        return f"input[{places[message - len(self._first)]}].content[{part}].image_url"

    @property
    def _first(self) -> Sequence[Message]:
        return [Message(role="system", content=self.instructions)] if self.instructions else []
