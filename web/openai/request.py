"""A request for a chat completion, read: what it asks, and how the answer is to look."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, model_validator

from jobs.contract.asking.chat import Role
from jobs.contract.asking.pages import Pages
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from jobs.shape.fields import AnswerField
from web.http.numbers import Rank
from web.intake.wishes import Format, Logprobs, Seed, Stop, Temperature, TopLogprobs, TopP
from web.openai.parameters import NotSupported, supported


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TextPart(_Said):
    """A text in a message."""

    type: Literal["text"]
    text: str


class ImageUrl(_Said):
    """Where an image is: a data URL, which holds it, or an address from which it is fetched."""

    url: str = Field(min_length=1)
    #: Every image is seen as the worker is set up, or at `max_pixels`.
    detail: Literal["auto", "high"] = "auto"


class ImagePart(_Said):
    """An image in a message."""

    type: Literal["image_url"]
    image_url: ImageUrl


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]
#: Two names of whoever set the model up.
_ROLES = {"system": Role.SYSTEM, "developer": Role.SYSTEM, "user": Role.USER, "assistant": Role.ASSISTANT}
_MOST_MESSAGES, _MOST_PARTS = 1000, 1000
#: Characters of what cannot be used that are shown.
_SHOWN = 100


class Message(_Said):
    """What one of a chat says."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[list[Part], Field(min_length=1, max_length=_MOST_PARTS)] | str

    @model_validator(mode="before")
    @classmethod
    def _say_what_they_say(cls, said: Any) -> Any:
        """Without what is null: an answer that is sent back has many such fields."""
        return (
            {name: value for name, value in said.items() if value is not None}
            if isinstance(said, dict)
            else said
        )

    @property
    def speaker(self) -> Role:
        """Who says it."""
        return _ROLES[self.role]

    @property
    def parts(self) -> tuple[TextPart | ImagePart, ...]:
        """What it has, one after the other."""
        content = self.content
        return (TextPart(type="text", text=content),) if isinstance(content, str) else tuple(content)

    @model_validator(mode="after")
    def _has_images_where_they_may_be(self) -> Self:
        if self.speaker is not Role.USER and any(isinstance(part, ImagePart) for part in self.parts):
            raise ValueError("an image can be in a message of the role `user` alone")
        return self


class StreamOptions(_Said):
    """What else a stream has."""

    include_usage: StrictBool | None = None
    #: Nothing is added that would hide how long pieces are.
    include_obfuscation: Literal[False] | None = None


class ChatRequest(_Said):
    """A request for a chat completion, as far as something comes of what it says; it is Wishes, too."""

    model: str
    messages: list[Message] = Field(min_length=1, max_length=_MOST_MESSAGES)
    max_completion_tokens: Rank | None = None
    max_tokens: Rank | None = None
    max_pixels: Rank | None = None
    logprobs: Logprobs = None
    top_logprobs: TopLogprobs = None
    temperature: Temperature = None
    top_p: TopP = None
    seed: Seed = None
    stop: Stop = None
    response_format: Format = None
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None

    @property
    def max_new_tokens(self) -> int | None:
        """The longest answer, in tokens."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def dpi(self) -> None:
        """Images have no dots an inch."""

    @property
    def pages(self) -> Pages | None:
        """Of a file of several, the first is seen."""
        return None

    @property
    def fields(self) -> list[AnswerField] | None:
        """A `response_format` says it."""
        return None

    @model_validator(mode="after")
    def _ends_with_a_question(self) -> Self:
        if self.messages[-1].speaker is not Role.USER:
            raise ValueError("the last message has to be of the role `user`")
        return self

    @classmethod
    def read(cls, said: Any) -> Self:
        """A body of JSON as a request; raises BadInput (`malformed_body`, `invalid_field`)."""
        if not isinstance(said, dict):
            raise BadInput("The body is not a JSON object. Send one.", code=Code.MALFORMED_BODY)
        try:
            request = cls.model_validate(supported(said))
        except NotSupported as error:
            raise BadField(str(error), error.name) from error
        except ValidationError as error:
            raise BadField.of(error, whole="messages") from error
        if request.max_tokens not in (None, request.max_new_tokens):
            raise BadField(
                f"`max_tokens` is {request.max_tokens}, and `max_completion_tokens`"
                f" {request.max_completion_tokens}: both say how long an answer may be. Send one of them.",
                "max_tokens",
            )
        if request.stream_options and not request.stream:
            raise BadField(
                "`stream_options` are there, and `stream` is not true. Leave them out.", "stream_options"
            )
        return request


class BadField(BadInput):
    """Raised for a part of a request that cannot be used; `field` says which."""

    def __init__(self, message: str, field: str, code: Code = Code.INVALID_FIELD) -> None:
        super().__init__(message, code=code)
        self.field = field

    @classmethod
    def of(cls, error: ValidationError, whole: str = "") -> Self:
        """About the first field that is wrong; `whole` stands for all of them."""
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])[:_SHOWN] or whole
        has_value = isinstance(first.get("input"), str | int | float)
        shown = f" is {first['input']!r}"[:_SHOWN] if has_value else ""
        return cls(f"`{place}`{shown}: {first['msg']}.", place)
