"""What reading a schema may cost, told from its text."""

import pytest

from jobs.shape.fields import AnswerField, FieldType, format_of
from jobs.shape.parts import is_light, is_plain

LEAF = {"type": "string"}


def test_what_fields_are_is_plain_and_light():
    kinds = [kind for kind in FieldType if kind is not FieldType.CHOICE]
    every = [AnswerField(name=kind, type=kind, is_list=True, hint="h") for kind in kinds]
    every.append(AnswerField(name="choice", type=FieldType.CHOICE, choices=("a", "b")))
    schema = format_of(every).schema_of_answer
    assert is_plain(schema)
    assert is_light(schema)


@pytest.mark.parametrize(
    ("schema", "light"),
    [
        ({"allOf": [LEAF, LEAF]}, True),
        (
            {"items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": LEAF}},
            True,
        ),
        ({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}, True),
        ({"items": {"$ref": "#"}}, False),
        ({"items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}, False),
        ({"items": {"$ref": "#b"}, "$defs": {"b": {"$anchor": "b"}}}, False),
        ({"items": {"$ref": "#/$defs/%61"}, "$defs": {"a": LEAF}}, False),
        ({"items": {"$id": "x", "$ref": "#/$defs/a"}, "$defs": {"a": LEAF}}, False),
        ({"items": {"$ref": "#/$defs/none"}}, False),
    ],
)
def test_what_comes_back_to_itself_or_is_found_by_its_reader_alone_is_not_light(schema, light):
    assert is_light(schema) is light


def test_what_doubles_at_each_step_is_not_light():
    steps = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
    assert not is_light({"$ref": "#/$defs/d0", "$defs": {**steps, "d40": LEAF}})
    assert is_light({"$ref": "#/$defs/d35", "$defs": {**steps, "d40": LEAF}})
