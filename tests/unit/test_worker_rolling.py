"""The rolling batch: what else is in flight changes no answer, and every request comes to an end."""

import random

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.catalog import NANO
from jobs.models import Options
from jobs.settings import WorkerSettings
from tests.clock import Clock
from tests.drawing import random_scene
from tests.preparing import prepare
from worker.engines import create_engine
from worker.engines.rolling import loop as loop_module
from worker.engines.rolling.admission import Budget, Waiting, cost
from worker.engines.rolling.loop import RollingLoop, can_roll
from worker.engines.rolling.rows import Request

QUESTIONS = ("Describe this image.", "描述这张图片的内容和颜色", "How many shapes are there?")
#: A limit that every test's longest answer stays below.
LONGEST = 24


@pytest.fixture(scope="module")
def engine():
    made = create_engine(NANO, WorkerSettings(dtype="float32", device="cpu"))
    made.load()
    return made


@pytest.fixture(scope="module")
def prompts(engine):
    """Tensors of images of mixed sizes and questions, and the longest answer to each, asked for alone."""
    rng = random.Random(11)
    made = []
    for number in range(8):
        image = random_scene(rng, shapes=1 + number % 3).draw(rng.randint(130, 900), rng.randint(130, 900))
        tensors = prepare(engine, image, QUESTIONS[number % 3], Options(max_new_tokens=LONGEST)).tensors
        made.append((tensors, alone(engine, tensors)))
    assert len({tensors["input_ids"].shape[1] for tensors, _ in made}) > 3
    assert len({len(answer) for _, answer in made}) > 2
    return made


def alone(engine, tensors) -> tuple[int, ...]:
    out = engine._model.generate(**tensors, max_new_tokens=LONGEST)
    return tuple(out[0, tensors["input_ids"].shape[1] :].tolist())


def rolling(engine, *, slots=4, budget_tokens=10_000, timeout_s=60.0, clock=None) -> RollingLoop:
    return RollingLoop(
        engine._model,
        engine._ends,
        slots=slots,
        budget_tokens=budget_tokens,
        timeout_s=timeout_s,
        clock=clock or Clock(0),
    )


def run(loop: RollingLoop) -> dict[Request, object]:
    outcomes = {}
    while not loop.is_idle:
        outcomes |= {outcome.request: outcome for outcome in loop.turn()}
    return outcomes


def ask(prompts, number: int, longest: int = LONGEST, **how) -> Request:
    return Request(prompts[number][0], longest, **how)


ARRIVALS = st.lists(
    st.tuples(
        st.integers(0, 7), st.integers(1, LONGEST), st.integers(0, 12), st.booleans(), st.integers(0, 60)
    ),
    min_size=1,
    max_size=10,
)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(ARRIVALS, st.integers(1, 5), st.sampled_from([150, 400, 10_000]))
def test_whatever_else_is_in_flight_an_answer_is_the_one_given_alone(
    engine, prompts, arrivals, slots, budget
):
    loop = rolling(engine, slots=slots, budget_tokens=budget)
    asked = [
        (ask(prompts, n, most, is_interactive=first), n, at, off) for n, most, at, first, off in arrivals
    ]
    outcomes = []
    for turn in range(400):
        for request, _, at, _ in asked:
            if turn == at:
                loop.submit(request)
        for request, _, at, off in asked:
            if turn == max(at, off) and off < 20:
                loop.cancel(request)
        outcomes += loop.turn()
    assert loop.is_idle
    assert len(outcomes) == len(asked)
    said = {outcome.request: outcome for outcome in outcomes}
    for request, number, _, off in asked:
        if not said[request].is_cancelled:
            assert said[request].tokens == prompts[number][1][: request.max_new_tokens]
        else:
            assert off < 20


def test_a_row_that_ends_is_answered_at_once_and_its_place_goes_to_the_next(engine, prompts):
    loop = rolling(engine, slots=2)
    long, short, next_one = ask(prompts, 0), ask(prompts, 1, 2), ask(prompts, 2, 2)
    for request in (long, short, next_one):
        loop.submit(request)
    order = [outcome.request for _ in range(60) for outcome in loop.turn()]
    assert order == [short, next_one, long]


def test_single_questions_go_before_those_of_batches(engine, prompts):
    loop = rolling(engine, slots=1)
    bulk = [ask(prompts, n, 2) for n in range(2)]
    single = ask(prompts, 3, 2, is_interactive=True)
    for request in (*bulk, single):
        loop.submit(request)
    assert list(run(loop)) == [single, *bulk]


def test_a_row_past_its_deadline_fails_and_the_others_go_on(engine, prompts):
    clock = Clock(0)
    loop = rolling(engine, timeout_s=10, clock=clock)
    late, later = ask(prompts, 0), ask(prompts, 2)
    loop.submit(late)
    loop.turn()
    clock.now_s = 5
    loop.submit(later)
    loop.turn()
    clock.now_s = 10
    said = run(loop)
    assert said[late].failure.code == "deadline_exceeded"
    assert said[later].tokens == prompts[2][1]


def test_time_in_the_line_does_not_count(engine, prompts):
    clock = Clock(0)
    loop = rolling(engine, slots=1, timeout_s=10, clock=clock)
    request = ask(prompts, 0)
    loop.submit(request)
    clock.now_s = 1000
    assert run(loop)[request].tokens == prompts[0][1]


def test_the_budget_keeps_rows_out_that_would_not_fit(engine, prompts):
    requests = [ask(prompts, n, 4) for n in range(6)]
    loop = rolling(engine, slots=6, budget_tokens=cost(requests) // 2)
    for request in requests:
        loop.submit(request)
    most = 0
    while not loop.is_idle:
        loop.turn()
        most = max(most, loop.in_flight)
    assert 1 <= most <= 3


@pytest.mark.parametrize("where", ["prefill", "step"])
def test_when_memory_is_out_the_newest_run_again_and_every_answer_is_right(
    engine, prompts, monkeypatch, where
):
    """The allocator is made to fail when more than two rows are at work."""
    loop = rolling(engine, slots=4)
    _fail_allocations(monkeypatch, where, lambda: loop.in_flight >= 2 + (where == "step"))
    requests = [ask(prompts, n) for n in range(5)]
    for request in requests:
        loop.submit(request)
    said = run(loop)
    assert [said[request].tokens for request in requests] == [prompts[n][1] for n in range(5)]
    assert loop.budget.tokens < 10_000


@pytest.mark.parametrize("where", ["prefill", "step"])
def test_an_image_that_does_not_fit_alone_fails_and_the_loop_lives(engine, prompts, monkeypatch, where):
    loop = rolling(engine)
    with monkeypatch.context() as patch:
        _fail_allocations(patch, where, lambda: True)
        request = ask(prompts, 0)
        loop.submit(request)
        assert run(loop)[request].failure.code == "out_of_memory"
    again = ask(prompts, 0)
    loop.submit(again)
    assert run(loop)[again].tokens == prompts[0][1]


def _fail_allocations(monkeypatch, where, is_full):
    work = getattr(loop_module, where)

    def fail(*arguments):
        if is_full():
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return work(*arguments)

    monkeypatch.setattr(loop_module, where, fail)


def test_another_error_is_not_taken_for_a_lack_of_memory(engine, prompts, monkeypatch):
    monkeypatch.setattr(loop_module, "step", lambda *_: (_ for _ in ()).throw(RuntimeError("broken")))
    loop = rolling(engine)
    loop.submit(ask(prompts, 0))
    with pytest.raises(RuntimeError, match="broken"):
        run(loop)


def test_it_knows_which_models_it_can_run(engine):
    assert can_roll(engine._model.config)


def test_requests_cost_their_count_times_the_largest(prompts):
    small, large = ask(prompts, 0, 1), ask(prompts, 0, 100)
    assert cost([small, large]) == 2 * large.reserved_tokens
    assert Budget(1).admits([], large)
    assert not Budget(cost([small, large]) - 1).admits([small], large)


def test_what_was_given_up_is_first_in_its_line(prompts):
    line = Waiting()
    first, second = ask(prompts, 0), ask(prompts, 1)
    line.add(first)
    line.put_back(second)
    assert line.first() is second
