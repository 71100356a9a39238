"""How an answer is to look, as a request says it: in JSON, in a form, or in lines where no script runs."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    WithJsonSchema,
    model_validator,
)

from jobs.contract.asking.fields import AnswerField, SaidField
from jobs.contract.asking.pages import LEAST_DPI, MOST_DPI, Pages
from jobs.contract.asking.response_format import FormatType, NamedSchema, ResponseFormat
from jobs.contract.asking.sampling import LEAST_SEED, MOST_SEED, MOST_STOPS, MOST_TEMPERATURE, StopText
from jobs.contract.saying.logprobs import MOST_TOP_LOGPROBS
from jobs.contract.settings import MOST_FIELDS
from web.http.json import Unusable, value_in
from web.http.numbers import COUNTED, Number, Ordinal, Rank, decimal, signed, whole

_FIELDS = (
    "What each answer has, which is then JSON: for each field its name, type, choices and a hint, or all"
    " of it in short, `total:number`, `kind:receipt|invoice`, `items:text[]`. Not with `response_format`."
)
MAX_PIXELS = (
    "Pixels of each image that the model sees at most: a larger image is scaled down. More read smaller text"
    " and take more time; /api/models says what may be asked for."
)
DPI = (
    f"Dots an inch at which pages of PDFs are drawn, {LEAST_DPI} to {MOST_DPI}; else as the server is set up."
)
PAGES = (
    "What a file of several pages becomes: a job for each of them (`each`), or one about all (`together`)."
    " Else as suits the model: `together` for one that reads whole files (`reads_pages` in /api/models)."
)
_LOGPROBS = (
    "Say of each token of an answer how likely it was: in the job itself and in JSONL, not in lists. A model"
    " can if `has_logprobs` says so in /api/models."
)
_TOP_LOGPROBS = "How many of the likeliest tokens to name in each place; only with `logprobs`."
_TEMPERATURE = (
    "How freely each token is drawn: at 1 as likely as the model says, below it closer to the likeliest;"
    " 0, or nothing, for always the likeliest. A model can if `has_sampling` says so in /api/models."
)
_TOP_P = (
    "Draw only of the likeliest tokens that together are as likely as this; only with `temperature`, which"
    " may be 0."
)
_SEED = "The same seed gives the same answer to the same question; without one, each is drawn anew."
_STOP = (
    f"A text at which an answer ends, or up to {MOST_STOPS}: before the first, which is no part of it. Not"
    " with `fields` or `response_format`."
)
_FORMAT = "What each answer has to be, as OpenAI's API says it. Not with `fields`."


#: What OpenAI's APIs say beside a schema.
_WRAPPED = {"name", "description", "schema", "strict"}


class SaidSchema(BaseModel):
    """A JSON Schema and its name.

    OpenAI's APIs wrap a schema up with its name, and that once more; pasted in its place, it is unwrapped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("answer", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str | None = Field(None, max_length=1000, description="What the answer is for.")
    schema_: dict[str, Any] = Field(
        alias="schema",
        description="Answers are held to it; docs/api.md lists the keywords that may be in it.",
    )
    strict: bool | None = Field(None, description="Answers are held to the schema, whatever this says.")

    @model_validator(mode="before")
    @classmethod
    def _unwrapped(cls, said: Any) -> Any:
        """No schema has the keywords by which a wrapper is known: what is taken for one is nothing else."""
        inner = said.get("schema") if isinstance(said, dict) else None
        if isinstance(inner, dict) and inner.get("type") == "json_schema":
            flat = {name: value for name, value in inner.items() if name != "type"}
            inner = inner.get("json_schema", flat)
        if isinstance(inner, dict) and "schema" in inner and set(inner) <= _WRAPPED:
            return {**said, **inner}
        return said


class SaidFormat(BaseModel):
    """What an answer has to be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["text", "json_object", "json_schema"]
    json_schema: SaidSchema | None = Field(None, description="With the type `json_schema`, and only there.")

    @model_validator(mode="after")
    def _has_its_schema(self) -> Self:
        if self.type != "json_schema" and self.json_schema is not None:
            raise ValueError("`json_schema` belongs to the type `json_schema`, and to no other")
        if self.type == "json_schema" and self.json_schema is None:
            raise ValueError(
                '`json_schema` is missing, which the type `json_schema` needs: {"name": …, "schema": {…}}'
            )
        return self

    def kept(self) -> ResponseFormat | None:
        """As jobs keep it; None for plain text."""
        if self.type == "text":
            return None
        named = self.json_schema
        return ResponseFormat(
            type=FormatType(self.type),
            json_schema=named and NamedSchema.model_validate(named.model_dump(by_alias=True)),
        )


class Wishes(Protocol):
    """How a request wants its answers: SaidWishes, or a form."""

    @property
    def max_new_tokens(self) -> int | None:
        """The longest, in tokens."""

    @property
    def max_pixels(self) -> int | None:
        """Of each image, what is seen at most."""

    @property
    def dpi(self) -> int | None:
        """Dots an inch of a PDF's pages."""

    @property
    def pages(self) -> Pages | None:
        """What a file of several pages becomes."""

    @property
    def logprobs(self) -> bool | None:
        """Whether to say of each token how likely it was."""

    @property
    def top_logprobs(self) -> int | None:
        """How many of the likeliest to name in each place."""

    @property
    def temperature(self) -> float | None:
        """How freely each token is drawn."""

    @property
    def top_p(self) -> float | None:
        """How likely the tokens are together of which one is drawn."""

    @property
    def seed(self) -> int | None:
        """What draws follow from."""

    @property
    def stop(self) -> str | Sequence[str] | None:
        """Texts at which each ends."""

    @property
    def fields(self) -> Sequence[AnswerField] | None:
        """What each has."""

    @property
    def response_format(self) -> SaidFormat | None:
        """What each has to be."""


def in_json(text: str) -> Any:
    """What the text of a form's field says; raises ValueError for no JSON, and for what nobody could use."""
    try:
        return value_in(text)
    except Unusable as error:
        raise ValueError(f"it {error}") from error
    except ValueError as error:
        raise ValueError(f"it is no JSON, {error}") from error


def _json_or_lines(text: str) -> Any:
    """The same of fields, which may be said in short as well, each in a line."""
    try:
        return in_json(text)
    except ValueError:
        # What begins so is JSON that somebody has to mend.
        if text.lstrip()[:1] in tuple('[{"'):
            raise
    return _lines(text)


def _truth(text: Any) -> bool:
    """What the text of a form's field says; raises ValueError for all but two words."""
    if text not in ("true", "false"):
        raise ValueError("should be true or false")
    return bool(text == "true")


def _stops(said: Any) -> Any:
    """Texts, also where one is said without a list; raises ValueError for anything else, and for too many."""
    stops = [said] if isinstance(said, str) else said
    if stops is not None and not isinstance(stops, list):
        raise ValueError(f"should be a text, or a list of up to {MOST_STOPS}")
    if stops is not None and len(stops) > MOST_STOPS:
        raise ValueError(f"has {len(stops):,} texts, and may have {MOST_STOPS} at most")
    return stops


def _lines(text: str) -> list[str] | None:
    return [line for line in text.splitlines() if line.strip()] or None


_TEXT = WithJsonSchema({"type": "string", "contentMediaType": "application/json"})
#: In the body of a request; a call that takes a form has them as JSON in its fields.
Fields = Annotated[
    list[SaidField] | None,
    Field(min_length=1, max_length=MOST_FIELDS, description=_FIELDS),
]
Format = Annotated[SaidFormat | None, Field(description=_FORMAT)]
Logprobs = Annotated[bool | None, Field(description=_LOGPROBS)]
LogprobsOfForm = Annotated[Annotated[bool, BeforeValidator(_truth)] | None, Field(description=_LOGPROBS)]
_DPI = Field(ge=LEAST_DPI, le=MOST_DPI)
Dpi = Annotated[Annotated[int, _DPI, COUNTED] | None, Field(description=DPI)]
DpiOfForm = Annotated[Annotated[int, _DPI, BeforeValidator(whole)] | None, Field(description=DPI)]
ManyPages = Annotated[Pages | None, Field(description=PAGES)]
_TOP = Field(ge=0, le=MOST_TOP_LOGPROBS)
TopLogprobs = Annotated[Annotated[int, _TOP, COUNTED] | None, Field(description=_TOP_LOGPROBS)]
TopLogprobsOfForm = Annotated[
    Annotated[int, _TOP, BeforeValidator(whole)] | None, Field(description=_TOP_LOGPROBS)
]
_WARM, _PART, _WRITTEN = Field(ge=0, le=MOST_TEMPERATURE), Field(gt=0, le=1), BeforeValidator(decimal)
Temperature = Annotated[Annotated[Number, _WARM] | None, Field(description=_TEMPERATURE)]
TemperatureOfForm = Annotated[Annotated[float, _WARM, _WRITTEN] | None, Field(description=_TEMPERATURE)]
TopP = Annotated[Annotated[Number, _PART] | None, Field(description=_TOP_P)]
TopPOfForm = Annotated[Annotated[float, _PART, _WRITTEN] | None, Field(description=_TOP_P)]
_SEEDS = Field(ge=LEAST_SEED, le=MOST_SEED)
Seed = Annotated[Annotated[int, _SEEDS, COUNTED] | None, Field(description=_SEED)]
SeedOfForm = Annotated[Annotated[int, _SEEDS, BeforeValidator(signed)] | None, Field(description=_SEED)]
_STOPS = Annotated[list[StopText], Field(min_length=1, max_length=MOST_STOPS)]
Stop = Annotated[
    _STOPS | None,
    BeforeValidator(_stops, json_schema_input_type=StopText | _STOPS | None),
    Field(description=_STOP),
]
StopOfForm = Annotated[Stop, BeforeValidator(in_json), _TEXT]
FieldsOfForm = Annotated[Fields, BeforeValidator(_json_or_lines), _TEXT]
FormatOfForm = Annotated[Format, BeforeValidator(in_json), _TEXT]


class SaidWishes(BaseModel):
    """What a body of JSON says of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_new_tokens: Rank | None = Field(None, description="The longest answer, in tokens.")
    max_pixels: Rank | None = Field(None, description=MAX_PIXELS)
    dpi: Dpi = None
    pages: ManyPages = None
    logprobs: Annotated[Logprobs, Strict()] = None
    top_logprobs: TopLogprobs = None
    temperature: Temperature = None
    top_p: TopP = None
    seed: Seed = None
    stop: Stop = None
    fields: Fields = None
    response_format: Format = None


_Empty = BeforeValidator(lambda text: text.strip() or None)


class _Lines(BaseModel):
    """The texts of a form where no script runs."""

    max_pixels: Annotated[Ordinal | None, _Empty]
    dpi: Annotated[DpiOfForm, _Empty]
    pages: Annotated[ManyPages, _Empty]
    fields: Annotated[Fields, BeforeValidator(_lines)]
    schema_: Annotated[dict[str, Any] | None, BeforeValidator(in_json)] = Field(alias="schema")


#: The fields of such a form.
LINES = ("fields", "schema", "max_pixels", "dpi", "pages")


def wishes_in_lines(texts: Mapping[str, str]) -> SaidWishes:
    """What a form says in `LINES` where no script runs: a field a line, in its short form, or a JSON Schema.

    Raises pydantic.ValidationError.
    """
    said = _Lines.model_validate({**texts, "schema": texts["schema"].strip() or "null"})
    same: dict[str, Any] = said.model_dump(include={"max_pixels", "dpi", "pages"})
    if said.schema_ is None:
        return SaidWishes(fields=said.fields, **same)
    named = SaidFormat(type="json_schema", json_schema=SaidSchema(schema=said.schema_))
    return SaidWishes(fields=said.fields, response_format=named, **same)
