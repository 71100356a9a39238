"""Schemas that would take the libraries that read them all time, or all memory."""

from threading import BoundedSemaphore
from typing import Any

import pytest

from jobs.contract.asking.fields import AnswerField, format_of
from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.errors import BadInput, Unavailable
from jobs.shape.checked import NotAsAsked, checked
from jobs.shape.parts import extent_of
from jobs.shape.schemas import check_format

pytestmark = pytest.mark.process
LIMIT = 64 * 1024
#: A hundred patterns and more that all have to hold.
PATTERNS = {"allOf": [{"type": "string", "pattern": f"^.*{n}.*{n}.*$"} for n in range(200)]}


def doubling(keyword: str, steps: int, leaf: dict[str, Any]) -> dict[str, Any]:
    """A schema that has `leaf` twice with each step."""
    each = {f"d{n}": {keyword: [{"$ref": f"#/$defs/d{n - 1}"}] * 2} for n in range(1, steps + 1)}
    return {"$ref": f"#/$defs/d{steps}", "$defs": {"d0": leaf, **each}}


def refusal(schema: dict[str, Any]) -> str:
    with pytest.raises(BadInput) as refused:
        check_format(ResponseFormat.of_schema(schema), LIMIT, cpu_s=1)
    assert refused.value.code == "unsupported_schema"
    return refused.value.message


def test_a_schema_of_which_its_reader_comes_to_no_end_is_refused():
    assert "EVA01_REQUEST_CPU_S" in refusal({"properties": {"a": PATTERNS}})


def test_where_all_places_are_taken_a_schema_is_asked_for_again_and_fields_are_read():
    """Who waited for a place would hold a thread of web."""
    places, schema = BoundedSemaphore(1), {"properties": {"a": {"pattern": "^a+$"}}}
    with places, pytest.raises(Unavailable) as refused:
        check_format(ResponseFormat.of_schema(schema), LIMIT, places=places)
    assert refused.value.code == "too_many_schemas"
    assert check_format(ResponseFormat.of_schema(schema), LIMIT, places=places)
    with places:
        assert check_format(ResponseFormat.of_schema(schema), LIMIT, places=places), "it was read of late"
        assert check_format(format_of([AnswerField(name="a")]), LIMIT, places=places)


def test_a_pattern_with_which_no_answer_could_be_compared_is_refused_at_the_door():
    assert "regex" in refusal(
        {"properties": {"a": {"type": "string", "pattern": "^((a{1,999}){1,999}){1,999}$"}}}
    )


@pytest.mark.parametrize(("keyword", "answer"), [("allOf", "7"), ("anyOf", '"seven"')])
def test_an_answer_that_would_be_compared_for_ever_is_none_and_its_worker_goes_on(keyword, answer):
    """Also with a schema that an earlier version let in."""
    schema = doubling(keyword, 60, {"type": "integer"})
    assert "10,000 schemas" in refusal(schema)
    with pytest.raises(NotAsAsked, match="too long"):
        checked(answer, ResponseFormat.of_schema(schema))


def test_what_refers_to_itself_is_compared_elsewhere_and_with_the_same_outcome():
    tree = {
        "$ref": "#/$defs/t",
        "$defs": {"t": {"properties": {"in": {"$ref": "#/$defs/t"}, "n": {"type": "integer"}}}},
    }
    assert extent_of(tree).comes_back
    wanted = ResponseFormat.of_schema(tree)
    assert checked('{"in": {"in": {"n": 7}}}', wanted) == {"in": {"in": {"n": 7}}}
    with pytest.raises(NotAsAsked, match="`type` is not satisfied at #/in/in/n"):
        checked('{"in": {"in": {"n": "seven"}}}', wanted)
