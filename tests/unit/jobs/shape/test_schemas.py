"""Schemas at the door: what answers can be held to, and what is refused, by the keyword's name."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from jobs.contract.asking.response_format import FormatType, ResponseFormat
from jobs.contract.errors import Eva01Error
from jobs.shape.parts import extent_of
from jobs.shape.schemas import check_format

LIMIT = 64 * 1024


class Line(BaseModel):
    what: str
    price: float | None = None


class Receipt(BaseModel):
    """As a program writes its schema that has pydantic."""

    total: float
    lines: list[Line]
    note: str | None = None


def refusal(schema: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(Eva01Error) as refused:
        check_format(ResponseFormat.of_schema(schema), LIMIT)
    return refused.value.code, refused.value.message


@pytest.mark.parametrize(
    "schema",
    [
        Receipt.model_json_schema(),
        {},
        {"type": "object", "x-order": 1, "title": "t", "$comment": "c"},
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "string"},
        {"type": "array", "items": {"enum": ["小票", 7, None]}, "minItems": 1, "maxItems": 9},
        {"anyOf": [{"type": "string", "pattern": "^a+$"}, {"type": "number", "exclusiveMinimum": 0}]},
        {"$ref": "#/$defs/node", "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}}},
        {
            "type": "object",
            "properties": {"a": {"const": None}},
            "patternProperties": {"^x": {"type": "null"}},
        },
    ],
)
def test_what_answers_can_be_held_to_is_taken_as_it_is(schema):
    wanted = ResponseFormat.of_schema(schema)
    assert check_format(wanted, LIMIT) is wanted
    kept = wanted.model_dump_json(exclude_none=True)
    assert ResponseFormat.model_validate_json(kept).schema_of_answer == schema, "null in it is kept"


@pytest.mark.parametrize(
    ("schema", "code", "names"),
    [
        ({"type": "strin"}, "bad_schema", "strin"),
        ({"properties": []}, "bad_schema", "#/properties"),
        ({"type": "object", "required": "a"}, "bad_schema", "#/required"),
        ({"items": {"maximum": 10**400}}, "unsupported_schema", "`maximum`, at #/items of the schema"),
        (
            {"properties": {"a/b": {"enum": [1, [{"x": 2**53}]]}}},
            *("unsupported_schema", "`enum`, at #/properties/a~1b of the schema, has a number beyond"),
        ),
        ({"maximum": 10**400}, "unsupported_schema", "beyond ±9,007,199,254,740,991"),
        # With these what reads it has ended its process.
        ({"type": "integer", "minimum": -1e30, "maximum": -1e29}, "unsupported_schema", "a number beyond"),
        ({"type": ["number", "integer"], "const": -(2**63) - 1}, "unsupported_schema", "a number beyond"),
        ({"type": "integer", "enum": [1, -(2**63)]}, "unsupported_schema", "a number beyond"),
        # And with this it has panicked.
        (
            {"type": ["number", "integer"], "minimum": -20, "maximum": -20},
            "unsupported_schema",
            "fails on it",
        ),
        ({"maximum": float("inf")}, "bad_schema", "a number that is too large"),
        ({"const": json.loads("[" * 101 + "]" * 101)}, "bad_schema", "100 values deep"),
        ({"not": {"type": "null"}}, "unsupported_schema", "`not`"),
        (
            {"properties": {"a": {"uniqueItems": True}}},
            "unsupported_schema",
            "`uniqueItems`, at #/properties/a",
        ),
        ({"if": {}, "then": {}}, "unsupported_schema", "`if`"),
        ({"proprties": {}}, "unsupported_schema", "`proprties`"),
        ({"$dynamicRef": "#a"}, "unsupported_schema", "`$dynamicRef`"),
        ({"type": "string", "pattern": "(?=a)b"}, "unsupported_schema", "look-around"),
        ({"type": "string", "format": "klingon"}, "unsupported_schema", "klingon"),
        (
            {"items": {"oneOf": [{"type": "string"}, {"minLength": 1}]}},
            *(
                "unsupported_schema",
                "at #/items of the schema: oneOf constraints are not supported; say anyOf",
            ),
        ),
        ({"$ref": "https://example.org/schema"}, "unsupported_schema", "example.org"),
        (
            {"properties": {"a": {"items": {"$ref": "#/$defs/b"}}}},
            *(
                "unsupported_schema",
                "`$ref`, at #/properties/a/items of the schema, has to name a part of it",
            ),
        ),
        ({"$ref": "#a", "$defs": {"a": {"$anchor": "a"}}}, "unsupported_schema", "'#a'"),
        ({"$ref": "#"}, "unsupported_schema", "`$ref`, at # of the schema, leads back to itself"),
        (
            {"properties": {"a": {"anyOf": [{"type": "null"}, {"$ref": "#/properties/a"}]}}},
            *("unsupported_schema", "`$ref`, at #/properties/a/anyOf/1 of the schema, leads back to itself"),
        ),
        ({"anyOf": [{"type": "null"}, {"allOf": [{"$ref": "#"}]}]}, "unsupported_schema", "to itself"),
        (
            {
                "items": {"$ref": "#/$defs/a"},
                "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
            },
            *("unsupported_schema", "to itself"),
        ),
        ({"$schema": "http://json-schema.org/draft-03/schema"}, "unsupported_schema", "draft-03"),
        ({"description": "x" * LIMIT}, "schema_too_large", "EVA01_MAX_SCHEMA_BYTES"),
    ],
)
def test_what_they_cannot_be_held_to_is_refused_by_its_name(schema, code, names):
    assert refusal(schema)[0] == code
    assert names in refusal(schema)[1]


def test_schemas_too_deep_in_one_another_are_refused():
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(40):
        schema = {"items": schema}
    assert refusal(schema)[0] == "unsupported_schema"


def test_a_schema_that_cannot_be_had_stays_small_at_the_door():
    """Alternatives that multiply, and references that double, are refused."""
    either = {"anyOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "number"}}}]}
    assert refusal({"allOf": [either] * 100})[0] == "unsupported_schema"
    doubling = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)}
    bomb = {"$ref": "#/$defs/d0", "$defs": doubling | {"d60": {"type": "string"}}}
    assert "What is at #/$defs/d48 of the schema is more than 10,000 schemas" in refusal(bomb)[1]


def test_a_format_is_shown_as_openai_writes_it_and_without_what_a_later_version_knows():
    named = {"name": "a", "schema": {"type": "null"}, "strict": True, "later": 1}
    wanted = ResponseFormat.model_validate({"type": "json_schema", "json_schema": named, "later": 2})
    del named["later"]
    assert wanted.public() == {"type": "json_schema", "json_schema": named}
    assert ResponseFormat(type=FormatType.JSON_OBJECT).public() == {"type": "json_object"}


def test_a_schema_may_refer_to_itself_for_what_is_in_a_value():
    kind = {"type": "object", "properties": {"of": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/kind"}]}}}
    both = {"prefixItems": [{"$ref": "#/$defs/kind"}, {"$ref": "#/$defs/kind"}], "items": False}
    schema = {"type": "array", **both, "$defs": {"kind": kind}}
    assert extent_of(schema).empty is None
