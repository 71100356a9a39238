"""With whom a job may be, by the crashes that it was in."""

import threading

import pytest

from tests.processes import wait_until
from worker.engines.company import Company
from worker.job.suspects import Suspects

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


def test_one_that_is_alone_waits_for_the_suspects_before_it_and_they_for_it_and_innocents_for_nobody():
    suspects, order = Suspects(), []

    def run(company: Company) -> threading.Thread:
        def turn() -> None:
            with suspects.turn(company):
                order.append(company)

        thread = threading.Thread(target=turn, daemon=True)
        thread.start()
        return thread

    with suspects.turn(SUSPECTS):
        run(SUSPECTS).join(10)
        alone = run(NOBODY)
        run(INNOCENTS).join(10)
        assert order == [SUSPECTS, INNOCENTS]
    alone.join(10)
    with suspects.turn(NOBODY):
        waiting = [run(NOBODY), run(SUSPECTS)]
        run(INNOCENTS).join(10)
        assert order == [SUSPECTS, INNOCENTS, NOBODY, INNOCENTS]
    for thread in waiting:
        thread.join(10)
    wait_until(lambda: len(order) == 6, "all had their turn")
