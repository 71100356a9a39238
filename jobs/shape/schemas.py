"""Whether answers can be held to a schema: said at the door, with the keyword's name.

A keyword that is not known is refused as well: it may be one that is misspelled, and would then do nothing.
"""

import json
from collections.abc import Iterable, Iterator
from threading import BoundedSemaphore
from typing import Any

import jsonschema_rs

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput, TooLarge, Unavailable
from jobs.shape.apart import TooMany, TooMuch, fault_apart
from jobs.shape.faults import placed
from jobs.shape.grammar import fault_in
from jobs.shape.idle import is_idle
from jobs.shape.parts import LISTS, MOST, OBJECTS, ONE, extent_of, inner_of, is_plain, step_to

#: Keywords that answers are held to. What of them cannot be, llguidance says, and faults.py where.
_HELD_TO = {
    *("type", "enum", "const", "$ref", "required", "minProperties", "maxProperties", "minItems", "maxItems"),
    *("minLength", "maxLength", "pattern", "format"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
#: Keywords that only say something to people, or to other programs.
_NOTES = {
    *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment"),
    *("$schema", "$id", "$anchor", "contentEncoding", "contentMediaType", "discriminator"),
    *("example", "markdownDescription", "enumNames", "propertyOrdering"),
}
_SCHEMAS = ONE | LISTS | OBJECTS
_KNOWN = _SCHEMAS | _HELD_TO | _NOTES
#: The dialect that schemas are read as, and others in which the keywords above mean the same.
_READ_AS = "https://json-schema.org/draft/2020-12/schema"
_ALIKE = {
    *("json-schema.org/draft/2020-12/schema", "json-schema.org/draft/2019-09/schema"),
    *("json-schema.org/draft-07/schema", "json-schema.org/draft-06/schema"),
}
#: The largest whole number that every program reads exactly (RFC 8259, 6). What holds answers to a schema
#: ends its process at numbers near -2**63.
_LARGEST = 2**53 - 1
#: Keywords that say from where to where, and whether both may be the same.
_BOUNDS = (
    *(("minimum", "maximum", True), ("minimum", "exclusiveMaximum", False)),
    *(("exclusiveMinimum", "maximum", False), ("exclusiveMinimum", "exclusiveMaximum", False)),
    *((f"min{what}", f"max{what}", True) for what in ("Length", "Items", "Properties")),
)
#: How deep schemas may be in one another, and JSON in all: programs read no more than 128.
_DEEPEST, _DEEPEST_JSON = 32, 100


def check_format(
    response_format: ResponseFormat,
    max_bytes: int,
    *,
    cpu_s: float = 2,
    places: BoundedSemaphore | None = None,
) -> ResponseFormat:
    """The same, when answers can be held to it, which may take `cpu_s` seconds of CPU to find out.

    Raises TooLarge (`schema_too_large`), and BadInput: `bad_schema` for what is no JSON Schema,
    `unsupported_schema` for one with a keyword that answers cannot be held to. Raises Unavailable
    (`too_many_schemas`) when none of `places` is free and one is needed.
    """
    schema = response_format.schema_of_answer
    size_bytes = len(_written(schema))
    if size_bytes > max_bytes:
        raise TooLarge(
            f"The schema has {size_bytes:,} bytes; the limit is {max_bytes:,} (EVA01_MAX_SCHEMA_BYTES).",
            code=Code.SCHEMA_TOO_LARGE,
        )
    _check_keywords(schema)
    _check_meaning(schema)
    _check_bounds(schema)
    _check_extent(schema)
    try:
        fault = _fault_here(schema) if is_plain(schema) else fault_apart(schema, cpu_s, places)
    except TooMuch as error:
        raise _unsupported(
            "To hold answers to the schema takes too much time or memory (EVA01_REQUEST_CPU_S)."
        ) from error
    except TooMany as error:
        raise Unavailable(
            "As many schemas are being read as may be (EVA01_SCHEMAS). Try again in a moment.",
            code=Code.TOO_MANY_SCHEMAS,
        ) from error
    if fault:
        raise _unsupported(f"Answers cannot be held to {_short(fault)}.")
    return response_format


def _fault_here(schema: dict[str, Any]) -> str | None:
    fault = fault_in(schema)
    return fault and placed(schema, fault, fault_in)


def _written(schema: dict[str, Any]) -> bytes:
    """A schema as JSON. Raises BadInput (`bad_schema`) for one that other programs would not read."""
    values: list[tuple[Any, int]] = [(schema, 1)]
    while values:
        one, depth = values.pop()
        if depth > _DEEPEST_JSON:
            raise _bad(f"it is more than {_DEEPEST_JSON} values deep")
        values += [(value, depth + 1) for value in _values_in(one)]
    try:
        return json.dumps(schema, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:
        raise _bad("it has a number that is too large, or half of a character") from error


def _values_in(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _check_keywords(schema: dict[str, Any]) -> None:
    """Raises BadInput (`unsupported_schema`) for a keyword that answers cannot be held to.

    And for a number that some programs would read as another.
    """
    for place, one, depth in _schemas_in(schema):
        if depth > _DEEPEST:
            raise _unsupported(f"The schema is more than {_DEEPEST} schemas deep, at {place}.")
        for keyword, said in one.items():
            if not _is_known(keyword, one, place):
                hint = _instead_of(keyword, one)
                raise _unsupported(
                    f"Answers cannot be held to `{keyword[:100]}`, at {place} of the schema{hint}."
                )
            if keyword not in _SCHEMAS and _has_large_number(said):
                raise _unsupported(
                    f"`{keyword[:100]}`, at {place} of the schema, has a number beyond ±{_LARGEST:,}."
                )
    dialect = str(schema.get("$schema", _READ_AS))
    if dialect.partition("://")[2].rstrip("#") not in _ALIKE:
        raise _unsupported(f"The schema is of the dialect {dialect[:100]!r}, which is not read here.")


def _is_known(keyword: str, schema: dict[str, Any], place: str) -> bool:
    """True for what answers can be held to, and for what asks for nothing."""
    # Of a part it was an address in draft 4, by which pointers in it were read.
    is_old_address = keyword == "id" and place == "#" and isinstance(schema["id"], str)
    return keyword in _KNOWN or keyword.startswith("x-") or is_old_address or is_idle(keyword, schema)


def _instead_of(keyword: str, schema: dict[str, Any]) -> str:
    """What to say in place of a keyword, behind its refusal."""
    if keyword != "nullable":
        return ""
    kind = schema.get("type") if isinstance(schema.get("type"), str) else "string"
    return f': say `"type": ["{kind}", "null"]` in its place'


def _has_large_number(said: Any) -> bool:
    left = [said]
    while left:
        one = left.pop()
        if isinstance(one, int | float) and abs(one) > _LARGEST:
            return True
        left += _values_in(one)
    return False


def _schemas_in(schema: Any, place: str = "#", depth: int = 0) -> Iterator[tuple[str, dict[str, Any], int]]:
    """A schema and all that are in it, each with its place and how deep it is; none behind a too deep one."""
    if not isinstance(schema, dict):
        return
    yield place, schema, depth
    if depth > _DEEPEST:
        return
    for keyword, key, one in inner_of(schema):
        yield from _schemas_in(one, f"{place}/{step_to(keyword, key)}", depth + 1)


def _check_meaning(schema: dict[str, Any]) -> None:
    """Raises BadInput (`bad_schema`) where a keyword has not what belongs there."""
    try:
        jsonschema_rs.meta.validate(schema | {"$schema": _READ_AS})
    except jsonschema_rs.ValidationError as error:
        place = "/".join(["#", *map(str, error.instance_path)])
        raise _bad(f"{_short(error.message)}, at {_short(place)}") from error


def _check_bounds(schema: dict[str, Any]) -> None:
    """Raises BadInput (`unsupported_schema`) for what nothing satisfies, also where nothing has to be."""
    for place, one, _ in _schemas_in(schema):
        if one.get("enum") == []:
            raise _unsupported(
                f"Answers cannot be held to `enum`, at {place} of the schema: it has no value."
            )
        for least, most, may_be_same in _BOUNDS:
            if least in one and most in one and not _is_room(one[least], one[most], may_be_same):
                raise _unsupported(
                    f"Answers cannot be held to `{least}` with `{most}`, at {place} of the schema: nothing is"
                    f" from {one[least]} to {one[most]}."
                )


def _is_room(least: float, most: float, may_be_same: bool) -> bool:
    return least < most or (may_be_same and least == most)


def _check_extent(schema: dict[str, Any]) -> None:
    """Raises BadInput (`unsupported_schema`) for one that an answer would be compared with for ever."""
    try:
        extent = extent_of(schema)
    except LookupError as error:
        ref, part = error.args
        raise _unsupported(
            f"`$ref`, at {_place_of(part, schema)} of the schema, has to name a part of it, as #/$defs/name"
            f" does, and {str(ref)[:100]!r} does not."
        ) from error
    if extent.empty is not None:
        place = _place_of(extent.empty, schema)
        raise _unsupported(
            f"`$ref`, at {place} of the schema, leads back to itself, for the very same value."
        )
    if extent.size > MOST:
        place = _place_of(extent.large, schema)
        raise _unsupported(
            f"What is at {place} of the schema is more than {MOST:,} schemas when all"
            " that it refers to by `$ref` is written out."
        )


def _place_of(part: Any, schema: dict[str, Any]) -> str:
    """The place of a part; that of the whole for one where no schema stands, as in an example."""
    return next((place for place, one, _ in _schemas_in(schema) if one is part), "#")


def _bad(reason: str) -> BadInput:
    return BadInput(f"This is no JSON Schema: {reason}. Mend it.", code=Code.BAD_SCHEMA)


def _unsupported(message: str) -> BadInput:
    remedy = "Leave it out, or say it in another way; docs/api.md lists the keywords."
    return BadInput(f"{message} {remedy}", code=Code.UNSUPPORTED_SCHEMA)


def _short(text: str) -> str:
    return " ".join(text.split())[:300].rstrip(".")
