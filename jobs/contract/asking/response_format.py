"""What an answer has to be, as OpenAI's API says it: any JSON object, or JSON that a schema describes.

Source of the names: https://platform.openai.com/docs/api-reference/chat/create (`response_format`).
"""

import re
from enum import StrEnum
from math import isfinite
from typing import Any, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import from_json

from jobs.contract.base import Kept

#: A number that may be too large for any program, such as 1e999.
_LARGE = re.compile(r"[0-9][eE]\+?[0-9]{3}|[0-9]{300}")


class FormatType(StrEnum):
    """The kinds of answers that are not plain text."""

    JSON_OBJECT = "json_object"
    JSON_SCHEMA = "json_schema"


class NamedSchema(Kept):
    """A JSON Schema and its name."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)

    name: str = Field(default="answer", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    #: What the answer is for; the model is told.
    description: str | None = None
    #: The schema; called `schema` wherever it is written.
    schema_: dict[str, Any] = Field(alias="schema")
    #: As OpenAI has it; every schema is kept to here, strict or not.
    strict: bool | None = None


class ResponseFormat(Kept):
    """What an answer has to be; left out, it is plain text."""

    type: FormatType
    #: With JSON_SCHEMA, and only there.
    json_schema: NamedSchema | None = None

    @model_validator(mode="after")
    def _has_its_schema(self) -> Self:
        if (self.json_schema is not None) != (self.type is FormatType.JSON_SCHEMA):
            raise ValueError(f"`json_schema` belongs to the type {FormatType.JSON_SCHEMA}, and to no other")
        return self

    def public(self) -> dict[str, Any]:
        """As OpenAI's API writes it; without what a later version has written besides."""
        named = self.json_schema
        if named is None:
            return {"type": self.type.value}
        said = {"name": named.name, "description": named.description, "strict": named.strict}
        given = {name: value for name, value in said.items() if value is not None}
        return {"type": self.type.value, "json_schema": {**given, "schema": named.schema_}}

    @classmethod
    def of_schema(cls, schema: dict[str, Any], **named: Any) -> Self:
        """Answers that a schema describes; `named` is what else a NamedSchema has."""
        return cls(type=FormatType.JSON_SCHEMA, json_schema=NamedSchema(schema_=schema, **named))

    @property
    def schema_of_answer(self) -> dict[str, Any]:
        """The schema that the answer has to satisfy; that of any object where none was given."""
        return self.json_schema.schema_ if self.json_schema else {"type": "object"}


def data_of(answer: str | None, response_format: ResponseFormat | None) -> Any:
    """What an answer says as JSON.

    None for plain text, for what is no JSON after all, and for JSON that not every program reads: deeper than
    200 values, with half of a character in it, or a number that is too large for any.
    """
    if answer is None or response_format is None:
        return None
    try:
        data = from_json(answer, allow_inf_nan=False)
    except ValueError:
        return None
    return None if _LARGE.search(answer) and not _is_finite(data) else data


def _is_finite(data: Any) -> bool:
    """False when some number in `data` has no end."""
    left = [data]
    while left:
        one = left.pop()
        if isinstance(one, float) and not isfinite(one):
            return False
        if isinstance(one, dict):
            left += one.values()
        elif isinstance(one, list):
            left += one
    return True
