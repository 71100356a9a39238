"""What becomes of what another server says where it was to say JSON."""

import pytest

from jobs.contract.asking.response_format import FormatType, ResponseFormat
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from worker.engines.base import Answer
from worker.engines.remote.answers import answer_of
from worker.engines.remote.asking import asked
from worker.engines.remote.said import Said

ANY_OBJECT = Options(response_format=ResponseFormat(type=FormatType.JSON_OBJECT))


def answer(text: str, reason: str) -> Answer:
    """What becomes of a text that ends for a reason, as a server calls it."""
    job = asked("m", [], "Which shapes?", ANY_OBJECT, WorkerSettings())
    return answer_of(Said(parts=[text], finish_reason=reason, is_done=True), job)


@pytest.mark.parametrize("reason", ["stop", "length"])
def test_the_same_name_twice_fails_with_what_was_said_and_more_tokens_would_not_help(reason):
    said = '{"圆形": "红色", "圆形": null}'
    made = answer(said, reason)
    failure = made.failure()
    assert failure is not None
    assert (failure.code, made.finish_reason) == ("incomplete_answer", "stop")
    assert "an object in it has the same name twice" in failure.message
    assert said in failure.message
    assert "max_new_tokens" not in failure.message


def test_json_that_was_cut_says_that_more_tokens_would_help():
    made = answer('{"a": {"b": 1, "b": 2}, "c', "length")
    failure = made.failure()
    assert failure is not None
    assert made.finish_reason == "length"
    assert "max_new_tokens" in failure.message
