"""What a model is told of what its answer has to be: held to a form it does not know, it would say little.

Fields are told a line each, since ten thousand images pay for each token; of any other schema, the schema.
"""

import json
from typing import Any

from jobs.contract.asking.response_format import ResponseFormat
from jobs.shape.idle import without_idle

_FIELDS = "Answer with a JSON object of these fields:"
_SCHEMA = "Answer with JSON that satisfies this schema:"
_OBJECT = "Answer with a JSON object."
#: What a field's line may say; a schema that says more is told as it is.
_TOLD = {"type", "enum", "format", "items", "description", "minimum", "maximum"}


def told(question: str, response_format: ResponseFormat) -> str:
    """A question with what its answer has to be."""
    return f"{question}\n\n{instruction_of(response_format)}"


def instruction_of(response_format: ResponseFormat) -> str:
    """The paragraph that follows the question."""
    named = response_format.json_schema
    if named is None:
        return _OBJECT
    purpose = f"{named.description}\n" if named.description else ""
    lines = _lines_of(without_idle(named.schema_))
    if lines is None:
        return f"{purpose}{_SCHEMA}\n{json.dumps(named.schema_, ensure_ascii=False)}"
    return "\n".join([purpose + _FIELDS, *lines])


def _lines_of(schema: dict[str, Any]) -> list[str] | None:
    """A line for each field; None for a schema that is more than fields."""
    fields = schema.get("properties")
    if not isinstance(fields, dict) or schema.keys() - {
        "type",
        "properties",
        "required",
        "additionalProperties",
    }:
        return None
    lines = [_line(name, field) for name, field in fields.items()]
    return None if None in lines else [line for line in lines if line]


def _line(name: str, field: Any) -> str | None:
    """`total: number or null (what has to be paid)`; None for what is no field."""
    kind = _kind(field)
    if kind is None:
        return None
    hint = field.get("description", "")
    return f"{name}: {kind}" + (f" ({hint})" if hint else "")


def _kind(field: Any) -> str | None:
    if not isinstance(field, dict) or field.keys() - _TOLD:
        return None
    types = field.get("type")
    names = types if isinstance(types, list) else [types]
    or_null = " or null" if "null" in names else ""
    named = [name for name in names if name != "null"]
    if len(named) != 1 or named[0] not in ("string", "number", "integer", "boolean", "array"):
        return None
    if named[0] == "array":
        inner = _kind(field.get("items"))
        return f"list of {inner}{or_null}" if inner else None
    if "enum" in field:
        values = [value for value in field["enum"] if value is not None]
        return f"one of {json.dumps(values, ensure_ascii=False)}{or_null}"
    if "format" in field:
        return f"{field['format']}{or_null}"
    return f"{named[0]}{or_null}"
