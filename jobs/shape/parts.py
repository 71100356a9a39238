"""The schemas in a schema, and what reading them may cost."""

from collections.abc import Iterator
from typing import Any

#: Keywords with a schema, a list of schemas, or an object of schemas behind them.
ONE, LISTS = {"items", "additionalProperties"}, {"anyOf", "oneOf", "allOf", "prefixItems"}
OBJECTS = {"properties", "patternProperties", "$defs", "definitions"}
#: Keywords whose reading takes no longer than their text.
_PLAIN = {
    *("type", "enum", "const", "properties", "required", "additionalProperties", "items"),
    *("format", "minimum", "maximum", "title", "description", "default", "examples", "$schema"),
}
#: Schemas that a light one has at most, when all that it refers to is written out.
_LIGHT = 10_000


def inner_of(schema: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """What stands right in a schema where schemas do: the keyword, the place behind it, and what is there."""
    for keyword, value in schema.items():
        if keyword in ONE:
            yield keyword, "", value
        elif keyword in LISTS and isinstance(value, list):
            yield from ((keyword, f"/{number}", one) for number, one in enumerate(value))
        elif keyword in OBJECTS and isinstance(value, dict):
            yield from ((keyword, f"/{name[:100]}", one) for name, one in value.items())


def is_plain(schema: Any) -> bool:
    """True for one whose reading takes no longer than its text, as of all that are made of fields.

    >>> is_plain({"properties": {"a": {"type": "string"}}}), is_plain({"items": {"pattern": "a"}})
    (True, False)
    """
    if not isinstance(schema, dict):
        return True
    return schema.keys() <= _PLAIN and all(is_plain(inner) for _, _, inner in inner_of(schema))


def is_light(schema: dict[str, Any]) -> bool:
    """True for one against which an answer is looked at in no time.

    Parts that refer to others may double at each step, or come back to themselves.
    """
    try:
        return _written_out(schema, schema, {}) <= _LIGHT
    except (RecursionError, LookupError):
        return False


def _written_out(schema: Any, whole: dict[str, Any], known: dict[int, int | None]) -> int:
    """How many schemas one has with all that it refers to.

    Raises LookupError for one that refers to itself, or to what only its reader finds.
    """
    if not isinstance(schema, dict):
        return 1
    if id(schema) not in known:
        known[id(schema)] = None
        if ("$id" in schema and schema is not whole) or "$anchor" in schema:
            raise LookupError
        used = [inner for keyword, _, inner in inner_of(schema) if keyword not in ("$defs", "definitions")]
        if "$ref" in schema:
            used.append(_named(schema["$ref"], whole))
        known[id(schema)] = 1 + sum(_written_out(inner, whole, known) for inner in used)
    if (size := known[id(schema)]) is None:
        raise LookupError
    return size


def _named(pointer: Any, whole: dict[str, Any]) -> dict[str, Any]:
    """What a plain JSON Pointer names (RFC 6901); raises LookupError for any other."""
    if not isinstance(pointer, str) or not pointer.startswith("#") or "%" in pointer:
        raise LookupError
    found: Any = whole
    for step in pointer.removeprefix("#").split("/")[1:]:
        found = found[step.replace("~1", "/").replace("~0", "~")] if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise LookupError
    return found
