"""Fields as people name them: their short form, and the schema that they are."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from jobs.contract.asking.fields import AnswerField, FieldType, SaidField, format_of
from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.errors import BadInput
from jobs.shape.checked import NotAsAsked, checked
from jobs.shape.columns import ColumnType, columns_of
from jobs.shape.schemas import check_format
from jobs.shape.telling import told

FIELDS = TypeAdapter(list[SaidField])
#: More than the schema of any fields that people would name.
PLENTY = 10**6


def fields(*said: Any) -> list[AnswerField]:
    return FIELDS.validate_python(list(said))


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        ("total", {"name": "total"}),
        ("total:number", {"name": "total", "type": "number"}),
        (
            " 总额 : whole ! : 含税: 元 ",
            {"name": "总额", "type": "integer", "is_required": True, "hint": "含税: 元"},
        ),
        ("ok:yes/no", {"name": "ok", "type": "boolean"}),
        ("day:date", {"name": "day", "type": "date"}),
        (
            "kind:a | b|c!",
            {"name": "kind", "type": "choice", "choices": ["a", "b", "c"], "is_required": True},
        ),
        ("items:text[]", {"name": "items", "is_list": True}),
        (
            "tags:a|b[]!",
            {"name": "tags", "type": "choice", "choices": ["a", "b"], "is_list": True, "is_required": True},
        ),
        ("note::what: it says", {"name": "note", "hint": "what: it says"}),
    ],
)
def test_the_short_form_says_the_same_as_the_object(short, whole):
    assert fields(short) == fields(whole)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("total:numbr", "'numbr' is no type. Those there are: text, number, integer, boolean, date"),
        (":number", "at least 1 character"),
        ("", "at least 1 character"),
        ("k:a|a", "'k' has 'a' twice among its choices"),
        ("k:a|", "at least 1 character"),
        ("a\nb:text", "match pattern"),
        ("a:" + "|" * 1_000_000, "at most 200 choices"),
        ({"name": "a", "type": "choice", "choices": [""] * 100_000}, "at least 1 character"),
        ({"name": "k", "type": "choice"}, "`choices` belong to"),
        ({"name": "k", "choices": ["a"]}, "`choices` belong to"),
        ({"name": "k", "kind": "text"}, "Extra inputs"),
        ({"name": "x" * 65}, "at most 64"),
        (7, "valid dictionary"),
    ],
)
def test_what_is_no_field_is_refused_with_the_reason(said, why):
    with pytest.raises(ValidationError, match=why):
        fields(said)


@pytest.mark.parametrize(
    ("short", "written"),
    [
        ("count:integer|null", "`count:integer`: a field is empty where the image does not say it, and `!`"),
        ("total:number|null", "`total:number`: "),
        ("day:date|none", "`day:date`: "),
        ("day: Date | None !", "`day:date`: "),
        ("tags:text[]|null", "`tags:text[]`: "),
        ("tags:int|null[]", "`tags:int[]`: "),
        ("x:text|number", "`x:text` or `x:number`: "),
        ("ok:yes/no|null", "`ok:yes/no`: "),
        ("count!", "`count:!`"),
        ("count!:integer", "`count:integer!`"),
        ("count!:integer!:how many", "`count:integer!:how many`"),
        ("shapes[]", "`shapes:text[]`"),
        ("shapes[]!", "`shapes:text[]!`"),
        ("shapes []:number", "`shapes:number[]`"),
        ("背景：text", "`背景:text`"),
        ("背景：a｜b！", "`背景:a|b!`"),
        ("背景：text:颜色：红", "`背景:text:颜色：红`"),
        ("数量！", "`数量:!`"),
        ("形状［］", "`形状:text[]`"),
    ],
)
def test_what_means_something_else_than_it_looks_like_is_refused_with_what_to_write(short, written):
    with pytest.raises(ValidationError) as refused:
        fields(short)
    (error,) = refused.value.errors()
    assert error["input"] == short
    assert f"Write {written}" in error["msg"]
    fields(re.split("`(?: or `)?", written)[1])


def test_an_object_may_have_such_names_and_choices():
    said = [
        {"name": "count!", "type": "choice", "choices": ["integer", "null"]},
        {"name": "背景：text［］"},
    ]
    assert [field.name for field in fields(*said)] == ["count!", "背景：text［］"]


@pytest.mark.parametrize("short", ["kind:text|photo", "severity:none|low", "what:date|time", "a!b", "a[]b"])
def test_words_that_are_no_types_and_marks_within_a_name_are_what_they_look_like(short):
    (field,) = fields(short)
    assert short in (field.name, f"{field.name}:{'|'.join(field.choices)}")


@pytest.mark.parametrize(
    "short",
    ["total", "total amount:number!", "kind:小票|credit card", "tags:a|b[]!:what: it", "n::hint"],
)
def test_the_documents_pattern_says_what_is_short(short):
    (pattern,) = [
        one["pattern"] for one in FIELDS.json_schema()["items"]["anyOf"] if one.get("type") == "string"
    ]
    assert re.search(pattern, short)
    assert fields(short)


def test_two_fields_of_one_name_are_refused_by_that_name():
    with pytest.raises(BadInput, match="two fields called 'total'") as refused:
        format_of(fields("total", "total:number"))
    assert refused.value.code == "invalid_field"


def test_a_schema_has_the_fields_in_their_order_and_null_for_what_an_image_does_not_show():
    schema = format_of(fields("b:number!", "a:x|y", "c:date[]")).schema_of_answer
    assert list(schema["properties"]) == schema["required"] == ["b", "a", "c"]
    assert schema["properties"]["a"] == {"type": ["string", "null"], "enum": ["x", "y", None]}
    assert schema["properties"]["b"]["type"] == "number"
    assert schema["properties"]["c"]["items"] == {"type": "string", "format": "date"}
    assert schema["additionalProperties"] is False


def test_a_model_is_told_each_field_in_a_line():
    said = told(
        "What?", format_of(fields("total:number:what has to be paid", "kind:小票|发票!", "tags:text[]!"))
    )
    assert said.splitlines() == [
        "What?",
        "",
        "Answer with a JSON object of these fields:",
        "total: number or null (what has to be paid)",
        'kind: one of ["小票", "发票"]',
        "tags: list of string",
    ]


NAMES = (
    st.text(min_size=1, max_size=12)
    .map(str.strip)
    .filter(lambda name: name and name.isprintable() and not name[0].isspace())
)
CHOICES = st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=4, unique=True)


@st.composite
def any_field(draw: st.DrawFn) -> AnswerField:
    kind = draw(st.sampled_from(FieldType))
    choices = draw(CHOICES) if kind is FieldType.CHOICE else []
    more = {
        "is_list": draw(st.booleans()),
        "is_required": draw(st.booleans()),
        "hint": draw(st.text(max_size=9)),
    }
    return AnswerField(name=draw(NAMES), type=kind, choices=tuple(choices), **more)


_TYPES = {FieldType.CHOICE: ColumnType.TEXT} | {
    kind: ColumnType(kind.value) for kind in FieldType if kind is not FieldType.CHOICE
}


@settings(max_examples=60, deadline=None)
@given(st.lists(any_field(), min_size=1, max_size=6, unique_by=lambda field: field.name))
def test_answers_can_be_held_to_any_fields_and_each_is_a_column_of_its_type(given_fields):
    wanted = check_format(format_of(given_fields), PLENTY)
    assert ResponseFormat.model_validate_json(wanted.model_dump_json(exclude_none=True)) == wanted
    columns = columns_of(wanted)
    assert [column.field for column in columns] == [field.name for field in given_fields]
    for field, column in zip(given_fields, columns, strict=True):
        found = column.of if field.is_list else column.type
        assert (found, column.type is ColumnType.LIST) == (_TYPES[field.type], field.is_list)


def test_an_answer_is_looked_at_once_more():
    wanted = format_of(fields("total:number!", "day:date"))
    assert checked('{"total": 1.5, "day": null}', wanted) == {"total": 1.5, "day": None}
    for answer, why in (
        ('{"total": 1.5', "no JSON"),
        ('{"total": NaN, "day": null}', "no JSON"),
        ('{"total": "1.5", "day": null}', "`type` is not satisfied at #/total"),
        ('{"total": 1}', "`required` is not satisfied at #"),
        ('{"total": 1, "day": "2026-02-30"}', "at #/day"),
    ):
        with pytest.raises(NotAsAsked, match=why):
            checked(answer, wanted)
