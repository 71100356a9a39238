"""Rows take the cache by the block: as many fit as have room now, and the newest makes room for the others."""

import pytest

from jobs.contract.models import Options
from tests.process.rolling.reference import LONGEST, SEVERAL, fail, run, submit, turns
from worker.engines.rolling.grouping import grouped
from worker.engines.rolling.pool import BLOCK_TOKENS, blocks_for
from worker.engines.rolling.rows import Request
from worker.engines.sampling import Sampling


def put_back(loop) -> list[Request]:
    """Collects the requests that lose their rows and have them no more."""
    lost: list[Request] = []
    add = loop._waiting.put_back
    loop._waiting.put_back = lambda request: (lost.append(request), add(request))
    return lost


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


def test_where_no_block_is_left_the_newest_goes_on_later_with_what_it_has_said(reference):
    numbers = [0, 1, 3, 4]
    steps = {}
    # With room for all prompts and a block more for each, but not for all answers.
    prompts = sum(blocks_for(reference.request(n).prompt_tokens + LONGEST) for n in numbers)
    for budget in (prompts - 1, 1000):
        loop = reference.loop(slots=4, budget_tokens=budget * BLOCK_TOKENS)
        lost = put_back(loop)
        requests = [reference.request(n) for n in numbers]
        submit(loop, *requests)
        before = {}
        said, steps[budget] = {}, 0
        for outcomes in turns(loop):
            steps[budget] += 1
            said |= {one.request: one for one in outcomes}
            for request in lost:
                before.setdefault(request, list(request.row.generated) if request.row else [])
        assert [said[one].tokens for one in requests] == [reference.answer(n) for n in numbers]
        assert all(len(one.tokens) == len(one.logprobs) for one in said.values())
    print(steps, before)


@pytest.mark.parametrize("budget_tokens", [1, 96, 128, 176])
def test_with_little_room_every_answer_is_right_and_nothing_waits_for_ever(reference, budget_tokens):
    loop = reference.loop(slots=5, budget_tokens=budget_tokens)
    how = [None, Sampling(8.0, 0.9, 3), None, Sampling(3.0, 1.0, 4), None, None]
    alone = [run_alone(reference, n, sampling=own) for n, own in zip([*range(5), SEVERAL], how, strict=True)]
    requests = [
        reference.request(n, sampling=own) for n, own in zip([*range(5), SEVERAL], how, strict=True)
    ]
    submit(loop, *requests)
    said = run(loop)
    assert [said[one].tokens for one in requests] == alone


def run_alone(reference, number: int, **how):
    loop = reference.loop()
    request = reference.request(number, **how)
    loop.submit(request)
    return run(loop)[request].tokens


def test_rows_of_like_lengths_are_gathered_together():
    assert grouped([7, 7, 6, 6], most=100, spare=4) == [slice(0, 4)]
    assert grouped([90, 7, 6, 6], most=100, spare=4) == [slice(0, 1), slice(1, 4)]
    assert grouped([90, 90], most=100, spare=4) == [slice(0, 1), slice(1, 2)]
    assert grouped([500], most=100, spare=4) == [slice(0, 1)], "a row alone has what it has"
