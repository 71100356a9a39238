"""Fields as people name them: `total:number`, `kind:receipt|invoice|other`, `items:text[]`.

    NAME[:TYPE[:HINT]]      TYPE is text (if left out), number, integer, boolean, date, or values set apart
                            by `|`; `[]` behind it makes a list of them, and `!` says that there always is one

A field may be null, which says that the image does not show it: a model that must name a total names one.
What means something else than it looks like, as `count:integer|null`, `count!` and `背景：text`, is refused:
whoever means it sends an object.
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
#: Words that are taken for types, and for no value, where nothing else is among them.
_TYPE_WORDS = {*_NAMED, *_ALSO} - {""}
_NULL_WORDS = {"null", "none"}
#: Marks of the short form as they are typed in Chinese, and what each stands for.
_WIDE = "：！［］"
_NARROW = str.maketrans(f"{_WIDE}｜", ":![]|")


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
        value, times = Counter(self.choices).most_common(1)[0] if self.choices else ("", 0)
        if times > 1:
            raise ValueError(f"{self.name!r} has {value!r} twice among its choices")
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

    Raises ValueError for a type that there is not, and for what means something else than it looks like.

    >>> field_from("kind:receipt|invoice")["choices"]
    ('receipt', 'invoice')
    """
    if not isinstance(said, str):
        return said
    name, _, rest = said.partition(":")
    name = name.strip()
    _check_name(name, said)
    kind, _, hint = rest.partition(":")
    kind, is_list, is_required = _without_marks(kind)
    made = {"name": name, "hint": hint.strip(), "is_required": is_required, "is_list": is_list}
    if kind.count("|") >= _MOST_CHOICES:
        raise ValueError(f"a field has at most {_MOST_CHOICES} choices")
    if "|" in kind:
        choices = tuple(choice.strip() for choice in kind.split("|"))
        _check_choices(name, choices, "[]" * is_list)
        return made | {"type": FieldType.CHOICE.value, "choices": choices}
    found = _ALSO.get(kind, kind)
    if found not in _NAMED:
        known = ", ".join(_NAMED)
        raise ValueError(f"{kind[:100]!r} is no type. Those there are: {known}, and values set apart by `|`")
    return made | {"type": found}


def _without_marks(text: str) -> tuple[str, bool, bool]:
    """A text without `[]` and `!` at its end, and whether each was there."""
    text = text.strip()
    is_required, text = text.endswith("!"), text.removesuffix("!").rstrip()
    return text.removesuffix("[]").rstrip(), text.endswith("[]"), is_required


def _check_name(name: str, short: str) -> None:
    """Raises ValueError for a name in which something stands that was meant to say more than the name."""
    if name.endswith(("!", "[]")) or any(mark in name for mark in _WIDE):
        raise ValueError(f"its name would be {name[:100]!r}. Write `{_mended(short)[:100]}`")


def _mended(short: str) -> str:
    """What was meant by a field whose name has marks: `count:!`, `shapes:text[]`, `背景:text`."""
    name, colon, rest = short.partition(":")
    name, _, rest = f"{name.translate(_NARROW)}{colon}{rest}".partition(":")
    kind, *hint = rest.split(":", 1)
    name, *of_name = _without_marks(name)
    kind, *of_kind = _without_marks(kind)
    is_list, is_required = map(any, zip(of_name, of_kind, strict=True))
    kind = (kind or "text" * is_list) + "[]" * is_list + "!" * is_required
    return ":".join([name, kind, *hint] if kind or hint else [name])


def _check_choices(name: str, choices: Sequence[str], mark: str) -> None:
    """Raises ValueError where all that may be chosen is the names of types: one of these was meant."""
    words = [_without_marks(choice) for choice in choices]
    kinds = {
        word.lower(): "[]" * is_list or mark for word, is_list, _ in words if word.lower() in _TYPE_WORDS
    }
    if kinds and all(word.lower() in _TYPE_WORDS | _NULL_WORDS for word, *_ in words):
        written = " or ".join(f"`{name[:_NAME_CHARS]}:{kind}{listed}`" for kind, listed in kinds.items())
        raise ValueError(
            f"one of these very words would be its value. Write {written}: a field is empty where the image"
            " does not say it, and `!` behind the type says that there always is one"
        )


#: The short form as a pattern, for the API's document: narrower than what is read, and no wider but for
#: choices that are names of types.
_WORDS = r"[^\s:|!\[\]：！［］\x00-\x1f]([^:|!\[\]：！［］\x00-\x1f]{0,60}[^\s:|!\[\]：！［］\x00-\x1f])?"
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
