"""What the file may say of one model."""

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from jobs.contract.asking.fields import AnswerField, field_from, format_of
from jobs.contract.base import Frozen
from jobs.contract.catalog import (
    BUNDLED,
    NAME_PATTERN,
    QUESTION,
    ModelCard,
    Price,
    Words,
    card_for,
)
from jobs.contract.errors import BadInput
from jobs.contract.settings import LEAST_PIXELS, MOST_SLOTS, WorkerSettings

_PRICE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?) ([A-Z]{3})")
#: What else an entry says of a worker, where its environment does not.
_OF_WORKERS = ("slots", "max_pixels")

_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _SaidWords(Words):
    """A text in each language; what is said in one alone is said in both."""

    model_config = ConfigDict(extra="forbid")

    en: _Line
    zh: _Line


def _in_both(said: Any) -> Any:
    if isinstance(said, str):
        return {"en": said, "zh": said}
    if isinstance(said, dict) and len(said) == 1 and {*said} < {*Words.model_fields}:
        return {**dict.fromkeys(Words.model_fields, *said.values())}
    return said


_InBoth = Annotated[_SaidWords, BeforeValidator(_in_both)]


class _SaidPreset(Frozen):
    """A question, and what its button says; itself where that is left out."""

    question: _InBoth
    label: _InBoth | None = None

    @property
    def said(self) -> dict[str, Any]:
        return {"label": (self.label or self.question).model_dump(), "question": self.question.model_dump()}


def _price_from(said: Any) -> Any:
    found = _PRICE.fullmatch(said) if isinstance(said, str) else None
    if not found:
        raise ValueError("should be what a thousand images cost and in which currency, such as 0.40 EUR")
    return {"amount": float(found[1]), "currency": found[2]}


def _field_from(said: Any) -> AnswerField:
    if not isinstance(said, str):
        raise ValueError("should be a field in short, such as total:number, with no space behind the colon")
    return AnswerField.model_validate(field_from(said))


def _have_one_question(prompt: str) -> str:
    if prompt.count(QUESTION) != 1:
        raise ValueError(f"should have {QUESTION} in it once, where the question goes")
    return prompt


def _are_told_apart(fields: tuple[AnswerField, ...]) -> tuple[AnswerField, ...]:
    try:
        format_of(fields)
    except BadInput as error:
        raise ValueError(error.message.removesuffix(".")) from error
    return fields


def _is_named(source: str) -> str:
    if source.startswith("bundled:"):
        raise ValueError(f"a model that comes with EVA-01 is called by its name: {' or '.join(BUNDLED)}")
    return source


def _none_where_nothing(said: Any) -> Any:
    return () if said is None else said


class Entry(Frozen):
    """A model that people have listed; everything may be left out but its name and its source."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    #: An address of the hub, a folder, a bucket, `openai:` and a name, or the name of a model of ours.
    source: Annotated[_Line, AfterValidator(_is_named)]
    description: _InBoth | None = None
    presets: Annotated[tuple[_SaidPreset, ...], BeforeValidator(_none_where_nothing)] = ()
    slots: Annotated[int, Field(ge=1, le=MOST_SLOTS)] | None = None
    max_pixels: Annotated[int, Field(ge=LEAST_PIXELS)] | None = None
    #: What the model is told, with one QUESTION in it.
    prompt: Annotated[_Line, AfterValidator(_have_one_question)] | None = None
    fields: Annotated[
        tuple[Annotated[AnswerField, BeforeValidator(_field_from)], ...],
        BeforeValidator(_none_where_nothing),
        AfterValidator(_are_told_apart),
    ] = ()
    price: Annotated[Price, BeforeValidator(_price_from)] | None = None

    @field_validator("presets", "prompt", "fields")
    @classmethod
    def _is_heard(cls, said: Any, info: ValidationInfo) -> Any:
        source = info.data.get("source")
        if said and source and not card_for(source).uses_question:
            raise ValueError(f"{source} uses no question, and answers with text alone: leave it out")
        return said

    @property
    def card(self) -> ModelCard:
        """What users and workers know of it."""
        said: dict[str, Any] = {
            "name": self.name,
            "presets": [preset.said for preset in self.presets],
            "fields": self.fields,
            "price": self.price,
        }
        if self.description:
            said |= {"description": self.description.en, "descriptions": self.description.model_dump()}
        if self.prompt:
            said |= {"prompt": self.prompt}
        return ModelCard.model_validate(card_for(self.source).model_dump() | said)

    def settle(self, settings: WorkerSettings) -> WorkerSettings:
        """A worker's settings, with what is said here and not by its environment."""
        said = {name: getattr(self, name) for name in _OF_WORKERS if not settings.is_given(name)}
        return settings.model_copy(update={name: one for name, one in said.items() if one is not None})
