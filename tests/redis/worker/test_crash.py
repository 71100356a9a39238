"""Workers that are killed: their jobs run again, and a job that kills workers is quarantined."""

import random
import signal
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from jobs.contract.models import Job, JobState
from jobs.upkeep.reconciler import Reconciler
from tests.processes import wait_until
from tests.stubs.engine import DIE
from tests.stubs.processes import ANSWERS, MODEL, QUESTIONS, Running, WorkerProcesses

pytestmark = [pytest.mark.redis, pytest.mark.process, pytest.mark.timeout(300)]

#: Leases shorter than the default, so that the tests are quick; the longer one does not run out by chance.
LEASE, LONGER_LEASE = {"EVA01_LEASE_S": "2"}, {"EVA01_LEASE_S": "4"}


def wait_until_finished(
    workers: WorkerProcesses, jobs: Sequence[Job], meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Wait, and replace tickets as web does: one is lost where a worker dies as it takes it."""
    reconciler = Reconciler(workers.store, workers.queue)

    def are_finished() -> bool:
        meanwhile()
        reconciler.look(MODEL)
        return all(workers.state(job).is_finished for job in jobs)

    wait_until(are_finished, "all are finished", every_s=0.5)


def test_what_a_killed_worker_held_runs_on_another(workers):
    first = workers.start_worker(takes_s=60, **LEASE).wait_until_ready()
    jobs = [workers.enqueue(question) for question in QUESTIONS[:4]]
    wait_until(lambda: all(workers.state(job) is JobState.RUNNING for job in jobs), "all run")
    first.process.send(signal.SIGKILL)
    workers.start_worker(**LEASE).wait_until_ready()
    assert workers.wait_for_answers(jobs) == ANSWERS[:4]
    assert [workers.store.get_job(job.id).attempts for job in jobs] == [2] * 4
    wait_until(lambda: workers.held() == 0, "nothing is held")


def assert_answered_once(*workers: Running) -> None:
    """One of them says that it has answered, after others can see the answer; and only once."""

    def times() -> int:
        return sum(worker.times_said("answered in") for worker in workers)

    wait_until(lambda: times() > 0, "one says so")
    assert times() == 1


def test_a_job_that_takes_longer_than_the_lease_runs_once(workers):
    one, other = (workers.start_worker(takes_s=2 * 4, **LONGER_LEASE).wait_until_ready() for _ in range(2))
    job = workers.enqueue(QUESTIONS[0])
    assert workers.wait_for_answers([job]) == ANSWERS[:1]
    assert workers.store.get_job(job.id).attempts == 1
    assert_answered_once(one, other)


def test_a_job_that_kills_its_worker_is_quarantined_and_those_beside_it_are_answered(workers):
    poison, *others = [workers.enqueue(question) for question in (DIE, *QUESTIONS[:6])]
    for _ in range(3):
        assert workers.start_worker(**LEASE).exit_code() == -signal.SIGKILL
    workers.start_worker(**LEASE).wait_until_ready()
    wait_until_finished(workers, [poison, *others])
    assert workers.wait_for_answers([poison, *others]) == [None, *ANSWERS[:6]]
    quarantined = workers.store.get_job(poison.id)
    assert (quarantined.state, quarantined.error.code) == (JobState.FAILED, "poison")
    assert quarantined.attempts == 3
    assert workers.store.retry(poison.id)


def test_a_worker_that_slept_through_its_lease_overwrites_nothing(workers):
    # It sleeps on while it is stopped: before that it does not get to its answer.
    sleeper = workers.start_worker(takes_s=5, **LEASE).wait_until_ready()
    job = workers.enqueue(QUESTIONS[0])
    wait_until(lambda: workers.state(job) is JobState.RUNNING, "it runs")
    sleeper.process.send(signal.SIGSTOP)
    other = workers.start_worker(**LEASE).wait_until_ready()
    assert workers.wait_for_answers([job]) == ANSWERS[:1]
    answered = workers.store.get_job(job.id)
    sleeper.process.send(signal.SIGCONT)
    sleeper.wait_until_it_says("Batch 1:")
    later = workers.enqueue(QUESTIONS[1])
    assert workers.wait_for_answers([later]) == ANSWERS[1:2]
    assert workers.store.get_job(job.id) == answered
    other.assert_it_says(f"Job {job.id}: answered")


def lose_twice(workers: WorkerProcesses, jobs: Sequence[Job], lost: Sequence[Job]) -> None:
    """Let those that are `lost` be in two crashes; all of `jobs` wait again afterwards."""
    for _ in range(2):
        for n, _ in enumerate(jobs):
            workers.store.take(MODEL, f"ticket {n}")
        for job in lost:
            workers.store.begin(job.id)
            workers.store.take_back(job.id)
        for job in jobs:
            workers.store.give_back(job.id)


@pytest.mark.parametrize(("is_rolling", "seed"), [(False, 1), (True, 2)])
def test_culprits_cost_three_workers_each_and_all_others_are_answered_in_any_order(workers, is_rolling, seed):
    """Those that run alone, for the last time, have fresh culprits before, beside and behind them."""
    chance = random.Random(seed)
    questions = [DIE, DIE, *QUESTIONS[:8]]
    chance.shuffle(questions)
    jobs = [workers.enqueue(question) for question in questions]
    culprits, others = ([job for job in jobs if (job.question == DIE) is kind] for kind in (True, False))
    lose_twice(workers, jobs, chance.sample(others, 3))
    running = [workers.start_worker(0.05, is_rolling=is_rolling, **LEASE) for _ in range(2)]

    def replace_what_has_ended() -> None:
        for place, worker in enumerate(running):
            if worker.process.popen.poll() is not None:
                running[place] = workers.start_worker(0.05, is_rolling=is_rolling, **LEASE)

    wait_until_finished(workers, jobs, replace_what_has_ended)
    assert [workers.store.get_job(job.id).answer for job in others] == [
        f"(480, 320) {job.question}" for job in others
    ]
    for job in map(workers.store.get_job, (job.id for job in culprits)):
        assert (job.error.code, job.crashes) == ("poison", 3)
    assert len(workers.processes) <= 1 + 2 + 3 * 2, "Redis, two workers, and one for each crash"


def is_not_ready(worker: Running) -> bool:
    return not worker.answers_200("/ready")


def test_a_job_whose_worker_loses_its_connections_runs_once_and_is_no_suspect(workers):
    worker = workers.start_worker(takes_s=15, **LONGER_LEASE).wait_until_ready()
    job = workers.enqueue(QUESTIONS[0])
    wait_until(lambda: workers.state(job) is JobState.RUNNING, "it runs")
    other = workers.start_worker(**LONGER_LEASE).wait_until_ready()
    workers.client.client_kill_filter(_type="normal", skipme=True)
    workers.processes[0].end()
    for one in (worker, other):
        wait_until(partial(is_not_ready, one), "it notices")
    # Each tries again at times of its own, and who comes back seconds after the other is taken for dead.
    other.process.send(signal.SIGSTOP)
    workers.start_redis()
    worker.wait_until_ready()
    other.process.send(signal.SIGCONT)
    assert workers.wait_for_answers([job]) == ANSWERS[:1]
    answered = workers.store.get_job(job.id)
    assert (answered.attempts, answered.crashes) == (1, 0)
    assert_answered_once(worker, other)
    wait_until(lambda: workers.held() == 0, "nothing is held")


def test_a_worker_that_is_back_after_an_outage_renews_at_once_what_it_holds(workers):
    """Others are back at other times, and take who is silent for dead."""
    worker = workers.start_worker(takes_s=60, EVA01_LEASE_S="4000").wait_until_ready()
    job = workers.enqueue(QUESTIONS[0])
    wait_until(lambda: workers.state(job) is JobState.RUNNING, "it runs")
    before = workers.last_renewed_s()
    workers.client.client_kill_filter(_type="normal", skipme=True)
    wait_until(lambda: workers.last_renewed_s() > before, "it renews, and not after a quarter of its lease")
    assert worker.process.popen.poll() is None


def test_a_worker_that_is_told_to_stop_makes_nobody_a_suspect(workers):
    first = workers.start_worker(takes_s=60, EVA01_DRAIN_S="0.2", **LONGER_LEASE).wait_until_ready()
    jobs = [workers.enqueue(question) for question in QUESTIONS[:4]]
    wait_until(lambda: all(workers.state(job) is JobState.RUNNING for job in jobs), "all run")
    first.process.send(signal.SIGTERM)
    assert first.exit_code() == 0
    workers.start_worker(**LONGER_LEASE).wait_until_ready()
    assert workers.wait_for_answers(jobs) == ANSWERS[:4]
    assert {workers.store.get_job(job.id).crashes for job in jobs} == {0}
