"""What is long is taken in over several turns, in each of which every row in flight has a word."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.process.rolling.reference import SEVERAL, Reference, fail, run, submit
from worker.engines.rolling.families.family import Piece, Seen
from worker.engines.rolling.families.grids import Grids

#: Tokens of a turn; the job of sixteen images has six times as many.
_MOST = 64


@pytest.fixture
def turn_by_turn(reference, monkeypatch) -> Any:
    """A loop with rows in flight, and what each of its turns takes in: visual tokens, tokens of prompts."""
    endless = Reference(reference.model, frozenset(), reference.tensors, [])
    loop = endless.loop(slots=4, prefill_tokens=_MOST)
    seen: list[int] = []
    read: list[int] = []
    see = Grids.see

    def noted(own: Grids, pieces: Sequence[Piece]) -> Sequence[Seen]:
        seen.append(sum(piece.tokens for piece in pieces))
        return see(own, pieces)

    monkeypatch.setattr(Grids, "see", noted)

    def never(*step: Any) -> bool:
        read.append(sum(span.end - span.begin for span, _ in step[3]))
        return False

    fail(monkeypatch, "step", ValueError(), never)
    for number in (0, 1):
        loop.submit(reference.request(number, 60))
        loop.turn()
    return loop, seen, read


def test_rows_in_flight_wait_for_a_part_of_what_is_long_and_no_longer(reference, turn_by_turn):
    loop, seen, read = turn_by_turn
    rows = list(loop._flight.writing)
    seen.clear()
    read.clear()
    long = reference.request(SEVERAL, 3)
    loop.submit(long)
    turns = 0
    while long.row is None or not long.row.generated:
        before = [len(row.generated) for row in rows]
        loop.turn()
        turns += 1
        assert [len(row.generated) for row in rows] == [count + 1 for count in before]
    assert max(seen) <= _MOST
    assert max(read) <= _MOST
    assert turns >= 6 + 3, "its prompt in six parts, and its images before"
    assert run(loop)[long].tokens == reference.answer(SEVERAL, 3)


def test_who_comes_while_a_long_prompt_is_read_waits_for_it(reference, turn_by_turn):
    loop, _, read = turn_by_turn
    long, short = reference.request(SEVERAL, 9), reference.request(2, 5)
    submit(loop, long, short)
    said = run(loop)
    assert said[long].tokens == reference.answer(SEVERAL, 9)
    assert said[short].tokens == reference.answer(2, 5)
    assert max(read) <= _MOST


def test_a_long_prompt_that_is_cancelled_while_it_is_read_frees_all_that_it_had(reference, turn_by_turn):
    loop, _, read = turn_by_turn
    held = loop._flight.held_blocks
    long = reference.request(SEVERAL)
    loop.submit(long)
    while read.count(_MOST) < 2:
        loop.turn()
    assert loop._flight.held_blocks > 2 * held
    loop.cancel(long)
    said = run(loop)
    assert said[long].is_cancelled
    assert loop._flight.held_blocks == 0
