"""Rows take the cache by the block: as many fit as have room now, and the newest makes room for others."""

from functools import partial
from math import isnan
from typing import Any

import pytest
import torch

from tests.process.rolling.reference import SEVERAL, Reference, run, submit, turns
from tests.process.rolling.test_formats import FIELDS, asked, held_to, seen  # noqa: F401
from worker.engines.rolling.past.grouping import grouped
from worker.engines.rolling.pool import BLOCK_TOKENS, blocks_for
from worker.engines.rolling.rows import Request
from worker.engines.sampling import Sampling
from worker.engines.saying.aloud import Aloud
from worker.engines.saying.thinking import Thinking

#: Tokens of an answer here: rows come to need three blocks more than their prompts.
_LONG = 48


@pytest.fixture(scope="module")
def endless(reference) -> Reference:
    """A model whose answers end at their limits alone, so that rows grow."""
    return Reference(reference.model, frozenset(), reference.tensors, [])


def put_back(loop: Any) -> list[Request]:
    """Collects the requests that lose their rows."""
    lost: list[Request] = []
    add = loop._waiting.put_back

    def noted(request: Request) -> None:
        lost.append(request)
        add(request)

    loop._waiting.put_back = noted
    return lost


def alone(endless: Reference, number: int, **how: Any) -> tuple[int, ...]:
    loop, request = endless.loop(), endless.request(number, _LONG, **how)
    loop.submit(request)
    return run(loop)[request].tokens


def test_an_answer_that_may_be_long_takes_no_room_before_it_is(reference):
    """By the longest answers that they may have, there would be room for one of them."""
    loop = reference.loop(slots=4, budget_tokens=400)
    requests = [reference.request(n, 300) for n in range(4)]
    submit(loop, *requests)
    loop.turn()
    assert loop.in_flight == 4
    said = run(loop)
    assert [said[one].tokens for one in requests] == [reference.answer(n) for n in range(4)]


def test_the_budget_keeps_rows_out_that_have_no_room_for_their_prompts(reference):
    requests = [reference.request(n, 4) for n in range(6)]
    loop = reference.loop(slots=6, budget_tokens=160)
    submit(loop, *requests)
    most = 0
    for _ in turns(loop):
        most = max(most, loop.in_flight)
        assert loop._flight.held_blocks <= 160 // BLOCK_TOKENS
    assert most == 2


def test_where_no_block_is_left_the_newest_goes_on_later_with_what_it_has_said(endless):
    numbers = (0, 1, 3, SEVERAL, 4)
    expected = [alone(endless, n) for n in numbers]
    budget = 384 + 18 * BLOCK_TOKENS
    loop = endless.loop(slots=5, budget_tokens=budget)
    lost = put_back(loop)
    requests = [endless.request(n, _LONG, top_logprobs=1) for n in numbers]
    submit(loop, *requests)
    said: dict[Request, Any] = {}
    begun: dict[Request, int] = {}
    for outcomes in turns(loop):
        said |= {one.request: one for one in outcomes}
        begun |= {one: len(one.row.generated) for one in lost if one.row and one not in begun}
        assert loop._flight.held_blocks <= budget // BLOCK_TOKENS
    assert [said[one].tokens for one in requests] == expected
    assert requests[-1] in lost, "the newest"
    assert requests[0] not in lost, "the oldest goes on"
    assert max(begun.values()) > 16
    for one in said.values():
        assert len(one.logprobs) == len(list(one.choices)) == _LONG


def test_a_single_question_stays_where_one_of_a_batch_can_make_room(endless):
    loop = endless.loop(slots=3, budget_tokens=14 * BLOCK_TOKENS)
    lost = put_back(loop)
    bulk = [endless.request(n, _LONG) for n in range(2)]
    single = endless.request(3, _LONG, is_interactive=True)
    submit(loop, *bulk)
    loop.turn()
    loop.submit(single)
    run(loop)
    assert bulk[1] in lost
    assert single not in lost


@pytest.mark.parametrize("budget_blocks", [1, 7, 9])
def test_with_room_for_hardly_more_than_one_every_answer_is_right(endless, budget_blocks):
    drawn = [None, Sampling(8.0, 0.9, 3), None, Sampling(3.0, 1.0, 4)]
    expected = [alone(endless, n, sampling=how) for n, how in enumerate(drawn)]
    loop = endless.loop(slots=5, budget_tokens=budget_blocks * BLOCK_TOKENS)
    requests = [endless.request(n, _LONG, sampling=how) for n, how in enumerate(drawn)]
    submit(loop, *requests)
    said = run(loop)
    assert [said[one].tokens for one in requests] == expected


def test_a_row_that_was_put_back_holds_to_its_format_and_says_no_word_twice(engine, endless, seen):  # noqa: F811
    several = {"type": "array", "items": FIELDS, "minItems": 2}
    jobs = [asked(engine, seen, n, held_to(several, 60)) for n in range(4)]
    vocabulary = engine._conversation.vocabulary

    def answered(budget_tokens: int) -> tuple[list[Any], list[str], list[Request]]:
        pieces: list[list[Any]] = [[] for _ in jobs]
        loop = Reference(engine._model, engine._conversation.ends, [], []).loop(
            slots=4, budget_tokens=budget_tokens
        )
        lost = put_back(loop)
        requests = [
            loop.request(
                *(job.tensors, job.max_new_tokens),
                grammar=job.grammar,
                aloud=partial(Aloud, vocabulary, None, own.append, Thinking()),
                # All are about one image; what others have read would leave them more room.
                owner=str(number),
            )
            for number, (job, own) in enumerate(zip(jobs, pieces, strict=True))
        ]
        submit(loop, *requests)
        said = run(loop)
        return (
            [said[one].tokens for one in requests],
            ["".join(part.text for piece in own for part in piece()) for own in pieces],
            lost,
        )

    # All are admitted, and may have a block more each.
    blocks = sum(blocks_for(job.tensors["input_ids"].shape[1]) + 1 for job in jobs)
    roomy, cramped = answered(10_000), answered(blocks * BLOCK_TOKENS)
    assert not roomy[2]
    assert cramped[2]
    assert cramped[:2] == roomy[:2]


def test_rows_of_like_lengths_are_gathered_together():
    assert grouped([7, 7, 6, 6], most=100, spare=4) == [slice(0, 4)]
    assert grouped([90, 7, 6, 6], most=100, spare=4) == [slice(0, 1), slice(1, 4)]
    assert grouped([90, 90], most=100, spare=4) == [slice(0, 1), slice(1, 2)]
    assert grouped([500], most=100, spare=4) == [slice(0, 1)], "a row alone has what it has"


def test_what_is_no_number_in_a_row_spoils_none_beside_it_nor_the_next_in_its_blocks(reference):
    loop = reference.loop(slots=3)
    broken = dict(reference.tensors[SEVERAL])
    broken["pixel_values"] = torch.full_like(broken["pixel_values"], torch.nan)
    lost = loop.request(broken, 2)
    beside = [reference.request(n) for n in (0, 1)]
    submit(loop, lost, *beside)
    said = run(loop)
    assert all(map(isnan, said[lost].logprobs))
    assert [said[one].tokens for one in beside] == [reference.answer(n) for n in (0, 1)]
    after = [reference.request(n) for n in (2, 3, 4)]
    submit(loop, *after)
    said = run(loop)
    assert [said[one].tokens for one in after] == [reference.answer(n) for n in (2, 3, 4)]
