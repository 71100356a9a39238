"""What becomes of what another server says where it was to say JSON."""

from typing import Any

import pytest

from jobs.contract.asking.response_format import FormatType, ResponseFormat
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from worker.engines.base import Answer
from worker.engines.remote.answers import answer_of
from worker.engines.remote.asking import asked
from worker.engines.remote.said import Said
from worker.engines.saying.thinking import MARKS

ANY_OBJECT = Options(response_format=ResponseFormat(type=FormatType.JSON_OBJECT))


def answer(text: str, reason: str, options: Options = ANY_OBJECT, **more: Any) -> Answer:
    """What becomes of a text that ends for a reason, as a server calls it."""
    job = asked("m", [], "Which shapes?", options, WorkerSettings())
    return answer_of(Said(parts=[text], finish_reason=reason, is_done=True, **more), job)


@pytest.mark.parametrize("marks", MARKS, ids=str)
def test_a_model_that_was_cut_while_it_thought_says_so_and_what_it_thought_is_kept(marks):
    cut = [
        answer(f"{marks.begin}It is", "length", Options()),
        answer("", "length", Options(), thoughts=["It is"]),
    ]
    for made in cut:
        failure = made.failure()
        assert failure is not None
        assert (failure.code, made.finish_reason, made.reasoning) == ("incomplete_answer", "length", "It is")
        assert "was still thinking" in failure.message


@pytest.mark.parametrize(("usage", "told"), [({}, None), ({"reasoning_tokens": 5}, 5)])
def test_tokens_of_a_thought_are_counted_where_the_server_counts_them(usage, told):
    made = answer("<think>It</think>A", "stop", Options(), usage={"completion_tokens_details": usage})
    assert made.usage.reasoning_tokens == told


def test_how_likely_tokens_were_is_said_of_the_answer_alone():
    words = ["◁think▷", "It", "◁/think▷", "<answer>", "A", " circle", "</answer>"]
    tokens = [{"token": word, "logprob": -0.5, "bytes": [*word.encode()]} for word in words]
    made = answer("".join(words), "stop", Options(top_logprobs=0), tokens=tokens)
    assert (made.text, made.reasoning) == ("A circle", "It")
    assert made.logprobs
    assert [one["token"] for one in made.logprobs()] == ["A", " circle"]


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
