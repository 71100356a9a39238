"""Fields as people name them: `total:number`, `kind:receipt|invoice|other`, `items:text[]`.

    NAME[:TYPE[:HINT]]      TYPE is text (if left out), number, integer, boolean, date, or values set apart
                            by `|`; `[]` behind it makes a list of them, and `!` says that there always is one

A field may be null, which says that the image does not show it: a model that must name a total names one.
"""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, FailFast, Field, model_validator

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.base import Frozen
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput

#: Beyond it, a whole number is not told from its neighbours by JavaScript, nor by spreadsheets (RFC 8259, 6).
_LARGEST = 2**53 - 1
#: Characters of a field's name, a value of its choice, and a hint.
_NAME_CHARS, _CHOICE_CHARS, _HINT_CHARS = 64, 200, 500
_MOST_CHOICES = 200


class FieldType(StrEnum):
    """What may stand in a field."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    #: One of `choices`.
    CHOICE = "choice"


#: What else a type is called in the short form.
_ALSO = {
    "": FieldType.TEXT,
    "string": FieldType.TEXT,
    "float": FieldType.NUMBER,
    "int": FieldType.INTEGER,
    "whole": FieldType.INTEGER,
    "bool": FieldType.BOOLEAN,
    "yes/no": FieldType.BOOLEAN,
}
#: What each type is in a schema.
_SCHEMAS: dict[FieldType, dict[str, Any]] = {
    FieldType.TEXT: {"type": "string"},
    FieldType.NUMBER: {"type": "number", "minimum": -_LARGEST, "maximum": _LARGEST},
    FieldType.INTEGER: {"type": "integer", "minimum": -_LARGEST, "maximum": _LARGEST},
    FieldType.BOOLEAN: {"type": "boolean"},
    FieldType.DATE: {"type": "string", "format": "date"},
    FieldType.CHOICE: {"type": "string"},
}


#: The types that are named in the short form.
_NAMED = tuple(kind.value for kind in FieldType if kind is not FieldType.CHOICE)


class AnswerField(Frozen):
    """One thing that is to be said of every image."""

    name: str = Field(min_length=1, max_length=_NAME_CHARS, pattern=r"^[^\s\x00-\x1f](.*[^\s\x00-\x1f])?$")
    type: FieldType = FieldType.TEXT
    #: The values among which a CHOICE chooses.
    choices: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=_CHOICE_CHARS)], ...], FailFast()
    ] = Field(default=(), max_length=_MOST_CHOICES)
    #: True for a list of such values.
    is_list: bool = False
    #: True when there always is one; else null says that the image does not show it.
    is_required: bool = False
    #: What it is, in a few words: the model is told.
    hint: str = Field(default="", max_length=_HINT_CHARS)

    @model_validator(mode="after")
    def _chooses(self) -> Self:
        if bool(self.choices) != (self.type is FieldType.CHOICE):
            raise ValueError(f"`choices` belong to the type {FieldType.CHOICE}, and to no other")
        if len(set(self.choices)) < len(self.choices):
            raise ValueError("a value is there twice among its choices")
        return self

    def as_schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        value = {**_SCHEMAS[self.type], **({"enum": [*self.choices]} if self.choices else {})}
        if self.is_list:
            value = {"type": "array", "items": value}
        if not self.is_required:
            value["type"] = [value["type"], "null"]
            if "enum" in value:
                value["enum"] = [*value["enum"], None]
        return value | ({"description": self.hint} if self.hint else {})

    @property
    def short(self) -> str:
        """Its short form; a choice whose values have `|`, `:` or `!` in them has none."""
        kind = "|".join(self.choices) or self.type.value
        kind += "[]" * self.is_list + "!" * self.is_required
        return f"{self.name}:{kind}:{self.hint}" if self.hint else f"{self.name}:{kind}"


def field_from(said: Any) -> Any:
    """A field in its short form as an object; what is none stays as it is.

    Raises ValueError for a type that there is not.

    >>> field_from("kind:receipt|invoice")["choices"]
    ('receipt', 'invoice')
    """
    if not isinstance(said, str):
        return said
    name, _, rest = said.partition(":")
    kind, _, hint = rest.partition(":")
    kind = kind.strip()
    is_required, kind = kind.endswith("!"), kind.removesuffix("!").rstrip()
    is_list, kind = kind.endswith("[]"), kind.removesuffix("[]").rstrip()
    made = {"name": name.strip(), "hint": hint.strip(), "is_required": is_required, "is_list": is_list}
    if kind.count("|") >= _MOST_CHOICES:
        raise ValueError(f"a field has at most {_MOST_CHOICES} choices")
    if "|" in kind:
        choices = tuple(choice.strip() for choice in kind.split("|"))
        return made | {"type": FieldType.CHOICE.value, "choices": choices}
    found = _ALSO.get(kind, kind)
    if found not in _NAMED:
        known = ", ".join(_NAMED)
        raise ValueError(f"{kind[:100]!r} is no type. Those there are: {known}, and values set apart by `|`")
    return made | {"type": found}


#: The short form as a pattern, for the API's document: narrower than what is read, and no wider.
_WORDS = r"[^\s:|!\[\]\x00-\x1f]([^:|!\[\]\x00-\x1f]{0,60}[^\s:|!\[\]\x00-\x1f])?"
_KIND = rf"({'|'.join(_NAMED)}|{_WORDS}(\|{_WORDS})+)(\[\])?!?"
_SHORT = Annotated[str, Field(pattern=rf"^{_WORDS}(:({_KIND})?(:[^\x00-\x1f]{{0,500}})?)?$")]
#: A field, as an object or in its short form.
SaidField = Annotated[AnswerField, BeforeValidator(field_from, json_schema_input_type=AnswerField | _SHORT)]


def format_of(fields: Sequence[AnswerField]) -> ResponseFormat:
    """The answers that have these fields, in their order.

    Raises BadInput (`invalid_field`) when two are called the same.
    """
    names = [field.name for field in fields]
    if len(set(names)) < len(names):
        twice, _ = Counter(names).most_common(1)[0]
        raise BadInput(f"There are two fields called {twice!r}. Rename one.", code=Code.INVALID_FIELD)
    schema = {
        "type": "object",
        "properties": {field.name: field.as_schema() for field in fields},
        "required": names,
        "additionalProperties": False,
    }
    return ResponseFormat.of_schema(schema, name="fields", strict=True)
