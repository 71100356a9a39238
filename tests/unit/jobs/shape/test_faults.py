"""What of a schema answers cannot be held to is refused at the door by the keyword's name and its place."""

import json
from typing import Any

import pytest

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.errors import BadInput
from jobs.shape.ending import endless
from jobs.shape.faults import placed
from jobs.shape.grammar import fault_in
from jobs.shape.schemas import check_format

TEXT, SELF = {"type": "string"}, {"$ref": "#"}
NEVER = {"type": "string", "const": 1}
LOOKS = {"type": "string", "pattern": "(?=a)b"}


def refusal(schema: dict[str, Any]) -> str:
    with pytest.raises(BadInput) as refused:
        check_format(ResponseFormat.of_schema(schema), 64 * 1024)
    assert refused.value.code == "unsupported_schema"
    return refused.value.message


def deep(part: dict[str, Any]) -> dict[str, Any]:
    """A schema that wants `part`, beside another one."""
    listed = {"type": "array", "items": part, "minItems": 1}
    return {"type": "object", "properties": {"ok": TEXT, "a/b": listed}, "required": ["a/b"]}


@pytest.mark.parametrize(
    ("part", "names"),
    [
        (LOOKS, "`pattern`"),
        ({"type": "string", "pattern": r"(a)\1"}, "`pattern`"),
        ({"type": "string", "pattern": "("}, "`pattern`"),
        ({"type": "string", "pattern": r"\bword\b"}, "`pattern`"),
        ({"type": "string", "format": "klingon"}, "`format`"),
        ({"type": "string", "format": "date", "maxLength": 3}, "`format` with `maxLength`"),
        ({"enum": []}, "`enum`"),
        ({"type": "string", "enum": [1, 2]}, "`type` with `enum`"),
        ({"type": "string", "const": 1}, "`type` with `const`"),
        ({"enum": ["a"], "minLength": 3}, "`enum` with `minLength`"),
        ({"type": "number", "minimum": 3, "maximum": 2}, "`minimum` with `maximum`"),
        ({"type": "integer", "minimum": 1.2, "maximum": 1.8}, "`minimum` with `maximum`"),
        ({"type": "number", "minimum": 2, "exclusiveMaximum": 2}, "`minimum` with `exclusiveMaximum`"),
        (
            {"type": "integer", "minimum": 1, "maximum": 2, "multipleOf": 5},
            "`minimum` with `maximum` and `multipleOf`",
        ),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "`minLength` with `maxLength`"),
        ({"type": "array", "minItems": 3, "maxItems": 2}, "`minItems` with `maxItems`"),
        ({"type": "array", "minItems": 1, "items": False}, "`minItems` with `items`"),
        (
            {"type": "object", "required": ["c"], "additionalProperties": False},
            "`required` with `additionalProperties`",
        ),
        (
            {"type": "object", "required": ["c"], "properties": {"c": False}},
            "`required` with `properties`",
        ),
        (
            {"type": "object", "patternProperties": {"^a": TEXT, "b$": {"type": "null"}}},
            "`patternProperties`",
        ),
        ({"oneOf": [TEXT, {"type": "string", "maxLength": 3}]}, "`oneOf`"),
        ({"allOf": [TEXT, {"type": "integer"}]}, "`allOf`"),
    ],
)
def test_keywords_are_named_with_their_place(part, names):
    assert f"cannot be held to {names}, at #/properties/a~1b/items of the schema" in refusal(deep(part))


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"anyOf": [False, NEVER]}, "`type` with `const`, at #/anyOf/1"),
        # What cannot be, and need not be, is not at fault.
        (
            {
                "type": "object",
                "properties": {"no": NEVER, "a": {"anyOf": [TEXT, NEVER]}, "z": LOOKS},
            },
            "`pattern`, at #/properties/z",
        ),
        (
            {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": deep(LOOKS)}},
            "at #/$defs/x/properties/a~1b/items",
        ),
        # A part that refers to the whole has its fault, and is not its place.
        (
            {"type": "object", "properties": {"of": {"type": "array", "items": SELF}, "a": LOOKS}},
            "`pattern`, at #/properties/a",
        ),
        (
            {
                "type": "array",
                "minItems": 1,
                "items": {"$ref": "#/$defs/x", "type": "null"},
                "$defs": {"x": TEXT},
            },
            "`$ref` with `type`, at #/items",
        ),
        (
            {"items": {"properties": {"x~y": {"uniqueItems": True}}}},
            "`uniqueItems`, at #/items/properties/x~0y",
        ),
    ],
)
def test_the_deepest_part_at_fault_is_named(schema, says):
    assert says in refusal(schema)


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ({"enum": []}, "`enum`"),
        ({"type": "number", "minimum": 3, "maximum": 2}, "`minimum` with `maximum`"),
        ({"type": "number", "exclusiveMinimum": 2, "maximum": 2}, "`exclusiveMinimum` with `maximum`"),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "`minLength` with `maxLength`"),
        ({"type": "object", "minProperties": 3, "maxProperties": 2}, "`minProperties` with `maxProperties`"),
    ],
)
def test_what_nothing_satisfies_is_refused_also_where_it_may_be_left_out(part, names):
    schema = {"type": "object", "properties": {"a": part, "b": TEXT}}
    assert f"cannot be held to {names}, at #/properties/a of the schema" in refusal(schema)


def test_of_two_with_the_same_fault_the_first_is_named():
    assert "at #/properties/a of" in refusal({"type": "object", "properties": {"a": LOOKS, "b": dict(LOOKS)}})


def test_where_the_place_is_not_found_the_reason_is_said_alone():
    many: dict[str, Any] = {"type": "object", "properties": {f"p{n}": TEXT for n in range(3001)}}
    many["properties"]["last"] = {"type": "string", "format": "klingon"}
    said = placed(many, str(fault_in(many)), fault_in)
    assert said == "the schema: Unknown format: klingon"


ENDLESS = {"type": "object", "properties": {"a": SELF}, "required": ["a"]}


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        (ENDLESS, "`required`, at #"),
        ({"type": "array", "items": SELF, "minItems": 1}, "`minItems`, at #"),
        ({"type": "array", "prefixItems": [TEXT, SELF], "minItems": 2}, "`minItems`, at #"),
        ({"type": "object", "required": ["b"], "additionalProperties": SELF}, "`required`, at #"),
        (
            {"type": "object", "properties": {"a": {"anyOf": [SELF, {"allOf": [SELF]}]}}, "required": ["a"]},
            "`required`, at #",
        ),
        # One begins it and comes to no end, though it might have been left out.
        (
            {
                "type": "object",
                "properties": {"x": {"$ref": "#/$defs/a"}},
                "$defs": {
                    "a": {"type": "object", "properties": {"b": {"$ref": "#/$defs/b"}}, "required": ["b"]},
                    "b": {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "required": ["a"]},
                },
            },
            "`required`, at #/$defs/a",
        ),
    ],
)
def test_what_only_an_answer_without_an_end_would_satisfy_is_refused(schema, says):
    assert f"cannot be held to {says} of the schema: no value that ends satisfies it" in refusal(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": SELF}},
        {"type": "array", "items": SELF},
        {"type": "object", "properties": {"a": {"anyOf": [SELF, {"type": "null"}]}}, "required": ["a"]},
        {"type": ["object", "null"], "properties": {"a": SELF}, "required": ["a"]},
        {"type": "object", "properties": {"a": SELF}, "required": ["a"], "enum": [{"a": 1}]},
        {"properties": {"a": SELF}, "required": ["a"]},
        {"$defs": {"unused": {"type": "array", "items": {"$ref": "#/$defs/unused"}, "minItems": 1}}},
        {"type": "array", "prefixItems": [TEXT, SELF], "minItems": 1},
    ],
)
def test_a_schema_that_refers_to_itself_is_taken_where_an_answer_can_end(schema):
    assert endless(json.loads(json.dumps(schema))) is None
