"""Batching: which images share a batch, and that every slot gets its own answer or error."""

import threading
from collections.abc import Callable, Collection, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.contract.errors import EngineFailure
from tests.processes import wait_until
from tests.stubs.engine import HANG, LOSE_DEVICE, POISON, SLOW, TOO_FEW, Sized, StubEngine
from tests.stubs.outcomes import outcome
from worker.device.base import GivenBack
from worker.device.batcher import Batcher
from worker.device.batching import size_of_next_batch
from worker.engines.company import Company
from worker.ops.metrics import ModelMetrics


def item(question: str, width: int = 10) -> Sized:
    return Sized(((width, 1),), question, width)


#: The questions of items that were in a crash, and in two.
SUSPECT, ALONE = "suspect", "alone"
COMPANIES = {SUSPECT: Company.SUSPECTS, ALONE: Company.NOBODY}


class Harness:
    """A batcher whose device is held until all items are waiting. A job's id is its question."""

    def __init__(
        self,
        *,
        budget: int = 10_000,
        fits: int = 1000,
        max_batch: int = 64,
        timeout_s: float = 60.0,
        grace_s: float = 0.1,
        unwanted: Callable[[Sequence[str]], Collection[str]] = lambda job_ids: (),
    ) -> None:
        self.engine = StubEngine(fits=fits, max_batch=max_batch)
        self.crashed = threading.Event()
        self.may_go = threading.Event()

        def unwanted_later(job_ids: Sequence[str]) -> Collection[str]:
            self.may_go.wait(30)
            return unwanted(job_ids)

        self.batcher = Batcher(
            self.engine,
            ModelMetrics("stub"),
            budget,
            on_crash=self.crashed.set,
            timeout_s=timeout_s,
            unwanted=unwanted_later,
            grace_s=grace_s,
        )
        self.batcher.start()

    def submit(self, one: Sized):
        self.may_go.set()
        return self._submit(one)

    def _submit(self, one: Sized):
        return self.batcher.submit(one, one.question, company=COMPANIES.get(one.question, Company.INNOCENTS))

    def outcomes(self, items: list[Sized]) -> list[str]:
        """The outcome of each item when all wait at once: an answer's text, or an error's code or class."""
        # The gate is before the device, so that waiting there is not counted as device time.
        self.may_go.clear()
        first = self._submit(item("first"))
        wait_until(lambda: not self.batcher._waiting, "the device has the first", every_s=0.001)
        replies = [self._submit(one) for one in items]
        self.may_go.set()
        assert first.result(10).text == "(10, 1) first"
        return [outcome(reply) for reply in replies]


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


def test_what_a_batch_takes_of_the_device_is_divided_among_its_images(harness):
    made = harness()
    made.may_go.clear()
    first = made._submit(item("first"))
    wait_until(lambda: not made.batcher._waiting, "the device has the first", every_s=0.001)
    replies = [made._submit(item(f"q{n}")) for n in range(4)]
    made.may_go.set()
    assert first.result(10).usage.device_s is not None
    (share_s,) = {reply.result(10).usage.device_s for reply in replies}
    assert share_s is not None


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
    reply = harness().submit(item(TOO_FEW))
    with pytest.raises(EngineFailure, match="0 answers for a batch of 1"):
        reply.result(10)


def test_a_batch_that_bursts_the_memory_is_halved_and_later_ones_are_smaller(harness):
    made = harness(fits=2)
    said = made.outcomes([item(f"q{n}") for n in range(8)])
    assert said == [f"(10, 1) q{n}" for n in range(8)]
    made.engine.batches.clear()
    made.outcomes([item(f"r{n}") for n in range(4)])
    assert max(map(len, made.engine.batches)) <= 2


def test_an_image_that_bursts_the_memory_alone_fails_with_its_own_code(harness):
    assert outcome(harness(fits=0).submit(item("a"))) == "out_of_memory"


def test_the_end_of_the_device_reaches_every_slot_and_the_worker(harness):
    made = harness()
    said = [made.submit(item(LOSE_DEVICE)), *(made.submit(item("a")) for _ in range(3))]
    assert outcome(said[0]) == "GivenBack"
    assert made.crashed.wait(10)
    assert outcome(made.submit(item("later"))) == "GivenBack"


def test_giving_back_answers_what_runs_and_what_waits(harness):
    made = harness()
    made.engine.may_go_on.clear()
    replies = [made.submit(item(f"q{n}")) for n in range(3)]
    made.batcher.give_back()
    for reply in replies:
        with pytest.raises(GivenBack):
            reply.result(10)
    made.engine.may_go_on.set()


def test_cancelled_jobs_never_reach_the_device(harness):
    made = harness(unwanted=lambda job_ids: {"b", "d"} & set(job_ids))
    said = made.outcomes([item(question) for question in "abcd"])
    assert said == ["(10, 1) a", "Cancelled", "(10, 1) c", "Cancelled"]
    assert made.engine.batches == [["first"], ["a", "c"]]


def test_a_batch_of_which_all_are_cancelled_is_none(harness):
    made = harness(unwanted=lambda job_ids: {"a", "b"} & set(job_ids))
    assert made.outcomes([item("a"), item("b")]) == ["Cancelled", "Cancelled"]
    assert made.submit(item("c")).result(10).text == "(10, 1) c"
    assert made.engine.batches == [["first"], ["c"]]


def test_which_are_cancelled_is_asked_once_a_batch(harness):
    asked = []

    def unwanted(job_ids: Sequence[str]) -> Collection[str]:
        asked.append(list(job_ids))
        return ()

    made = harness(unwanted=unwanted)
    made.outcomes([item("a"), item("b"), item(POISON), item("c")])
    assert asked == [["first"], ["a", "b", POISON, "c"]]


def test_all_run_when_nobody_can_say_which_are_cancelled(harness):
    def unwanted(job_ids):
        raise ConnectionError("Redis is away")

    made = harness(unwanted=unwanted)
    assert made.outcomes([item("a"), item("b")]) == ["(10, 1) a", "(10, 1) b"]


def test_suspects_go_to_the_device_together_apart_from_innocents_and_alone_after_a_second_crash(harness):
    made = harness()
    made.outcomes([item(question) for question in ("a", SUSPECT, ALONE, "b", SUSPECT, ALONE, "c", SUSPECT)])
    assert made.engine.batches[1:] == [["a", "b", "c"], [SUSPECT] * 3, [ALONE], [ALONE]]


def test_a_batch_of_suspects_is_as_large_as_one_of_innocents(harness):
    made = harness(budget=30)
    made.outcomes([item(question) for question in (SUSPECT, "a") * 5])
    sizes = [(len(batch), batch[0]) for batch in made.engine.batches[1:]]
    assert sizes == [(3, SUSPECT), (3, "a"), (2, SUSPECT), (2, "a")]


def test_an_engine_ends_its_work_at_the_deadline_and_the_worker_goes_on(harness):
    made = harness(timeout_s=0.5, grace_s=60)
    assert made.outcomes([item("a"), item(SLOW)]) == ["(10, 1) a", "deadline_exceeded"]
    assert made.submit(item("b")).result(10).text == "(10, 1) b"
    assert not made.crashed.is_set()


def test_time_in_the_queue_does_not_count(harness):
    made = harness(timeout_s=0.5, grace_s=60, max_batch=1)
    assert made.outcomes([item(SLOW), item("waits longer than the deadline")]) == [
        "deadline_exceeded",
        "(10, 1) waits longer than the deadline",
    ]


def test_the_deadlines_message_names_the_setting_its_value_and_the_remedy(harness):
    with pytest.raises(EngineFailure, match=r"EVA01_JOB_TIMEOUT_S=0\.5 .*max_new_tokens"):
        harness(timeout_s=0.5, grace_s=60).submit(item(SLOW)).result(10)


def test_an_image_from_which_the_device_does_not_come_back_fails_and_ends_the_worker(harness):
    made = harness(timeout_s=0.5, max_batch=1)
    assert made.outcomes([item(HANG), item("a")]) == ["deadline_exceeded", "GivenBack"]
    assert made.crashed.wait(10)
    assert outcome(made.submit(item("later"))) == "GivenBack"


def test_of_several_from_which_the_device_does_not_come_back_each_is_a_suspect(harness):
    made = harness(timeout_s=0.5, max_batch=2)
    assert made.outcomes([item("a"), item(HANG), item("b")]) == ["Overran", "Overran", "GivenBack"]
    assert made.crashed.wait(10)


def test_only_the_half_that_is_on_the_device_is_suspect(harness):
    made = harness(timeout_s=0.5, fits=2)
    said = made.outcomes([item(question) for question in ("a", "b", HANG, "c", "d")])
    assert said == ["(10, 1) a", "(10, 1) b", "deadline_exceeded", "GivenBack", "GivenBack"]
