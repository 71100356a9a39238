"""A request, read: what it asks, and how the answer is to look."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, model_validator

from jobs.contract.asking.chat import Role
from jobs.contract.asking.fields import AnswerField
from jobs.contract.asking.pages import Pages
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from jobs.contract.faults import fault_of
from web.http.numbers import Rank
from web.intake.wishes import Temperature, TopLogprobs, TopP, Wishes
from web.openai.parameters import NotSupported, Parameter, supported


class Said(BaseModel):
    """What is said there; nothing else may be."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TextPart(Said):
    """A text in a message."""

    type: Literal["text"]
    text: str


class ImageUrl(Said):
    """Where an image is: a data URL, which holds it, or an address from which it is fetched."""

    url: str = Field(min_length=1)
    #: Every image is seen as the worker is set up, or at `max_pixels`.
    detail: Literal["auto", "high"] = "auto"


class ImagePart(Said):
    """An image in a message."""

    type: Literal["image_url"]
    image_url: ImageUrl


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]
#: Two names of whoever set the model up.
ROLES = {"system": Role.SYSTEM, "developer": Role.SYSTEM, "user": Role.USER, "assistant": Role.ASSISTANT}
MOST_MESSAGES, MOST_PARTS = 1000, 1000
#: What pydantic calls texts where a field may be something else as well.
_KINDS = ("str", "constrained-str")
#: Characters of what cannot be used that are shown.
_SHOWN = 100


def without_nulls(said: Any) -> Any:
    """A message without what is null: an answer that is sent back has many such fields."""
    return (
        {name: value for name, value in said.items() if value is not None} if isinstance(said, dict) else said
    )


class Message(Said):
    """What one of a chat says."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[list[Part], Field(min_length=1, max_length=MOST_PARTS)] | str
    #: What was thought before an answer that is sent back: it is passed over.
    reasoning_content: str = ""

    _say_what_they_say = model_validator(mode="before")(without_nulls)

    @property
    def speaker(self) -> Role:
        """Who says it."""
        return ROLES[self.role]

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


class BadField(BadInput):
    """Raised for a part of a request that cannot be used; `field` says which."""

    field: str

    def __init__(self, message: str, field: str, code: Code = Code.INVALID_FIELD) -> None:
        super().__init__(message, code=code, field=field)

    @classmethod
    def of(cls, error: ValidationError, whole: str = "") -> Self:
        """About the first field that is wrong; `whole` stands for all of them."""
        first = error.errors()[0]
        # What pydantic calls the kinds that a field may be of is no part of its name.
        names = (str(part) for part in first["loc"] if part not in _KINDS and "[" not in str(part))
        place = ".".join(names)[:_SHOWN] or whole
        has_value = isinstance(first.get("input"), str | int | float)
        shown = f" is {first['input']!r}"[:_SHOWN] if has_value else ""
        return cls(f"`{place}`{shown}: {fault_of(first)}.", place)


class StreamOptions(Said):
    """What else a stream has."""

    #: Nothing is added that would hide how long pieces are.
    include_obfuscation: Literal[False] | None = None


class Request(Said, ABC):
    """What asks a model what comes next, as far as something comes of what it says."""

    #: What it may say, and how it calls its messages and an image in them.
    PARAMETERS: ClassVar[Sequence[Parameter]]
    MESSAGES: ClassVar[str]
    IMAGE: ClassVar[str]

    model: str
    max_pixels: Rank | None = None
    top_logprobs: TopLogprobs = None
    temperature: Temperature = None
    top_p: TopP = None
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None

    @property
    @abstractmethod
    def turns(self) -> Sequence[Message]:
        """What was said so far."""

    @property
    @abstractmethod
    def wishes(self) -> Wishes:
        """How its answer is to look: the request itself."""

    @abstractmethod
    def place_of_image(self, message: int, part: int) -> str:
        """The name of the field that has an image, by the places of its message and of its part."""

    @property
    def has_usage(self) -> bool:
        """True where a stream is to say how many tokens the answer took."""
        return True

    @property
    def dpi(self) -> None:
        """Images have no dots an inch."""

    @property
    def pages(self) -> Pages | None:
        """Of a file of several, the first is seen."""
        return None

    @property
    def fields(self) -> list[AnswerField] | None:
        """A format says it."""
        return None

    @classmethod
    def read(cls, said: Any) -> Self:
        """A body of JSON as a request; raises BadInput (`malformed_body`, `invalid_field`)."""
        if not isinstance(said, dict):
            raise BadInput("The body is not a JSON object. Send one.", code=Code.MALFORMED_BODY)
        try:
            return cls.model_validate(supported(said, cls.PARAMETERS))._checked()
        except NotSupported as error:
            raise BadField(str(error), error.name[:_SHOWN]) from error
        except ValidationError as error:
            raise BadField.of(error, whole=cls.MESSAGES) from error

    def _checked(self) -> Self:
        """Raises BadField where fields do not go together."""
        if self.stream_options and not self.stream:
            raise BadField(
                "`stream_options` are there, and `stream` is not true. Leave them out.", "stream_options"
            )
        if not self.turns or self.turns[-1].speaker is not Role.USER:
            raise BadField(f"The last of `{self.MESSAGES}` has to be of the role `user`.", self.MESSAGES)
        return self
