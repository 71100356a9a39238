"""A request, read: what it asks, and how the answer is to look."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    model_validator,
)

from jobs.contract.asking.chat import Role
from jobs.contract.asking.fields import AnswerField
from jobs.contract.asking.pages import Pages
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from jobs.contract.faults import fault_of
from web.http.numbers import Rank
from web.intake.wishes import Temperature, TopLogprobs, TopP, Wishes
from web.openai.parameters import NotSupported, Parameter, supported


def _reword(error: BadInput, names: Mapping[str, str]) -> None:
    """Have an error call fields by the names that they have in the request, by those of other requests."""
    for name, own in names.items():
        pattern = rf"\b{re.escape(name)}\b"
        error.message = re.sub(pattern, own, error.message)
        error.field = re.sub(pattern, own, error.field or "") or None


class Said(BaseModel):
    """What is said there; nothing else may be."""

    model_config = ConfigDict(frozen=True, extra="forbid")


#: How a data URL begins, or an address.
_ADDRESS = r"^([dD][aA][tT][aA]:|[a-zA-Z][a-zA-Z0-9+.-]*://)"


class TextPart(Said):
    """A text in a message."""

    type: Literal["text"]
    text: str


def _addressed(url: str) -> str:
    """Raises ValueError for what cannot be where an image is, such as its bytes alone."""
    if not re.match(_ADDRESS, url):
        raise ValueError(
            "should be a data URL, data:image/png;base64,…, or an address that begins with https://"
        )
    return url


#: Where an image is: a data URL, which holds it, or an address from which it is fetched.
Where = Annotated[str, AfterValidator(_addressed), Field(json_schema_extra={"pattern": _ADDRESS})]


class ImageUrl(Said):
    """An image by where it is."""

    url: Where
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
        place = place_of(first["loc"])[:_SHOWN] or whole
        has_value = isinstance(first.get("input"), str | int | float)
        shown = f" is {first['input']!r}"[:_SHOWN] if has_value else ""
        return cls(f"`{place}`{shown}: {fault_of(first)}.", place)


def place_of(steps: Sequence[str | int]) -> str:
    """The name of a part of a request, as OpenAI's API has it, by the steps that pydantic takes to it.

    >>> place_of(["messages", 0, "content", "list[tagged-union]", 1, "image_url", "image_url", "url"])
    'messages[0].content[1].image_url.url'
    """
    # What it calls the kinds that a field may be of is no part of its name.
    named = [step for step in steps if step not in _KINDS and "[" not in str(step)]
    # Nor is the type of a part of a message, behind the part's number.
    types = {place + 2 for place, step in enumerate(named) if step == "content"}
    shown = [step for place, step in enumerate(named) if place not in types]
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in shown).removeprefix(".")


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
    #: What it calls otherwise than other requests do, by the names that those have.
    NAMES: ClassVar[Mapping[str, str]]
    #: The same where it is not known any more which of several names for the same was used.
    ALL_NAMES: ClassVar[Mapping[str, str]]

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
    def names(self) -> Mapping[str, str]:
        """The same as NAMES, where there are two for the same the one that was used."""
        return self.NAMES

    @property
    def images(self) -> list[tuple[str, str]]:
        """The images in messages, in their order: of each the name of its field, and what that has."""
        return [
            (self.place_of_image(number, place), part.image_url.url)
            for number, message in enumerate(self.turns)
            for place, part in enumerate(message.parts)
            if isinstance(part, ImagePart)
        ]

    @contextmanager
    def in_own_words(self) -> Iterator[None]:
        """Have a BadInput that is raised in the block name fields as the request does."""
        try:
            yield
        except BadInput as error:
            if error.image is not None:
                error.field, _ = self.images[error.image]
            _reword(error, self.names)
            raise

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
            told = BadField.of(error, whole=cls.MESSAGES)
            _reword(told, cls.NAMES)
            raise told from error

    def _checked(self) -> Self:
        """Raises BadField where fields do not go together."""
        if self.stream_options and not self.stream:
            raise BadField(
                "`stream_options` are there, and `stream` is not true. Leave them out.", "stream_options"
            )
        if not self.turns or self.turns[-1].speaker is not Role.USER:
            raise BadField(f"The last of `{self.MESSAGES}` has to be of the role `user`.", self.MESSAGES)
        return self
