"""An answer of a model here that is held to JSON, and names something twice in one object."""

import pytest

from jobs.contract.asking.response_format import FormatType, ResponseFormat
from jobs.contract.codes import Code
from tests.process.engines.test_thinking import Speech
from worker.engines.constraint.grammars import Grammars

WANTED = ResponseFormat(type=FormatType.JSON_OBJECT)


@pytest.mark.parametrize("is_whole", [True, False], ids=["ended", "at its last token"])
def test_it_fails_with_what_was_said_and_more_tokens_would_not_help(is_whole):
    speech = Speech()
    text = '{"圆形": "红色", "圆形": null}'
    answer = speech.answer(text, is_whole=is_whole, grammar=Grammars(speech.vocabulary).of(WANTED))
    failure = answer.failure()
    assert (failure.code, answer.finish_reason) == (Code.INCOMPLETE_ANSWER, "stop")
    assert "an object in it has the same name twice" in failure.message
    assert text in failure.message
    assert "max_new_tokens" not in failure.message
