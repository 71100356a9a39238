"""A worker with a rolling batch as a real process: what it holds when it is cancelled, stopped, or stuck."""

import signal

import pytest

from jobs.contract.models import JobState
from tests import plain
from tests.processes import wait_until
from tests.stubs.engine import HANG, SLOW
from tests.stubs.processes import ANSWERS, MODEL, QUESTIONS

pytestmark = [pytest.mark.redis, pytest.mark.process, pytest.mark.timeout(300)]


def start(workers, **env):
    return workers.start_worker(takes_s=0.01, is_rolling=True, **env).wait_until_ready()


def enqueue_endless(workers):
    """Enqueue one job more than the worker has slots, so that all slots are in flight and one job waits."""
    endless = [workers.enqueue(SLOW) for _ in range(4)]
    wait_until(lambda: all(workers.state(job) is JobState.RUNNING for job in endless), "all run")
    return endless, workers.enqueue(QUESTIONS[0])


def test_what_is_in_flight_is_answered_as_one_at_a_time_would_be(workers):
    start(workers)
    jobs = [workers.enqueue(question) for question in QUESTIONS]
    assert workers.wait_for_answers(jobs) == ANSWERS
    assert {workers.store.get_job(job.id).attempts for job in jobs} == {1}


def test_cancelled_jobs_leave_the_device_and_the_next_are_answered(workers):
    worker = start(workers)
    endless, behind = enqueue_endless(workers)
    for job in endless:
        workers.store.cancel(job.id)
    assert workers.wait_for_answers([behind]) == ANSWERS[:1]
    assert {workers.state(job) for job in endless} == {JobState.CANCELLED}
    counted = f'eva01_cancellations_total{{model="{MODEL}",phase="held"}} 4.0'
    wait_until(
        lambda: counted in plain.get(f"{worker.url}/metrics").text,
        "each slot has let go of its job",
    )


def test_what_is_in_flight_when_the_worker_has_to_end_goes_back_to_the_queue(workers):
    worker = start(workers, EVA01_DRAIN_S="0.2")
    endless, behind = enqueue_endless(workers)
    worker.process.send(signal.SIGTERM)
    assert worker.exit_code() == 0, worker.process.output()
    workers.assert_nothing_is_lost([*endless, behind])
    for job in endless:
        workers.store.cancel(job.id)
    start(workers)
    assert workers.wait_for_answers([behind]) == ANSWERS[:1]


def test_of_those_on_a_device_that_hangs_the_culprit_fails_and_all_others_are_answered(workers):
    """All jobs on the device are suspects: each then runs alone, and the culprit ends its worker again."""
    hanging, *others = [workers.enqueue(question) for question in (HANG, *QUESTIONS[:6])]
    deadline = {"EVA01_JOB_TIMEOUT_S": "0.5"}
    for _ in range(10):
        worker = workers.start_worker(takes_s=0.01, is_rolling=True, **deadline)
        assert worker.exit_code() == 1, worker.process.output()
        if workers.state(hanging).is_finished:
            break
    failed = workers.store.get_job(hanging.id)
    assert (failed.state, failed.error.code) == (JobState.FAILED, "deadline_exceeded")
    start(workers)
    assert workers.wait_for_answers(others) == ANSWERS[:6]
    wait_until(lambda: workers.held() == 0, "nothing is held")
