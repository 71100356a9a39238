"""Batching: which images go together, and that every slot gets its own answer whatever happens."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import EngineFailure
from tests.stub_engine import LOSE_DEVICE, POISON, TOO_FEW, Sized, StubEngine
from worker.batcher import Batcher, GivenBack
from worker.batching import size_of_next_batch


def item(question: str, width: int = 10) -> Sized:
    return Sized((width, 1), question, width)


class Harness:
    """A batcher whose device is held until all items are waiting."""

    def __init__(self, *, budget: int = 10_000, fits: int = 1000, max_batch: int = 64) -> None:
        self.engine = StubEngine(fits=fits, max_batch=max_batch)
        self.crashed = threading.Event()
        self.batcher = Batcher(self.engine, "stub", budget, on_crash=self.crashed.set)
        self.batcher.start()

    def outcomes(self, items: list[Sized]) -> list[str]:
        """What each slot hears when all wait at once: an answer's text, or an error's code or class."""
        self.engine.may_go_on.clear()
        first = self.batcher.submit(item("first"))
        while not self.engine.batches:
            threading.Event().wait(0.001)
        futures = [self.batcher.submit(one) for one in items]
        self.engine.may_go_on.set()
        assert first.result(10).text == "(10, 1) first"
        return [self.outcome(future) for future in futures]

    @staticmethod
    def outcome(future) -> str:
        error = future.exception(10)
        if error is None:
            return future.result().text
        return error.code if isinstance(error, EngineFailure) else type(error).__name__


@pytest.fixture
def harness():
    made = []

    def make(**how):
        made.append(Harness(**how))
        return made[-1]

    yield make
    for one in made:
        one.batcher.give_back()


def test_a_batch_holds_as_many_as_the_budget_allows():
    assert size_of_next_batch([100] * 20, budget_tokens=1000, max_batch=64) == 10


def test_a_batch_costs_its_count_times_its_largest():
    assert size_of_next_batch([10, 10, 10, 900], budget_tokens=1000, max_batch=64) == 3


def test_an_image_larger_than_the_budget_goes_alone():
    assert size_of_next_batch([5000, 1, 1], budget_tokens=1000, max_batch=64) == 1


def test_nothing_waiting_is_no_batch():
    assert size_of_next_batch([], budget_tokens=1000, max_batch=64) == 0


@given(st.lists(st.integers(1, 5000), max_size=80), st.integers(1, 20_000), st.integers(1, 64))
def test_a_batch_is_never_empty_never_too_large_and_never_smaller_than_it_could_be(costs, budget, most):
    count = size_of_next_batch(costs, budget, most)
    assert (count > 0) == bool(costs)
    assert count <= most
    assert count <= 1 or count * max(costs[:count]) <= budget
    could_grow = count < min(len(costs), most)
    assert not could_grow or (count + 1) * max(costs[: count + 1]) > budget


def test_every_slot_gets_the_answer_to_its_own_image(harness):
    made = harness()
    items = [item(f"q{n}", width=n + 1) for n in range(20)]
    assert made.outcomes(items) == [f"({n + 1}, 1) q{n}" for n in range(20)]
    assert len(made.engine.batches) == 2, "all that waited went together"


def test_images_that_wait_go_together_within_the_budget_and_in_order(harness):
    made = harness(budget=40)
    made.outcomes([item(f"q{n}") for n in range(10)])
    assert made.engine.batches[1:] == [["q0", "q1", "q2", "q3"], ["q4", "q5", "q6", "q7"], ["q8", "q9"]]


def test_only_the_culprit_of_a_batch_fails(harness):
    said = harness().outcomes([item("a"), item("b"), item(POISON), item("c"), item("d")])
    assert said == ["(10, 1) a", "(10, 1) b", "engine_failed", "(10, 1) c", "(10, 1) d"]


def test_two_culprits_fail_and_the_others_do_not(harness):
    questions = [POISON if n in (3, 6) else f"q{n}" for n in range(8)]
    said = harness().outcomes([item(question) for question in questions])
    assert [n for n, text in enumerate(said) if text == "engine_failed"] == [3, 6]


def test_too_few_answers_are_never_given_to_the_wrong_image(harness):
    said = harness().outcomes([item("a"), item(TOO_FEW), item("b")])
    assert said == ["(10, 1) a", "engine_failed", "(10, 1) b"]


def test_the_message_names_both_counts_when_answers_are_missing(harness):
    future = harness().batcher.submit(item(TOO_FEW))
    with pytest.raises(EngineFailure, match="0 answers for a batch of 1"):
        future.result(10)


def test_a_batch_that_bursts_the_memory_is_halved_and_later_ones_are_smaller(harness):
    made = harness(fits=2)
    said = made.outcomes([item(f"q{n}") for n in range(8)])
    assert said == [f"(10, 1) q{n}" for n in range(8)]
    made.engine.batches.clear()
    made.outcomes([item(f"r{n}") for n in range(4)])
    assert max(map(len, made.engine.batches)) <= 2


def test_an_image_that_bursts_the_memory_alone_fails_with_its_own_code(harness):
    assert harness(fits=0).batcher.submit(item("a")).exception(10).code == "out_of_memory"


def test_the_end_of_the_device_reaches_every_slot_and_the_worker(harness):
    made = harness()
    said = [made.batcher.submit(item(LOSE_DEVICE)), *(made.batcher.submit(item("a")) for _ in range(3))]
    assert Harness.outcome(said[0]) == "GivenBack"
    assert made.crashed.wait(10)
    assert Harness.outcome(made.batcher.submit(item("later"))) == "GivenBack"


def test_giving_back_answers_what_runs_and_what_waits(harness):
    made = harness()
    made.engine.may_go_on.clear()
    futures = [made.batcher.submit(item(f"q{n}")) for n in range(3)]
    made.batcher.give_back()
    for future in futures:
        with pytest.raises(GivenBack):
            future.result(10)
    made.engine.may_go_on.set()
