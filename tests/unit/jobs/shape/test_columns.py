"""The table that answers make: typed columns, and cells that fit or are empty."""

from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from jobs.contract.asking.fields import SaidField, format_of
from jobs.contract.asking.response_format import FormatType, ResponseFormat, data_of
from jobs.shape.columns import Column, ColumnType, columns_of
from jobs.shape.spans import spans_of


class Shop(BaseModel):
    name: str


class Receipt(BaseModel):
    total: float | None = None
    count: int
    paid: bool
    day: date | None
    shop: Shop
    tags: list[str]
    lines: list[Shop]
    either: int | str


def types(schema: dict[str, Any]) -> dict[str, str]:
    return {column.title: column.type.value for column in columns_of(ResponseFormat.of_schema(schema))}


def test_a_schema_of_pydantic_has_the_types_of_its_properties():
    assert types(Receipt.model_json_schema()) == {
        "total": "number",
        "count": "integer",
        "paid": "boolean",
        "day": "date",
        "shop": "json",
        "tags": "list",
        "lines": "json",
        "either": "json",
    }


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"enum": ["a", "b", None]}, "text"),
        ({"enum": [1, 2.5]}, "number"),
        ({"enum": [1, "a"]}, "json"),
        ({"const": True}, "boolean"),
        ({"type": ["null", "integer"]}, "integer"),
        ({"type": "string", "format": "date-time"}, "text"),
        ({"$ref": "#/$defs/day"}, "date"),
        ({"$ref": "#/$defs/none"}, "json"),
        ({"$ref": "#/properties/a"}, "json"),
        ({"type": "array"}, "json"),
        ({"type": "array", "items": {"$ref": "#/$defs/day"}}, "list"),
        ({}, "json"),
        (True, "json"),
    ],
)
def test_each_column_has_the_one_type_that_its_values_have(said, kind):
    assert types({"properties": {"a": said}, "$defs": {"day": {"type": "string", "format": "date"}}}) == {
        "a": kind
    }


def test_what_has_no_properties_has_no_columns():
    nothing = [
        None,
        ResponseFormat(type=FormatType.JSON_OBJECT),
        ResponseFormat.of_schema({"type": "array"}),
        ResponseFormat.of_schema({"$ref": "#"}),
    ]
    assert [columns_of(one) for one in nothing] == [()] * 4


def test_a_title_that_is_taken_is_another_in_upper_or_lower_case_too():
    wanted = format_of(
        TypeAdapter(list[SaidField]).validate_python(["State", "a", "A", "answer.state", "金额"])
    )
    titles = [column.title for column in columns_of(wanted, taken=("state",))]
    assert titles == ["answer.answer.State", "a", "answer.A", "answer.state", "金额"]


@pytest.mark.parametrize(
    ("kind", "value", "cell"),
    [
        ("text", "名", "名"),
        ("text", 7, None),
        ("number", 7, 7),
        ("number", 1.5, 1.5),
        ("number", "1.5", None),
        ("number", True, None),
        ("integer", 7.0, 7),
        ("integer", 7.5, None),
        ("integer", False, None),
        ("boolean", False, False),
        ("boolean", 0, None),
        ("date", "2024-02-29", date(2024, 2, 29)),
        ("date", "2023-02-29", None),
        ("date", "20240229", None),
        ("date", 20240229, None),
        ("list", ["a", "b, c", 'say "x"', "", " d", None], 'a, "b, c", "say ""x""", "", " d", null'),
        ("list", [], ""),
        ("list", ["a", 1], None),
        ("list", "a", None),
        ("json", {"a": ["名"]}, '{"a": ["名"]}'),
        ("json", "x", '"x"'),
        ("text", None, None),
    ],
)
def test_a_cell_is_a_value_of_its_columns_type_or_empty(kind, value, cell):
    of_texts = ColumnType.TEXT if kind == "list" else None
    column = Column("a", "title", ColumnType(kind), of_texts)
    found = column.cell({"a": value})
    assert (found, type(found)) == (cell, type(cell))


@pytest.mark.parametrize("data", [None, 7, "text", [1], {}, {"b": 1}])
def test_an_answer_without_the_field_has_an_empty_cell(data):
    assert Column("a", "a", ColumnType.JSON).cell(data) is None


@pytest.mark.parametrize(
    "answer",
    [
        *("", "plain text", '{"a": 1', '{"a": NaN}', '{"a": 1e999}', '{"a": -1E+9999}', '"\\ud800"'),
        *("[" * 100_000, "[" * 300 + "]" * 300, "9" * 5000, '{"a":' * 50_000),
    ],
)
def test_an_answer_that_not_every_program_reads_has_no_data(answer):
    assert data_of(answer, ResponseFormat(type=FormatType.JSON_OBJECT)) is None


def test_an_answer_is_read_as_what_it_says_where_that_was_asked_for():
    answer = '{"总额": 1e300, "n": 123456789012345678901234567890, "x": "1e999"}'
    said = {"总额": 1e300, "n": 123456789012345678901234567890, "x": "1e999"}
    assert data_of(answer, ResponseFormat(type=FormatType.JSON_OBJECT)) == said
    assert data_of(answer, None) is None


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ('{"a": 12, "b" : {"c": [1]} }', {"a": "12", "b": '{"c": [1]}'}),
        ('{"a": "x\\"}", "b": tru', {"a": '"x\\"}"'}),
        ("{}", {}),
        ("[1]", {}),
        ("", {}),
    ],
)
def test_where_values_stand_is_known_as_far_as_they_are_whole(text, spans):
    assert {name: text[start:end] for name, (start, end) in spans_of(text).items()} == spans


@pytest.mark.parametrize("anything", [True, False])
def test_what_may_be_anything_or_null_is_json(anything):
    assert types({"properties": {"a": {"anyOf": [anything, {"type": "null"}]}}}) == {"a": "json"}
