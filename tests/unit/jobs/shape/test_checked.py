"""An answer that is held to JSON says each thing once, or is none."""

import pytest

from jobs.contract.asking.response_format import FormatType, ResponseFormat
from jobs.shape.checked import NotAsAsked, checked, parsed

ANY_OBJECT = ResponseFormat(type=FormatType.JSON_OBJECT)
OPEN = ResponseFormat.of_schema({"type": "object", "properties": {"a": {"type": "integer"}}})


@pytest.mark.parametrize("wanted", [ANY_OBJECT, OPEN], ids=["any object", "a schema"])
@pytest.mark.parametrize(
    "answer",
    [
        '{"圆形": "红色", "圆形": null}',
        '{"a": 1, "a": 1}',
        r'{"a": 1, "\u0061": 2}',
        r'{"😀": 1, "\ud83d\ude00": 2}',
        '{"list": [{"b": {"c": 1, "c": 2}}]}',
    ],
)
def test_an_object_with_the_same_name_twice_is_no_answer(wanted, answer):
    with pytest.raises(NotAsAsked, match="same name twice") as refused:
        checked(answer, wanted)
    assert refused.value.is_whole


def test_the_same_name_in_several_objects_is_no_fault():
    said = '{"a": 1, "A": 2, "b": {"a": 1}, "c": [{"a": 1}, {"a": 1}]}'
    assert checked(said, OPEN) == {"a": 1, "A": 2, "b": {"a": 1}, "c": [{"a": 1}, {"a": 1}]}


def test_what_was_cut_is_no_json_whatever_is_twice_in_it():
    with pytest.raises(NotAsAsked, match="no JSON") as refused:
        parsed('{"b": {"c": 1, "c": 2}, "d')
    assert not refused.value.is_whole


def test_an_answer_that_does_not_satisfy_its_schema_is_whole():
    with pytest.raises(NotAsAsked) as refused:
        checked('{"a": "one"}', OPEN)
    assert refused.value.is_whole
