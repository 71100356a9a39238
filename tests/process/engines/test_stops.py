"""Texts at which an answer ends: found whichever tokens they are made of, and never late."""

import random

import pytest

from jobs.contract.codes import Code
from jobs.contract.errors import EngineFailure
from jobs.contract.models import FinishReason, Options
from tests.files.drawing import random_scene
from tests.process.rolling.reference import QUESTIONS, loaded
from tests.process.rolling.test_formats import rolled
from worker.engines.base import Answer
from worker.engines.saying.stops import Stops
from worker.engines.saying.vocabulary import Vocabulary

TEXT = "A red circle. 白色背景上有一个紫色正方形😀，和 two  blanks."


@pytest.fixture(scope="module")
def engine():
    return loaded()


@pytest.fixture(scope="module")
def seen(engine):
    return [engine.see(random_scene(random.Random(3), shapes=2).draw(260, 300))]


def test_any_part_of_a_text_is_found_with_the_token_that_completes_it(engine):
    tokens = engine._processor.tokenizer(TEXT)["input_ids"]
    parts = [engine._conversation.vocabulary.text_of(token) for token in tokens]
    assert b"".join(parts).decode() == TEXT
    assert len(tokens) < len(TEXT.encode()), "some tokens have more than a byte"
    for first in range(len(TEXT)):
        for end in range(first + 1, min(len(TEXT), first + 7) + 1):
            stop = TEXT[first:end]
            watch = Stops([stop, "not there"], engine._conversation.vocabulary).watch()
            for count, token in enumerate(tokens, start=1):
                watch.add(token)
                assert watch.has_found == (stop.encode() in b"".join(parts[:count]))
            before = TEXT[: TEXT.find(stop)]
            assert watch.text == before
            assert len(b"".join(parts[: watch.count])) >= len(before.encode())
            assert len(b"".join(parts[: max(0, watch.count - 1)])) <= len(before.encode())


def test_the_first_of_several_counts(engine):
    watch = Stops(["circle", "red", "d c"], engine._conversation.vocabulary).watch()
    for token in engine._processor.tokenizer(TEXT)["input_ids"]:
        watch.add(token)
    assert watch.text == "A "


def test_a_token_that_controls_the_model_is_no_text(engine):
    watch = Stops(["im_"], engine._conversation.vocabulary).watch()
    for token in engine._conversation.ends:
        watch.add(token)
    assert not watch.has_found


@pytest.mark.parametrize("question", [0, 1])
def test_an_answer_ends_before_it_and_its_row_at_once(engine, seen, question):
    (whole,) = rolled(engine, [engine.prepare(seen, QUESTIONS[question], Options(max_new_tokens=24))])
    assert isinstance(whole, Answer)
    stop = whole.text[len(whole.text) // 3 :][:3]
    options = Options(max_new_tokens=24, stop=(stop,), top_logprobs=0)
    job = engine.prepare(seen, QUESTIONS[question], options)
    (cut,) = rolled(engine, [job])
    assert isinstance(cut, Answer)
    assert cut.text == whole.text[: whole.text.find(stop)].strip()
    assert cut.finish_reason is FinishReason.STOP
    assert cut.usage.output_tokens < whole.usage.output_tokens
    assert cut.logprobs
    assert len(cut.logprobs()) == cut.usage.output_tokens
    loop = engine._rolling._loop
    request = loop.request(job.tensors, 24, stops=job.stops)
    loop.submit(request)
    while not (ended := loop.turn()):
        pass
    said = [engine._conversation.vocabulary.text_of(token) for token in ended[0].tokens]
    assert stop.encode() in b"".join(said)
    assert stop.encode() not in b"".join(said[:-1])


def test_an_answer_that_begins_with_it_is_none(engine, seen):
    job = engine.prepare(seen, QUESTIONS[0], Options(stop=("A",)))
    for outcome in (*rolled(engine, [job]), *engine.generate([job])):
        assert isinstance(outcome, Answer)
        failure = outcome.failure()
        assert failure
        assert failure.code is Code.EMPTY_ANSWER
        assert "Leave it out of `stop`" in failure.message


def test_a_tokenizer_that_says_too_little_is_refused_before_the_device(engine, seen, monkeypatch):
    monkeypatch.setattr(
        engine._conversation, "vocabulary", Vocabulary(object(), engine._conversation.ends, 10)
    )
    with pytest.raises(EngineFailure) as caught:
        engine.prepare(seen, QUESTIONS[0], Options(stop=("A",)))
    assert caught.value.code is Code.NO_SAMPLING
