"""What a worker tells of answers while they are made, to those who listen and to nobody else."""

from collections.abc import Sequence
from functools import partial

import pytest

from jobs.contract import names
from jobs.contract.models import JobState
from jobs.contract.saying.pieces import Piece, pieces_in
from jobs.storage.wire import Wire
from tests.stubs.slot import MODEL
from worker.engines.base import Part
from worker.job.telling import Telling

pytestmark = pytest.mark.redis


@pytest.fixture
def heard(redis_client):
    """What comes to an ear."""
    line = Wire(redis_client).listen("ear", 0.05)
    assert next(line) is None
    yield line
    line.close()


def next_of(line) -> list[Piece]:
    return next(pieces for pieces in line if pieces)


def _parts(*parts: Part) -> Sequence[Part]:
    return parts


def test_the_end_is_told_when_the_record_says_it(slot, heard):
    job = slot.answer(slot.job(listener="ear"))
    assert job.state is JobState.SUCCEEDED
    assert next_of(heard) == [Piece(job.id, 0, None)]


@pytest.mark.parametrize("leave", ["cancel", "remove_job"])
def test_the_end_is_told_also_where_no_worker_sees_it(slot, heard, leave):
    job = slot.job(listener="ear")
    getattr(slot.store, leave)(job.id)
    assert next_of(heard) == [Piece(job.id, 0, None)]


def test_the_end_is_told_of_a_job_that_cannot_be_read_any_more(slot, heard, redis_client):
    job = slot.job(listener="ear")
    redis_client.hdel(names.job_key(job.id), "model")
    assert slot.store.take(MODEL, "ticket") is None
    assert next_of(heard) == [Piece(job.id, 0, None)]


def test_what_goes_on_or_has_ended_before_is_not_told(slot, heard):
    job = slot.job(listener="ear")
    slot.store.take(MODEL, "ticket")
    slot.store.give_back(job.id)
    slot.answer(job)
    slot.store.remove_job(job.id)
    assert next_of(heard) == [Piece(job.id, 0, None)]
    assert next(heard) == [], "once"


def test_a_connection_that_is_there_again_says_that_something_may_be_missing(heard, redis_client):
    redis_client.client_kill_filter(_type="pubsub")
    assert None in (next(heard) for _ in range(20))
    Wire(redis_client).say("ear", [Piece("job", 3, "é")])
    assert next_of(heard) == [Piece("job", 3, "é")]


def test_who_hears_only_the_end_is_told_nothing_before(slot, heard):
    job = slot.job(listener="ear", hears_pieces=False)
    assert slot.answering.telling.hear(job) is None
    slot.answer(job)
    assert next_of(heard) == [Piece(job.id, 0, None)]


def test_of_a_job_to_which_nobody_listens_nothing_is_told(slot, heard):
    slot.answer(slot.job())
    job = slot.answer(slot.job(question="and this?", listener="ear"))
    assert next_of(heard) == [Piece(job.id, 0, None)]
    assert slot.answering.telling.hear(slot.job(question="none")) is None


def test_pieces_of_a_turn_go_together_and_empty_ones_not_at_all(slot, heard, redis_client):
    telling = Telling(Wire(redis_client))
    one, other = (slot.job(question=question, listener="ear") for question in ("one", "other"))
    said = ((one, Part(0, "A", True)), (other, Part(0, "Two")), (one,), (one, Part(1, " red"), Part(5, ".")))
    for job, *parts in said:
        hear = telling.hear(job)
        assert hear
        hear(partial(_parts, *parts))
    telling.start()
    telling.turn_over()
    assert next_of(heard) == [
        Piece(one.id, 0, "A", True),
        Piece(other.id, 0, "Two"),
        *(Piece(one.id, 1, " red"), Piece(one.id, 5, ".")),
    ]


def test_a_piece_that_cannot_be_made_does_not_silence_the_others(slot, heard, redis_client):
    telling = Telling(Wire(redis_client))
    hear = telling.hear(job := slot.job(listener="ear"))
    assert hear
    hear(lambda: [Part(0, "x"[1])])
    hear(lambda: [Part(0, "A")])
    telling.start()
    telling.turn_over()
    assert next_of(heard) == [Piece(job.id, 0, "A")]


def test_what_is_no_piece_is_passed_over(heard, redis_client):
    redis_client.publish(names.said_channel("ear"), "[1]")
    Wire(redis_client).say("ear", [Piece("job", 3, "é")])
    assert next_of(heard) == [Piece("job", 3, "é")]
    assert pieces_in('[["job",3,"é"]]') == [Piece("job", 3, "é", False)], "as version 0.1.0 says them"


def test_many_pieces_go_in_several_messages(heard, redis_client):
    pieces = [Piece("job", place, "x") for place in range(600)]
    Wire(redis_client).say("ear", pieces)
    first = next_of(heard)
    assert len(first) < len(pieces)
    while len(first) < len(pieces):
        first += next_of(heard)
    assert first == pieces
