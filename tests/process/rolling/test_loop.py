"""Who is on the device, in which order, and for how long; every request ends."""

import itertools
from typing import Any

import pytest
import torch

from tests.clock import Clock
from tests.process.rolling.reference import LONGEST, SEVERAL, fail, failure_of, run, submit, turns
from worker.engines.company import Company
from worker.engines.rolling.admission import vision_pass
from worker.engines.rolling.families.known import family_of
from worker.engines.rolling.prefill import prefill
from worker.engines.rolling.rows import Request


def test_a_row_that_ends_is_answered_at_once_and_its_place_goes_to_the_next(reference):
    loop = reference.loop(slots=2)
    long, short, next_one = reference.request(0), reference.request(1, 2), reference.request(2, 2)
    submit(loop, long, short, next_one)
    order = [outcome.request for _ in range(60) for outcome in loop.turn()]
    assert order == [short, next_one, long]


def test_it_says_of_each_answer_whether_it_is_whole_or_cut(engine, reference, tensors):
    rolling = engine.rolling
    assert rolling is not None
    lengths = [len(answer) for answer in reference.alone]
    asked = [(n, most) for n in range(8) for most in (1, lengths[n] - 1, lengths[n], LONGEST) if most]
    requests = {}
    for number, most in asked:
        request = rolling._loop.request(tensors[number], most)
        requests[request] = (number, most)
        rolling.submit(request)
    said: dict[tuple[int, int], Any] = {}
    for _ in range(10_000):
        if rolling.is_idle:
            break
        said |= {requests[ended.request]: ended.outcome for ended in rolling.turn()}
    for number, most in asked:
        answer = said[number, most]
        # Its last token is the end token, which may be the last that is allowed.
        is_whole = most >= lengths[number] and reference.alone[number][-1] in reference.ends
        assert answer.finish_reason == ("stop" if is_whole else "length"), (number, most)
        assert answer.usage.output_tokens == min(most, lengths[number]) - is_whole
    assert {answer.finish_reason for answer in said.values()} == {"stop", "length"}


def test_who_comes_while_others_are_in_flight_has_a_word_with_the_next_step(reference):
    loop = reference.loop(slots=9)
    submit(loop, *(reference.request(n) for n in range(8)))
    loop.turn()
    late = reference.request(0, 1)
    loop.submit(late)
    assert [outcome.request for outcome in loop.turn()] == [late]


def test_single_questions_go_before_those_of_batches(reference):
    loop = reference.loop(slots=1)
    bulk = [reference.request(n, 2) for n in range(2)]
    single = reference.request(3, 2, is_interactive=True)
    submit(loop, *bulk, single)
    assert list(run(loop)) == [single, *bulk]


def test_beside_a_single_question_images_of_a_batch_are_read_for_a_part_of_the_time(reference):
    # Each look at the clock is a second later than the last: reading takes a few, and waiting more.
    ticks = itertools.count()
    loop = reference.loop(slots=8, timeout_s=100_000, clock=lambda: float(next(ticks)))
    bulk = [reference.request(n) for n in range(4)]
    single = reference.request(5, is_interactive=True)
    loop.submit(bulk[0])
    loop.turn()
    submit(loop, bulk[1], single)
    loop.turn()
    assert set(loop.on_device()) == {bulk[0], single}, "what is in flight goes on, and what is new waits"
    while bulk[1] not in loop.on_device():
        assert single in loop.on_device(), "it waits for a time, and not for the question's end"
        loop.turn()
    loop.submit(bulk[2])
    loop.cancel(single)
    loop.turn()
    assert bulk[2] in loop.on_device(), "nobody is waited for who asks no more"


def test_suspects_do_not_wait_for_single_questions(reference):
    ticks = itertools.count()
    loop = reference.loop(timeout_s=100_000, clock=lambda: float(next(ticks)))
    loop.submit(reference.request(0, 1, company=Company.SUSPECTS))
    loop.turn()
    suspect = reference.request(1, company=Company.SUSPECTS)
    submit(loop, reference.request(2, is_interactive=True), suspect)
    loop.turn()
    assert loop.on_device() == [suspect]


def test_what_was_in_two_crashes_is_on_the_device_alone(reference):
    loop = reference.loop()
    before, suspect, after = (
        reference.request(0, 6),
        reference.request(1, 6, company=Company.NOBODY),
        reference.request(2, 6),
    )
    submit(loop, before, suspect, after)
    company = set()
    for _ in turns(loop):
        if suspect in loop.on_device():
            company |= set(loop.on_device())
    assert company == {suspect}


def test_suspects_go_first_and_together_apart_from_innocents(reference):
    loop = reference.loop(slots=8)
    innocents = {reference.request(n, is_interactive=n == 1) for n in range(3)}
    suspects = {reference.request(n, company=Company.SUSPECTS) for n in range(3, 6)}
    for pair in zip(innocents, suspects, strict=True):
        submit(loop, *pair)
    seen: list[set[Request]] = []
    for _ in turns(loop):
        if loop.on_device() and set(loop.on_device()) not in seen[-1:]:
            seen.append(set(loop.on_device()))
    assert seen[0] == suspects
    assert all(some <= suspects or some <= innocents for some in seen)
    assert innocents in seen


def test_suspects_take_the_device_no_longer_than_a_fifth_more(reference):
    def steps(companies: list[Company]) -> int:
        """Turns that take all requests to their ends; each is a step of the device."""
        loop = reference.loop(slots=8)
        submit(loop, *(reference.request(n % 8, company=company) for n, company in enumerate(companies)))
        return sum(1 for _ in turns(loop))

    undisturbed = steps([Company.INNOCENTS] * 64)
    assert steps([Company.SUSPECTS, Company.INNOCENTS] * 32) <= 1.2 * undisturbed


def test_images_that_wait_are_seen_with_one_that_has_a_place(reference):
    first, *others = [reference.request(n) for n in range(5)]
    limit = first.prompt_tokens + sum(other.prompt_tokens for other in others[:2])
    assert vision_pass([first], others, limit) == [first, *others[:2]]
    single = reference.request(0, is_interactive=True)
    assert vision_pass([single], others, limit) == [single], "a person does not wait for the images of others"


def test_those_whose_images_are_seen_ahead_are_on_the_device_while_they_are(reference, monkeypatch):
    """One of them may be the reason why the device hangs."""
    loop = reference.loop(slots=1)
    requests = [reference.request(n, 2) for n in range(3)]
    there = []

    def note(*_: Any) -> bool:
        there.append(loop.on_device())
        return False

    fail(monkeypatch, "prefill", ValueError(), note)
    submit(loop, *requests)
    loop.turn()
    assert there == [requests]
    assert loop.on_device() == requests[:1]


@pytest.mark.parametrize("company", Company)
def test_an_image_is_seen_with_those_of_its_company(reference, company):
    first, alike, *others = [
        reference.request(n, company=of) for n, of in enumerate((company, company, *Company))
    ]
    expected = [alike, *(one for one in others if one.company is company)] * (company is not Company.NOBODY)
    assert vision_pass([first], [alike, *others], 10_000) == [first, *expected]


def test_a_row_past_its_deadline_fails_and_the_others_go_on(reference):
    clock = Clock(0)
    loop = reference.loop(timeout_s=10, clock=clock)
    late, later = reference.request(0), reference.request(2)
    loop.submit(late)
    loop.turn()
    clock.now_s = 5
    loop.submit(later)
    loop.turn()
    clock.now_s = 10
    said = run(loop)
    assert failure_of(said[late]).code == "deadline_exceeded"
    assert said[late].device_s == 10
    assert said[later].tokens == reference.answer(2)


def test_what_the_device_does_for_several_is_divided_among_them(reference):
    ticks = itertools.count()
    # Each look at the clock is a second later than the last: all that the device does takes one.
    loop = reference.loop(slots=2, timeout_s=10_000, clock=lambda: float(next(ticks)))
    one, other = (reference.request(n, 3) for n in range(2))
    loop.submit(one)
    loop.turn()
    assert one.own_s == 1 + 1, "its image, and the step with its first token"
    loop.submit(other)
    run(loop)
    assert one.own_s == 1 + 1 + 2 / 2
    assert other.own_s == 1 + 2 / 2 + 1


def test_time_in_the_line_does_not_count(reference):
    clock = Clock(0)
    loop = reference.loop(slots=1, timeout_s=10, clock=clock)
    request = reference.request(0)
    loop.submit(request)
    clock.now_s = 1000
    assert run(loop)[request].tokens == reference.answer(0)


@pytest.mark.parametrize("most_tokens", [1, 100, 10_000])
def test_what_is_seen_of_each_image_stands_at_its_place_in_the_prompt(engine, reference, most_tokens):
    """Whether the images of all requests are seen one by one, some together, or all at once."""
    requests = [reference.request(number) for number in (SEVERAL, 0, SEVERAL - 1)]
    model = engine._model
    with torch.inference_mode():
        while waiting := [request for request in requests if request.prompt is None]:
            prefill(family_of(model), waiting, most_tokens)
        for request in requests:
            ids, grids = request.tensors["input_ids"][0], request.tensors["image_grid_thw"]
            patches = request.tensors["pixel_values"].split(grids.prod(dim=1).tolist())
            alone = [
                model.model.get_image_features(pixels, grid, return_dict=True).pooler_output[0]
                for pixels, grid in zip(patches, grids.split(1), strict=True)
            ]
            assert not any(torch.equal(*two) for two in itertools.combinations(alone, 2))
            assert request.prompt is not None
            places = request.prompt.embedded[ids == model.config.image_token_id]
            torch.testing.assert_close(places, torch.cat(alone))


def test_a_short_row_keeps_what_it_has_read_beside_one_of_several_images_and_after_it(reference):
    loop = reference.loop(slots=2)
    short, long = reference.request(0), reference.request(SEVERAL, 3)
    submit(loop, long, short)
    said = run(loop)
    assert said[short].tokens == reference.answer(0)
    assert said[long].tokens == reference.answer(SEVERAL, 3)
