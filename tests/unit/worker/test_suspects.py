"""With whom a job may be, by the crashes that it was in; no order of events makes an innocent one poison."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.processes import wait_until
from worker.engines.company import Company
from worker.job.suspects import Place, Suspects

INNOCENTS, SUSPECTS, NOBODY = Company


@pytest.mark.parametrize(
    ("most", "companies"),
    [
        (1, [INNOCENTS]),
        (2, [INNOCENTS, NOBODY]),
        (3, [INNOCENTS, SUSPECTS, NOBODY]),
        (5, [INNOCENTS, SUSPECTS, NOBODY, NOBODY, NOBODY]),
    ],
)
def test_a_job_is_alone_after_two_crashes_and_before_its_last_try(most, companies):
    assert [Company.of(crashes, most) for crashes in range(most)] == companies


def test_only_the_same_are_together_and_nobody_with_those_that_are_alone():
    together = [(one, other) for one in Company for other in Company if one.admits(other)]
    assert together == [(INNOCENTS, INNOCENTS), (SUSPECTS, SUSPECTS)]


class Cancelled(Exception):
    """Nobody wants a job any more."""


def test_one_that_is_alone_waits_for_all_before_it_and_all_after_it_wait_for_it():
    suspects, order = Suspects(), []

    def run(company: Company) -> threading.Thread:
        def turn() -> None:
            with suspects.turn(company, lambda: None):
                order.append(company)

        held = len(suspects._line)
        thread = threading.Thread(target=turn, daemon=True)
        thread.start()
        wait_until(lambda: not thread.is_alive() or len(suspects._line) > held, "it is in the line")
        return thread

    with suspects.turn(INNOCENTS, lambda: None):
        for company in (INNOCENTS, SUSPECTS):
            run(company).join(10)
        behind = [run(company) for company in (NOBODY, SUSPECTS, INNOCENTS, NOBODY)]
        assert order == [INNOCENTS, SUSPECTS]
    for thread in behind:
        thread.join(10)
    assert [order[2], set(order[3:5]), order[5]] == [NOBODY, {SUSPECTS, INNOCENTS}, NOBODY]


def test_who_is_not_wanted_while_it_waits_leaves_the_line_and_those_behind_it_begin():
    suspects = Suspects()

    def check_wanted() -> None:
        raise Cancelled

    before = suspects.join(INNOCENTS)
    with pytest.raises(Cancelled), suspects.turn(NOBODY, check_wanted):
        raise AssertionError("it is not its turn")
    assert suspects.may_begin(suspects.join(INNOCENTS))
    suspects.leave(before)


@dataclass(eq=False)
class Held:
    """A job of the model below."""

    is_culprit: bool
    crashes: int = 0
    #: Whether its record says that it has begun.
    has_begun: bool = False
    outcome: str = ""


class Process:
    """A worker of the model: jobs in its slots, each with its place, or None once it is on the device."""

    def __init__(self, slots: int) -> None:
        self.slots, self.suspects = slots, Suspects()
        self.waiting: dict[Held, Place] = {}
        self.running: dict[Held, Place] = {}

    def is_free(self) -> bool:
        return len(self.waiting) + len(self.running) < self.slots

    def take(self, job: Held, max_crashes: int) -> None:
        if job.has_begun:
            job.crashes, job.has_begun = job.crashes + 1, False
        if job.crashes >= max_crashes:
            job.outcome = "poison"
            return
        # An innocent one begins when it is taken, wherever it waits then.
        job.has_begun = not job.crashes
        self.waiting[job] = self.suspects.join(Company.of(job.crashes, max_crashes))

    def may_begin(self) -> list[Held]:
        return [job for job, place in self.waiting.items() if self.suspects.may_begin(place)]

    def begin(self, job: Held) -> None:
        job.has_begun = True
        self.running[job] = self.waiting.pop(job)
        companies = [place.company for place in self.running.values()]
        assert NOBODY not in companies or len(companies) == 1, "one that is alone has the worker to itself"

    def answer(self, job: Held) -> None:
        self.suspects.leave(self.running.pop(job))
        job.outcome = "answered"

    def end(self) -> list[Held]:
        """Lose the process; gives what it held."""
        return [*self.running, *self.waiting]


@settings(max_examples=40)
@given(
    st.lists(st.booleans(), min_size=1, max_size=14).filter(lambda culprits: sum(culprits) <= 4),
    st.integers(1, 3),
    st.integers(1, 6),
    st.sampled_from([2, 3, 3, 3, 4]),
    st.randoms(use_true_random=False),
)
def test_whatever_the_order_each_culprit_is_found_and_each_innocent_is_answered(
    culprits, workers, slots, max_crashes, chance
):
    """Jobs come at any time, begin in any order that may be, and a culprit ends its worker at any moment."""
    to_come = [Held(is_culprit) for is_culprit in culprits]
    jobs, queue = [*to_come], list[Held]()
    fleet = [Process(slots) for _ in range(workers)]

    def end_worker(one: Process, *, is_drain: bool) -> None:
        fleet[fleet.index(one)] = Process(slots)
        held = one.end()
        chance.shuffle(held)
        for job in held if is_drain else ():
            job.has_begun = False
        # They come back at the front.
        queue[:0] = held

    drains = 3
    while any(not job.outcome for job in jobs):
        deeds: list[Callable[[], object]] = []
        if to_come:
            deeds.append(lambda: queue.append(to_come.pop()))
        for one in fleet:
            if queue and one.is_free():
                deeds.append(partial(lambda one: one.take(queue.pop(0), max_crashes), one))
            deeds += [partial(one.begin, job) for job in one.may_begin()]
            deeds += [partial(one.answer, job) for job in one.running if not job.is_culprit]
            if any(job.is_culprit for job in one.running):
                deeds.append(partial(end_worker, one, is_drain=False))
        if drains and chance.random() < 0.05:
            drains -= 1
            deeds = [partial(end_worker, chance.choice(fleet), is_drain=True)]
        assert deeds, "nobody waits for ever"
        chance.choice(deeds)()
    assert [job.outcome for job in jobs] == ["poison" if culprit else "answered" for culprit in culprits]
    assert all(job.crashes == max_crashes for job in jobs if job.is_culprit)
    assert all(job.crashes < max_crashes for job in jobs if not job.is_culprit)
