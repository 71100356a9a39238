"""What reading a schema may cost, told from its text."""

import pytest

from jobs.contract.asking.fields import AnswerField, FieldType, format_of
from jobs.shape.parts import MOST, Extent, extent_of, is_plain

LEAF = {"type": "string"}


def test_what_fields_are_is_plain_and_light():
    kinds = [kind for kind in FieldType if kind is not FieldType.CHOICE]
    every = [AnswerField(name=kind, type=kind, is_list=True, hint="h") for kind in kinds]
    every.append(AnswerField(name="choice", type=FieldType.CHOICE, choices=("a", "b")))
    schema = format_of(every).schema_of_answer
    assert is_plain(schema)
    assert extent_of(schema).is_light


@pytest.mark.parametrize(
    ("schema", "extent"),
    [
        ({"allOf": [LEAF, LEAF]}, Extent(3, comes_back=False)),
        (
            {"items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": LEAF}},
            Extent(5, comes_back=False),
        ),
        ({"items": {"$ref": "#/$defs/%61"}, "$defs": {"a": LEAF}}, Extent(3, comes_back=False)),
        ({"items": {"$ref": "#/anyOf/1"}, "anyOf": [{}, LEAF]}, Extent(5, comes_back=False)),
        (
            {"$id": "x", "items": {"$ref": "#/$defs/a~1b"}, "$defs": {"a/b": LEAF}},
            Extent(3, comes_back=False),
        ),
        ({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}, Extent(1, comes_back=False)),
        ({"items": {"$ref": "#"}}, Extent(3, comes_back=True)),
        (
            {"items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}},
            Extent(5, comes_back=True),
        ),
    ],
)
def test_all_that_a_schema_refers_to_is_written_out_once_where_it_comes_back(schema, extent):
    assert extent_of(schema) == extent
    assert extent.is_light is not extent.comes_back


@pytest.mark.parametrize(
    "schema",
    [
        {"items": {"$ref": "#b"}, "$defs": {"b": {"$anchor": "b"}}},
        {"items": {"$ref": "x#/$defs/a"}, "$id": "x", "$defs": {"a": LEAF}},
        {"items": {"$id": "x", "$defs": {"a": LEAF}, "$ref": "#/$defs/a"}, "$defs": {"a": LEAF}},
        {"items": {"$ref": "#/$defs/none"}},
        {"items": {"$ref": "#/anyOf/7"}, "anyOf": [LEAF]},
        {"items": {"$ref": "#/type/a"}, "type": "array"},
        {"items": {"$ref": 7}},
    ],
)
def test_what_is_found_by_other_ways_than_a_pointer_is_not_followed(schema):
    with pytest.raises(LookupError):
        extent_of(schema)


def test_what_doubles_at_each_step_is_too_much():
    steps = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
    assert extent_of({"$ref": "#/$defs/d0", "$defs": {**steps, "d40": LEAF}}).size > 2**40
    back = {"properties": {"x": {"$ref": "#"}, "y": {"$ref": "#/$defs/d0"}}}
    assert extent_of({**back, "$defs": {**steps, "d40": {"$ref": "#"}}}).size > 2**40
    assert extent_of({"$ref": "#/$defs/d35", "$defs": {**steps, "d40": LEAF}}).is_light


def test_a_long_way_of_references_is_too_much():
    steps = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(3000)}
    assert extent_of({"$ref": "#/$defs/d0", "$defs": {**steps, "d3000": LEAF}}).size > MOST
