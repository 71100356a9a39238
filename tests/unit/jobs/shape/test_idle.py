"""Keywords by which a schema asks for nothing are passed over; what asks for something is not."""

from typing import Any

import pytest

from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.errors import BadInput
from jobs.shape.checked import NotAsAsked, checked
from jobs.shape.grammar import grammar_of
from jobs.shape.idle import without_idle
from jobs.shape.schemas import check_format
from jobs.shape.telling import told

TEXT = {"type": "string"}
CLOSED = {"type": "object", "properties": {"a": TEXT}, "additionalProperties": False}


def taken(schema: dict[str, Any]) -> ResponseFormat:
    return check_format(ResponseFormat.of_schema(schema), 64 * 1024)


def within(part: dict[str, Any]) -> dict[str, Any]:
    """A schema in whose parts of each kind `part` is."""
    return {
        "type": "object",
        "properties": {"uniqueItems": part, "list": {"type": "array", "items": part}},
        "additionalProperties": {"anyOf": [part, {"$ref": "#/$defs/part"}]},
        "$defs": {"part": part},
    }


@pytest.mark.parametrize(
    ("idle", "same"),
    [
        ({"type": "array", "items": TEXT, "uniqueItems": False}, {"type": "array", "items": TEXT}),
        (
            {"type": "object", "propertyNames": TEXT, "additionalProperties": {"type": "integer"}},
            {"type": "object", "additionalProperties": {"type": "integer"}},
        ),
        ({"type": "object", "properties": {"a": TEXT}, "unevaluatedProperties": False}, CLOSED),
        (CLOSED | {"unevaluatedProperties": False}, CLOSED),
        (
            {"type": "object", "additionalProperties": TEXT, "unevaluatedProperties": False},
            {"type": "object", "additionalProperties": TEXT},
        ),
        (TEXT | {"nullable": False}, TEXT),
        (TEXT | {"format": "binary"}, TEXT),
        (TEXT | {"format": "password"}, TEXT),
    ],
)
def test_what_asks_for_nothing_is_taken_and_answers_are_held_to_the_same(idle, same):
    for schema, other in ((idle, same), (within(idle), within(same))):
        assert taken(schema).schema_of_answer == schema, "it is kept as it was sent"
        assert grammar_of(schema) == grammar_of(other)


@pytest.mark.parametrize(
    "note",
    [
        {"example": {"a": 1}},
        {"markdownDescription": "*a*"},
        {"enumNames": ["A"]},
        {"propertyOrdering": ["a"]},
    ],
)
def test_notes_of_other_programs_are_passed_over(note):
    taken(within(TEXT | note))


def test_an_address_of_draft_4_is_passed_over_where_it_is_that_of_the_whole():
    taken({"id": "https://example.org/a", "type": "string"})
    assert "`id`, at #/items of" in refusal({"items": {"id": "#a"}})
    assert "`id`, at # of" in refusal({"id": {"type": "string"}})


def refusal(schema: dict[str, Any]) -> str:
    with pytest.raises(BadInput) as refused:
        taken(schema)
    assert refused.value.code == "unsupported_schema"
    return refused.value.message


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"type": "array", "uniqueItems": True}, "`uniqueItems`, at #/items of the schema."),
        ({"type": "object", "propertyNames": {"pattern": "^a"}}, "`propertyNames`, at #/items"),
        ({"type": "object", "propertyNames": {"type": "integer"}}, "`propertyNames`, at #/items"),
        ({"type": "object", "unevaluatedProperties": TEXT}, "`unevaluatedProperties`, at #/items"),
        (
            {"allOf": [{"properties": {"a": TEXT}}], "unevaluatedProperties": False},
            "`unevaluatedProperties`, at #/items",
        ),
        ({"type": "array", "unevaluatedItems": False}, "`unevaluatedItems`, at #/items"),
        ({"type": "string", "format": "byte"}, "`format`, at #/items"),
        ({"type": "string", "format": "decimal"}, "`format`, at #/items"),
        (
            {"type": "string", "nullable": True},
            '`nullable`, at #/items of the schema: say `"type": ["string", "null"]`',
        ),
        ({"type": "integer", "nullable": True}, 'say `"type": ["integer", "null"]` in its place'),
        ({"allOf": [TEXT], "nullable": True}, 'say `"type": ["string", "null"]` in its place'),
    ],
)
def test_what_asks_for_something_is_refused_by_its_name_and_place(part, says):
    assert says in refusal({"type": "array", "items": part, "minItems": 1})


def test_a_format_that_is_no_text_is_refused_as_no_schema():
    with pytest.raises(BadInput) as refused:
        taken({"format": ["binary"]})
    assert refused.value.code == "bad_schema"


def test_an_answer_is_compared_with_what_was_sent():
    wanted = taken({"type": "object", "properties": {"a": TEXT}, "unevaluatedProperties": False})
    assert checked('{"a": "x"}', wanted) == {"a": "x"}
    with pytest.raises(NotAsAsked, match="unevaluatedProperties"):
        checked('{"b": "x"}', wanted)


def test_a_model_is_told_fields_without_what_asks_for_nothing():
    photo = {"type": "string", "format": "binary", "nullable": False}
    schema = {"type": "object", "properties": {"photo": photo}, "unevaluatedProperties": False}
    assert told("What?", taken(schema)).splitlines()[-1] == "photo: string"


def test_values_that_look_like_keywords_stay():
    schema = {"const": {"uniqueItems": False}, "enum": [{"nullable": False}], "default": {"format": "binary"}}
    assert without_idle(schema) == schema
