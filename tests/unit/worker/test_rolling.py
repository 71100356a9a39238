"""The rolling batch: what else is in flight changes no answer, and every request comes to an end."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

from jobs.contract.catalog import NANO
from jobs.contract.errors import Eva01Error
from jobs.contract.models import Options
from jobs.contract.settings import WorkerSettings
from tests.clock import Clock
from tests.drawing import random_scene
from tests.preparing import prepare
from worker.engines import create_engine
from worker.engines.base import DeviceLost
from worker.engines.rolling import loop as loop_module
from worker.engines.rolling.admission import Budget, Waiting, cost, vision_pass
from worker.engines.rolling.loop import RollingLoop
from worker.engines.rolling.rows import Outcome, Request
from worker.engines.rolling.setup import bytes_per_token, create_loop, why_static
from worker.engines.transformers_engine import TransformersEngine

QUESTIONS = ("Describe this image.", "描述这张图片的内容和颜色", "How many shapes are there?")
#: A limit that every test's longest answer stays below.
LONGEST = 24
SETTINGS = WorkerSettings(dtype="float32", device="cpu")


def loaded() -> TransformersEngine:
    made = create_engine(NANO, SETTINGS)
    assert isinstance(made, TransformersEngine)
    made.load()
    return made


@pytest.fixture(scope="module")
def engine() -> TransformersEngine:
    return loaded()


@pytest.fixture(scope="module")
def tensors(engine) -> list[Any]:
    """Of images of mixed sizes and questions."""
    rng = random.Random(11)
    made = []
    for number in range(8):
        image = random_scene(rng, shapes=1 + number % 3).draw(rng.randint(130, 900), rng.randint(130, 900))
        question, longest = QUESTIONS[number % 3], Options(max_new_tokens=LONGEST)
        made.append(prepare(engine, image, question, longest).tensors)
    assert len({one["input_ids"].shape[1] for one in made}) > 3
    return made


@dataclass
class World:
    """A model, what it can be asked, and what it says to that when asked alone."""

    model: Any
    ends: frozenset[int]
    tensors: list[Any]
    alone: list[tuple[int, ...]]

    @classmethod
    def of(cls, model: Any, ends: frozenset[int], tensors: list[Any]) -> "World":
        return cls(model, ends, tensors, [_alone(model, one) for one in tensors])

    def loop(
        self, *, slots=4, budget_tokens=10_000, prefill_tokens=512, timeout_s=60.0, clock=None
    ) -> RollingLoop:
        return RollingLoop(
            self.model,
            self.ends,
            rows=slots,
            budget_tokens=budget_tokens,
            prefill_tokens=prefill_tokens,
            timeout_s=timeout_s,
            clock=clock or Clock(0),
        )

    def ask(self, number: int, longest: int = LONGEST, **how: bool) -> Request:
        return self.loop().request(self.tensors[number], longest, **how)

    def right(self, number: int, longest: int = LONGEST) -> tuple[int, ...]:
        return self.alone[number][:longest]


def _alone(model: Any, tensors: Any) -> tuple[int, ...]:
    out = model.generate(**tensors, max_new_tokens=LONGEST)
    return tuple(out[0, tensors["input_ids"].shape[1] :].tolist())


@pytest.fixture(scope="module")
def world(engine, tensors) -> World:
    made = World.of(engine._model, engine._ends, tensors)
    assert len({len(answer) for answer in made.alone}) > 2
    return made


def run(loop: RollingLoop) -> dict[Request, Outcome]:
    return {outcome.request: outcome for outcomes in turns(loop) for outcome in outcomes}


def failure_of(outcome: Outcome) -> Eva01Error:
    assert outcome.failure is not None
    return outcome.failure


def turns(loop: RollingLoop) -> Iterator[Sequence[Outcome]]:
    """Take turns until nothing is left to do, but not for ever."""
    for _ in range(10_000):
        if loop.is_idle:
            return
        yield loop.turn()
    raise AssertionError("10,000 turns, and it is not idle")


def submit(loop: RollingLoop, *requests: Request) -> None:
    for request in requests:
        loop.submit(request)


ARRIVALS = st.lists(
    st.tuples(
        st.integers(0, 7),
        st.integers(1, LONGEST),
        st.integers(0, 12),
        st.booleans(),
        st.booleans(),
        st.integers(0, 60),
    ),
    min_size=1,
    max_size=10,
)


def assert_each_answer_is_the_one_given_alone(world: World, arrivals, **how: int) -> None:
    """Request n comes at turn `at`, and is cancelled at turn `off` if that is early."""
    loop = world.loop(**how)
    asked = [
        (world.ask(n, most, is_interactive=first, is_alone=alone), n, at, off)
        for n, most, at, first, alone, off in arrivals
    ]
    outcomes = []
    for turn in range(500):
        for request, _, at, off in asked:
            if turn == at:
                loop.submit(request)
            if turn == max(at, off) and off < 20:
                loop.cancel(request)
        outcomes += loop.turn()
    assert loop.is_idle
    assert len(outcomes) == len(asked)
    said = {outcome.request: outcome for outcome in outcomes}
    for request, number, _, off in asked:
        if said[request].is_cancelled:
            assert off < 20
        else:
            assert said[request].tokens == world.right(number, request.max_new_tokens)


@pytest.mark.timeout(400)  # many runs of a model: on a busy machine it takes minutes
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(ARRIVALS, st.integers(1, 5), st.sampled_from([150, 400, 10_000]), st.sampled_from([1, 100, 512]))
def test_whatever_else_is_in_flight_an_answer_is_the_one_given_alone(
    world, arrivals, slots, budget, prefill_tokens
):
    assert_each_answer_is_the_one_given_alone(
        world, arrivals, slots=slots, budget_tokens=budget, prefill_tokens=prefill_tokens
    )


#: Jobs that come at different times with limits of different lengths.
MIXED = [(n % 8, 1 + 7 * n % LONGEST, n % 5, n % 3 == 0, False, 60) for n in range(12)]


def test_a_models_repetition_penalty_is_that_of_generate(tensors):
    made = loaded()
    before = [_alone(made._model, one) for one in tensors]
    made._model.generation_config.repetition_penalty = 1.7
    world = World.of(made._model, made._ends, tensors)
    assert world.alone != before, "so that the penalty matters"
    assert_each_answer_is_the_one_given_alone(world, MIXED)


def test_a_qwen2_vl_rolls_as_well(tensors):
    model = _qwen2_vl()
    assert why_static(model, SETTINGS) is None
    create_loop(model, (), 4, SETTINGS)
    world = World.of(model, frozenset(), tensors)
    assert len(set(world.alone)) > 4, "so that answers can be told apart"
    assert_each_answer_is_the_one_given_alone(world, MIXED)


def _qwen2_vl() -> Any:
    torch.manual_seed(5)
    ids = loaded()._model.config
    config = Qwen2VLConfig(
        text_config={
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "vocab_size": ids.text_config.vocab_size,
            "bos_token_id": None,
            "eos_token_id": None,
            "rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 1e4},
        },
        vision_config={"embed_dim": 32, "depth": 2, "num_heads": 2, "hidden_size": 64},
        image_token_id=ids.image_token_id,
        vision_start_token_id=ids.vision_start_token_id,
        vision_end_token_id=ids.vision_end_token_id,
        video_token_id=ids.video_token_id,
    )
    model = Qwen2VLForConditionalGeneration(config).eval().float()
    # Random weights are near zero, and then all answers are the same.
    for weights in model.parameters():
        weights.data *= 4
    model.generation_config.do_sample = False
    return model


def test_a_row_that_ends_is_answered_at_once_and_its_place_goes_to_the_next(world):
    loop = world.loop(slots=2)
    long, short, next_one = world.ask(0), world.ask(1, 2), world.ask(2, 2)
    submit(loop, long, short, next_one)
    order = [outcome.request for _ in range(60) for outcome in loop.turn()]
    assert order == [short, next_one, long]


def test_it_says_of_each_answer_whether_it_is_whole_or_cut(engine, world, tensors):
    rolling = engine.rolling
    assert rolling is not None
    lengths = [len(answer) for answer in world.alone]
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
        is_whole = most >= lengths[number] and world.alone[number][-1] in world.ends
        assert answer.finish_reason == ("stop" if is_whole else "length"), (number, most)
        assert answer.usage.output_tokens == min(most, lengths[number]) - is_whole
    assert {answer.finish_reason for answer in said.values()} == {"stop", "length"}


def test_who_comes_while_others_are_in_flight_has_a_word_with_the_next_step(world):
    loop = world.loop(slots=9)
    submit(loop, *(world.ask(n) for n in range(8)))
    loop.turn()
    late = world.ask(0, 1)
    loop.submit(late)
    assert [outcome.request for outcome in loop.turn()] == [late]


def test_single_questions_go_before_those_of_batches(world):
    loop = world.loop(slots=1)
    bulk = [world.ask(n, 2) for n in range(2)]
    single = world.ask(3, 2, is_interactive=True)
    submit(loop, *bulk, single)
    assert list(run(loop)) == [single, *bulk]


def test_a_suspect_is_on_the_device_alone(world):
    loop = world.loop()
    before, suspect, after = world.ask(0, 6), world.ask(1, 6, is_alone=True), world.ask(2, 6)
    submit(loop, before, suspect, after)
    company = set()
    for _ in turns(loop):
        if suspect in loop.on_device():
            company |= set(loop.on_device())
    assert company == {suspect}


def test_new_prompts_of_one_turn_stay_within_their_limit(world):
    loop = world.loop(slots=8, prefill_tokens=100)
    submit(loop, *(world.ask(n) for n in range(8)))
    grown = []
    before: set[Request] = set()
    for _ in turns(loop):
        grown.append([request for request in loop.on_device() if request not in before])
        before = set(loop.on_device())
        if loop.in_flight == 8:
            break
    assert all(len(new) == 1 or sum(one.prompt_tokens for one in new) <= 100 for new in grown)
    assert len(grown) > 2


def test_images_that_wait_are_seen_with_one_that_has_a_place(world):
    first, *others = [world.ask(n) for n in range(5)]
    limit = first.prompt_tokens + sum(other.prompt_tokens for other in others[:2])
    assert vision_pass([first], others, limit) == [first, *others[:2]]
    single = world.ask(0, is_interactive=True)
    assert vision_pass([single], others, limit) == [single], "a person does not wait for the images of others"


def test_those_whose_images_are_seen_ahead_are_on_the_device_while_they_are(world, monkeypatch):
    """One of them may be why the device does not come back."""
    loop = world.loop(slots=1)
    requests = [world.ask(n, 2) for n in range(3)]
    there = []

    def note(*_: Any) -> bool:
        there.append(loop.on_device())
        return False

    fail(monkeypatch, "prefill", ValueError(), note)
    submit(loop, *requests)
    loop.turn()
    assert there == [requests]
    assert loop.on_device() == requests[:1]


def test_the_image_of_a_suspect_is_seen_alone(world):
    suspect, *others = [world.ask(0, is_alone=True), *(world.ask(n) for n in range(1, 4))]
    assert vision_pass([suspect], others, 10_000) == [suspect]


def test_a_row_past_its_deadline_fails_and_the_others_go_on(world):
    clock = Clock(0)
    loop = world.loop(timeout_s=10, clock=clock)
    late, later = world.ask(0), world.ask(2)
    loop.submit(late)
    loop.turn()
    clock.now_s = 5
    loop.submit(later)
    loop.turn()
    clock.now_s = 10
    said = run(loop)
    assert failure_of(said[late]).code == "deadline_exceeded"
    assert said[late].device_s == 10
    assert said[later].tokens == world.right(2)


def test_time_in_the_line_does_not_count(world):
    clock = Clock(0)
    loop = world.loop(slots=1, timeout_s=10, clock=clock)
    request = world.ask(0)
    loop.submit(request)
    clock.now_s = 1000
    assert run(loop)[request].tokens == world.right(0)


def test_the_budget_keeps_rows_out_that_would_not_fit(world):
    requests = [world.ask(n, 4) for n in range(6)]
    loop = world.loop(slots=6, budget_tokens=cost(requests) // 2)
    submit(loop, *requests)
    most = 0
    for _ in turns(loop):
        most = max(most, loop.in_flight)
    assert 1 <= most <= 3


# Errors


def fail(monkeypatch, where: str, error: Exception, when: Callable[..., bool]) -> None:
    """Make the prefill or the step fail when `when`, which is given what it is called with, says so."""
    work = getattr(loop_module, where)

    def work_or_fail(*arguments):
        if when(*arguments):
            raise error
        return work(*arguments)

    monkeypatch.setattr(loop_module, where, work_or_fail)


FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


@pytest.mark.parametrize(
    "error", [FULL, RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")]
)
@pytest.mark.parametrize("where", ["prefill", "step"])
def test_when_memory_is_out_the_newest_run_again_and_every_answer_is_right(world, monkeypatch, where, error):
    """The allocator fails when more than two are at work."""
    loop = world.loop(slots=4)
    fail(monkeypatch, where, error, lambda *_: len(loop.on_device()) > 2)
    requests = [world.ask(n) for n in range(5)]
    submit(loop, *requests)
    said = run(loop)
    assert [said[request].tokens for request in requests] == [world.right(n) for n in range(5)]
    assert loop.budget.tokens < 10_000


def test_when_images_do_not_fit_together_they_are_seen_one_by_one(world, monkeypatch):
    loop = world.loop(slots=1)
    fail(monkeypatch, "prefill", FULL, lambda _, requests: len(requests) > 1)
    requests = [world.ask(n) for n in range(4)]
    submit(loop, *requests)
    said = run(loop)
    assert [said[request].tokens for request in requests] == [world.right(n) for n in range(4)]


@pytest.mark.parametrize("where", ["prefill", "step"])
def test_an_image_that_does_not_fit_alone_fails_and_the_loop_lives(world, monkeypatch, where):
    loop = world.loop()
    with monkeypatch.context() as patch:
        fail(patch, where, FULL, lambda *_: True)
        request = world.ask(0)
        loop.submit(request)
        assert failure_of(run(loop)[request]).code == "out_of_memory"
    again = world.ask(0)
    loop.submit(again)
    assert run(loop)[again].tokens == world.right(0)


def test_only_the_image_on_which_the_model_fails_has_no_answer(world, monkeypatch):
    loop = world.loop(slots=3)
    requests = [world.ask(n) for n in range(6)]
    fail(monkeypatch, "prefill", ValueError("poisoned"), lambda _, pack: requests[3] in pack)
    submit(loop, *requests)
    said = run(loop)
    assert [failure.code for one in requests if (failure := said[one].failure)] == ["engine_failed"]
    assert "poisoned" in failure_of(said[requests[3]]).message
    right = [world.right(n) if n != 3 else () for n in range(6)]
    assert [said[request].tokens for request in requests] == right


def test_a_lost_device_is_the_end(world, monkeypatch):
    loop = world.loop()
    fail(monkeypatch, "step", torch.AcceleratorError("unspecified launch failure"), lambda *_: True)
    submit(loop, world.ask(0), world.ask(1))
    with pytest.raises(DeviceLost, match="unspecified launch failure"):
        loop.turn()


# Which models


def test_it_knows_which_models_it_can_run_and_says_why_not(world):
    assert why_static(world.model, SETTINGS) is None
    assert why_static(world.model, WorkerSettings(batching="static")) == "EVA01_BATCHING=static"


def test_what_generate_would_do_besides_is_not_left_out(engine, monkeypatch):
    monkeypatch.setattr(engine._model.generation_config, "no_repeat_ngram_size", 3)
    assert why_static(engine._model, SETTINGS) == "its generation_config.json sets no_repeat_ngram_size"


def test_a_token_costs_a_key_and_a_value_in_every_layer(world):
    text = world.model.config.text_config
    width = text.hidden_size // text.num_attention_heads
    assert bytes_per_token(world.model) == 8 * text.num_hidden_layers * text.num_key_value_heads * width


def test_requests_cost_their_count_times_the_largest(world):
    small, large = world.ask(0, 1), world.ask(0, 100)
    assert cost([small, large]) == 2 * large.reserved_tokens
    assert Budget(1).admits([], large)
    assert not Budget(cost([small, large]) - 1).admits([small], large)


def test_what_was_given_up_is_first_in_its_line(world):
    line = Waiting()
    first, second = world.ask(0), world.ask(1)
    line.add(first)
    line.put_back(second)
    assert line.first() is second
