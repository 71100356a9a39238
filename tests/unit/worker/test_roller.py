"""The rolling batch's thread: every slot gets its own answer or an error, in every order of events."""

import itertools
import threading
from collections.abc import Callable, Collection, Sequence
from typing import Any

import pytest
from prometheus_client import REGISTRY

from jobs.contract.errors import EngineFailure
from tests.processes import wait_until
from tests.stubs.engine import HANG, LOSE_DEVICE, POISON, SLOW, Sized
from tests.stubs.outcomes import error_of, is_waiting, outcome
from tests.stubs.rolling import BREAK, StubRolling
from worker.device.base import Overran
from worker.device.roller import Roller
from worker.engines.company import Company
from worker.ops.metrics import ModelMetrics

_numbers = itertools.count(1)


class Harness:
    """A roller around the stub. What is submitted before `go` arrives at once. A job's id is its question."""

    def __init__(
        self,
        *,
        rows: int = 4,
        timeout_s: float = 60.0,
        grace_s: float = 0.1,
        unwanted: Callable[[Sequence[str]], Collection[str]] | None = None,
    ) -> None:
        self.rolling = StubRolling(rows=rows, timeout_s=timeout_s)
        self.cancelled: set[str] = set()
        self.crashed = threading.Event()
        self.model = f"rolling {next(_numbers)}"
        self.roller = Roller(
            self.rolling,
            ModelMetrics(self.model),
            on_crash=self.crashed.set,
            timeout_s=timeout_s,
            unwanted=unwanted or self.cancelled.intersection,
            grace_s=grace_s,
            look_s=0.01,
        )

    def go(self) -> "Harness":
        self.roller.start()
        return self

    def submit(self, question: str, turns: int = 1, **how: Any):
        return self.roller.submit(Sized(((turns, 1),), question, turns), question, **how)

    def outcomes(self, questions: Sequence[str]) -> list[str]:
        """The outcome of each question when all are submitted at once."""
        replies = [self.submit(question) for question in questions]
        self.go()
        return [outcome(reply) for reply in replies]

    def wait_until_on_device(self, *questions: str) -> None:
        wait_until(lambda: self.rolling.steps and self.rolling.steps[-1] == list(questions), "they run")

    def wait_for_the_end(self) -> None:
        wait_until(lambda: not self.roller.is_alive, "the thread has ended")

    def count(self, name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, {"model": self.model, **labels}) or 0.0


@pytest.fixture
def harness():
    made = []

    def make(**how):
        made.append(Harness(**how))
        return made[-1]

    yield make
    for one in made:
        one.roller.give_back()
        one.rolling.comes_back.set()


def test_every_slot_gets_the_answer_to_its_own_image(harness):
    made = harness()
    replies = [made.submit(f"q{n}", turns=1 + n % 5) for n in range(30)]
    made.go()
    assert [outcome(reply) for reply in replies] == [f"({1 + n % 5}, 1) q{n}" for n in range(30)]


def test_slots_that_come_and_go_from_many_threads_each_get_their_own_answer(harness):
    made = harness().go()
    said = {}

    def slot(name: int) -> None:
        for n in range(20):
            question = f"{name} {n}"
            said[question] = outcome(made.submit(question, turns=1 + n % 3, is_interactive=n % 4 == 0))

    run_all([threading.Thread(target=slot, args=(name,), daemon=True) for name in range(8)])
    assert said == {f"{name} {n}": f"({1 + n % 3}, 1) {name} {n}" for name in range(8) for n in range(20)}


def run_all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_a_job_that_ends_early_is_answered_while_others_still_run(harness):
    made = harness()
    slow, quick = made.submit(SLOW), made.submit("quick")
    made.go()
    assert outcome(quick) == "(1, 1) quick"
    assert is_waiting(slow)


def test_a_job_that_comes_later_joins_those_that_run(harness):
    made = harness().go()
    slow = made.submit(SLOW)
    made.wait_until_on_device(SLOW)
    assert outcome(made.submit("later")) == "(1, 1) later"
    assert [SLOW, "later"] in made.rolling.steps
    assert is_waiting(slow)


def test_what_fails_alone_is_heard_by_its_slot_alone(harness):
    assert harness().outcomes(["a", POISON, "b"]) == ["(1, 1) a", "engine_failed", "(1, 1) b"]


def test_a_job_that_takes_too_long_fails_and_the_others_go_on(harness):
    made = harness(timeout_s=1, grace_s=60)
    assert made.outcomes([SLOW, "a"]) == ["deadline_exceeded", "(1, 1) a"]
    assert outcome(made.submit("b")) == "(1, 1) b"
    assert not made.crashed.is_set()


def test_whom_a_job_may_be_with_is_told_to_the_engine(harness):
    made = harness()
    companies = {"a": Company.INNOCENTS, "b": Company.NOBODY, "c": Company.SUSPECTS, "d": Company.SUSPECTS}
    replies = [made.submit(question, turns=2, company=company) for question, company in companies.items()]
    made.go()
    assert [outcome(reply) for reply in replies] == [f"(2, 1) {question}" for question in companies]
    assert made.rolling.steps == [["a"], ["a"], ["b"], ["b"], ["c", "d"], ["c", "d"]]


def test_a_single_question_goes_before_those_of_batches(harness):
    made = harness(rows=1)
    replies = [made.submit("a"), made.submit("b"), made.submit("now", is_interactive=True)]
    made.go()
    assert [outcome(reply) for reply in replies] == ["(1, 1) a", "(1, 1) b", "(1, 1) now"]
    assert made.rolling.steps == [["now"], ["a"], ["b"]]


# Giving back


def test_giving_back_answers_what_runs_what_waits_and_what_comes_later(harness):
    made = harness(rows=1)
    replies = [made.submit(question) for question in (SLOW, "a", "b")]
    made.go().wait_until_on_device(SLOW)
    made.roller.give_back()
    replies.append(made.submit("later"))
    assert [outcome(reply) for reply in replies] == ["GivenBack"] * 4
    assert not made.crashed.is_set()


def test_the_thread_ends_after_giving_back(harness):
    for busy in (False, True):
        made = harness().go()
        if busy:
            made.submit(SLOW)
            made.wait_until_on_device(SLOW)
        made.roller.give_back()
        made.wait_for_the_end()
        assert not made.crashed.is_set()


def test_what_was_given_back_before_it_ran_never_runs(harness):
    made = harness()
    reply = made.submit("a")
    made.roller.give_back()
    made.go().wait_for_the_end()
    assert outcome(reply) == "GivenBack"
    assert made.rolling.steps == []


def test_giving_back_on_a_device_that_hangs_answers_all_the_same(harness):
    made = harness(rows=1)
    replies = [made.submit(HANG), made.submit("a")]
    made.go().wait_until_on_device(HANG)
    made.roller.give_back()
    assert [outcome(reply) for reply in replies] == ["GivenBack", "GivenBack"]


@pytest.mark.parametrize("end", ["give back", LOSE_DEVICE, BREAK])
def test_no_slot_waits_for_ever_whenever_it_submits(harness, end):
    """Slots hand over jobs while the roller ends: each is answered or given back."""
    made = harness().go()
    heard, have_begun = [], threading.Semaphore(0)

    def slot() -> None:
        for n in range(40):
            heard.append(outcome(made.submit("a")))
            if n == 5:
                have_begun.release()

    def ending() -> None:
        for _ in range(8):
            have_begun.acquire()
        if end == "give back":
            made.roller.give_back()
        else:
            made.submit(end)

    run_all([threading.Thread(target=target, daemon=True) for target in (*[slot] * 8, ending)])
    assert len(heard) == 8 * 40
    assert set(heard) <= {"(1, 1) a", "GivenBack"}
    made.wait_for_the_end()
    assert outcome(made.submit("later")) == "GivenBack"


# Cancelling


def test_a_cancelled_job_that_waits_never_reaches_the_device(harness):
    made = harness(rows=1)
    slow, waits = made.submit(SLOW), made.submit("waits")
    made.go()
    made.cancelled.add("waits")
    assert outcome(waits) == "Cancelled"
    assert is_waiting(slow)
    assert ["waits"] not in made.rolling.steps


def test_a_cancelled_job_in_flight_frees_its_place(harness):
    made = harness(rows=1)
    slow, waits = made.submit(SLOW), made.submit("waits")
    made.go().wait_until_on_device(SLOW)
    made.cancelled.add(SLOW)
    assert outcome(slow) == "Cancelled"
    assert outcome(waits) == "(1, 1) waits"


def test_both_of_a_cancelled_job_that_is_here_twice_end(harness):
    """A job is here twice when its ticket was delivered again while it was still running."""
    made = harness()
    made.cancelled.add(SLOW)
    assert made.outcomes([SLOW, SLOW, "a"]) == ["Cancelled", "Cancelled", "(1, 1) a"]


def test_a_job_that_ends_while_it_is_cancelled_is_answered_once_and_the_others_go_on(harness):
    """Every job is reported as cancelled, although most have ended by then."""
    made = harness(unwanted=lambda job_ids: [one for one in job_ids if one != "kept"]).go()
    for _ in range(20):
        replies = [made.submit(f"q{n}", turns=n) for n in range(1, 9)]
        assert {outcome(reply).split(" ")[-1] for reply in replies} <= {
            "Cancelled",
            *(f"q{n}" for n in range(1, 9)),
        }
        assert outcome(made.submit("kept")) == "(1, 1) kept"
    assert made.roller.is_alive


def test_nothing_is_cancelled_while_nobody_can_say_what_is(harness):
    asked = []

    def unwanted(job_ids):
        asked.append(job_ids)
        if len(asked) < 4:
            raise ConnectionError("Redis is away")
        return {SLOW}

    made = harness(unwanted=unwanted)
    slow, kept = made.submit(SLOW), made.submit("a", turns=5)
    made.go()
    assert outcome(slow) == "Cancelled"
    assert outcome(kept) == "(5, 1) a"
    assert len(asked) >= 4
    assert not made.crashed.is_set()


def test_a_slow_redis_holds_nothing_up(harness):
    is_asked, may_say = threading.Event(), threading.Event()

    def unwanted(job_ids):
        is_asked.set()
        may_say.wait(30)
        return ()

    made = harness(unwanted=unwanted)
    made.submit(SLOW)
    made.go()
    assert is_asked.wait(10)
    assert outcome(made.submit("a")) == "(1, 1) a"
    may_say.set()


# A device that fails


@pytest.mark.parametrize("question", [LOSE_DEVICE, BREAK])
def test_the_end_of_the_loop_reaches_every_slot_and_the_worker(harness, question):
    made = harness(rows=2)
    assert made.outcomes([SLOW, question, "a"]) == ["GivenBack"] * 3
    assert made.crashed.wait(10)
    made.wait_for_the_end()
    assert outcome(made.submit("later")) == "GivenBack"


def test_a_job_alone_on_a_device_that_hangs_fails_and_ends_the_worker(harness):
    made = harness(rows=1, timeout_s=0.3)
    assert made.outcomes([HANG, "a"]) == ["deadline_exceeded", "GivenBack"]
    assert made.crashed.wait(10)
    assert outcome(made.submit("later")) == "GivenBack"


def test_the_deadlines_message_names_the_setting_its_value_and_the_remedy(harness):
    made = harness(rows=1, timeout_s=0.3)
    reply = made.submit(HANG)
    made.go()
    with pytest.raises(EngineFailure, match=r"EVA01_JOB_TIMEOUT_S=0\.3 .*max_new_tokens"):
        reply.result(10)


def test_of_several_on_a_device_that_hangs_each_is_a_suspect(harness):
    made = harness(rows=2, timeout_s=0.3)
    assert made.outcomes(["a", HANG, "b"]) == ["Overran", "Overran", "GivenBack"]
    assert made.crashed.wait(10)


def test_one_that_was_given_back_is_not_blamed_when_the_device_hangs_on(harness):
    made = harness(rows=2, timeout_s=2)
    reply = made.submit(HANG)
    made.go().wait_until_on_device(HANG)
    made.roller.give_back()
    assert made.crashed.wait(10), "the thread hangs, so the worker has to end"
    assert outcome(reply) == "GivenBack"


def test_a_device_that_comes_back_too_late_answers_nobody_twice(harness):
    made = harness(rows=2, timeout_s=0.3)
    replies = [made.submit(HANG), made.submit("a")]
    made.go()
    assert [type(error_of(reply)) for reply in replies] == [Overran, Overran]
    made.rolling.comes_back.set()
    made.wait_for_the_end()
    assert len(made.rolling.steps) == 1


# What is counted


def test_idle_time_grows_while_nothing_comes(harness):
    made = harness().go()
    wait_until(lambda: made.count("eva01_device_seconds_total", activity="idle") > 0, "it is counted")
    assert made.count("eva01_device_seconds_total", activity="busy") == 0


def test_busy_time_is_that_of_turns(harness):
    made = harness().go()
    assert outcome(made.submit("a", turns=3)) == "(3, 1) a"
    assert made.count("eva01_device_seconds_total", activity="busy") >= 3 * made.rolling.takes_s


def test_each_step_counts_how_many_were_on_the_device(harness):
    made = harness(rows=2)
    replies = [made.submit("a"), made.submit("b", turns=2), made.submit("c")]
    made.go()
    assert [outcome(reply) for reply in replies] == ["(1, 1) a", "(2, 1) b", "(1, 1) c"]
    assert made.rolling.steps == [["a", "b"], ["b", "c"]]
    assert made.count("eva01_batch_size_count") == 2
    assert made.count("eva01_batch_size_sum") == 4


def test_a_job_counts_its_time_on_the_device_unless_it_never_was_there(harness):
    made = harness(rows=1)
    slow, waits = made.submit(SLOW), made.submit("waits")
    made.go().cancelled.add("waits")
    assert outcome(waits) == "Cancelled"
    assert made.count("eva01_stage_seconds_count", stage="generate") == 0
    made.cancelled.add(SLOW)
    assert outcome(slow) == "Cancelled"
    assert made.count("eva01_stage_seconds_count", stage="generate") == 1
