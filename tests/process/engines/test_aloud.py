"""Answers that are said piece by piece: the pieces are always the beginning of the answer, and never more."""

import random

import pytest

from jobs.contract.models import Options
from tests.files.drawing import random_scene
from tests.process.rolling.reference import loaded
from tests.process.rolling.test_formats import rolled
from worker.engines.base import Answer, Piece
from worker.engines.company import Company
from worker.engines.saying.aloud import Aloud
from worker.engines.saying.said import Said
from worker.engines.saying.stops import Stops

TEXT = "\n A red circle. 白色背景上有一个紫色正方形😀，和 two  blanks.\n\n "


@pytest.fixture(scope="module")
def engine():
    return loaded()


def said_aloud(engine, tokens, stops=None) -> list[str]:
    """The pieces; each begins where the last has ended."""
    pieces: list[str] = []
    start = 0

    def hear(piece: Piece) -> None:
        nonlocal start
        parts = piece()
        for part in parts:
            assert (part.start, part.is_thought) == (start, False)
            start += len(part.text)
        pieces.append("".join(part.text for part in parts))

    aloud = Aloud(engine._conversation.vocabulary, stops, hear, engine._conversation.answers.thinking)
    for token in tokens:
        aloud.add(token)
    return pieces


def answer_of(engine, tokens, stops=None) -> str:
    """The text of the answer that they are."""
    watch = stops.watch() if stops else None
    if watch:
        for token in tokens:
            watch.add(token)
    answer = engine._conversation.answers.of(Said(tokens, [0.0] * len(tokens), 1, 1, watch=watch))
    return answer.text if isinstance(answer, Answer) else ""


def test_pieces_are_the_beginning_of_every_answer_that_they_may_become(engine):
    tokens = engine._processor.tokenizer(TEXT)["input_ids"]
    pieces = said_aloud(engine, tokens)
    assert "".join(pieces) == TEXT.strip()
    assert sum(map(bool, pieces)) > len(tokens) / 2, "they come one by one"
    for count in range(1, len(tokens) + 1):
        assert answer_of(engine, tokens[:count]).startswith("".join(pieces[:count]))


def test_what_is_not_utf_8_and_ends_of_answers_are_as_in_the_answer(engine):
    rng, ends = random.Random(4), sorted(engine._conversation.ends)
    for _ in range(300):
        tokens = [rng.randrange(len(engine._processor.tokenizer)) for _ in range(rng.randrange(1, 12))]
        tokens = [token for token in tokens if token not in engine._conversation.vocabulary._control] + ends[
            :1
        ]
        said, whole = "".join(said_aloud(engine, tokens)), answer_of(engine, tokens)
        assert whole.startswith(said)
        rest = whole.removeprefix(said)
        assert all(one.isspace() or one == "\N{REPLACEMENT CHARACTER}" for one in rest), "what may be cut"


def test_no_part_of_a_stop_text_is_ever_said(engine):
    tokens = engine._processor.tokenizer(TEXT)["input_ids"]
    for first in range(len(TEXT)):
        for end in range(first + 1, min(len(TEXT), first + 7) + 1):
            stops = Stops([TEXT[first:end], "not there"], engine._conversation.vocabulary)
            pieces = said_aloud(engine, tokens, stops)
            before = TEXT[: TEXT.find(TEXT[first:end])].strip()
            assert before.startswith("".join(pieces))
            assert "".join(pieces) == before
            for count in range(1, len(tokens) + 1):
                assert answer_of(engine, tokens[:count], stops).startswith("".join(pieces[:count]))


def test_a_rolling_batch_says_each_answer_as_it_is_made(engine):
    seen = [engine.see(random_scene(random.Random(3), shapes=2).draw(260, 300))]
    prepared = engine.prepare(seen, "Describe this image.", Options(max_new_tokens=24))
    (whole,) = rolled(engine, [prepared])
    assert isinstance(whole, Answer)
    told: list[str] = []
    request = engine._rolling.request(
        prepared,
        company=Company.INNOCENTS,
        is_interactive=True,
        hear=lambda piece: told.append("".join(part.text for part in piece())),
    )
    engine._rolling.submit(request)
    turns = 0
    while not engine._rolling.turn():
        turns += 1
        assert len(told) == turns, "a token a turn is told at once"
    assert "".join(told) == whole.text
    assert sum(map(bool, told)) > 2
