"""A Redis that is there and refuses to write: workers keep their model, wait, and go on."""

import json
import signal
from functools import partial
from typing import Any

import pytest

from jobs.contract.models import JobState, WorkerState
from jobs.storage.fleet import Fleet
from tests import plain
from tests.processes import wait_until
from tests.servers.refusing import EVERY, full
from tests.stubs.processes import ANSWERS, QUESTIONS, Running, WorkerProcesses

pytestmark = [pytest.mark.redis, pytest.mark.process]

#: A short lease, so that it runs out while Redis refuses. Half of it is longer than the second within which
#: workers notice that Redis does not refuse any more: so long they take nobody for dead.
LEASE_S = 4
LEASE: dict[str, Any] = {"EVA01_LEASE_S": str(LEASE_S)}


def says(worker: Running, code: str) -> bool:
    return code in facts(worker)["trouble"]


def facts(worker: Running) -> dict:
    return json.loads(plain.get(f"{worker.url}/ready").text)


@pytest.mark.parametrize("refusing", EVERY)
def test_workers_keep_their_model_wait_and_go_on(workers: WorkerProcesses, refusing):
    worker, other = (workers.start_worker(takes_s=1, **LEASE).wait_until_ready() for _ in range(2))
    pid, since = worker.process.popen.pid, facts(worker)["started_at"]
    jobs = [workers.enqueue(question) for question in QUESTIONS]
    wait_until(lambda: all(workers.state(job) is not JobState.QUEUED for job in jobs[:8]), "all slots work")
    with refusing(workers.client) as code:
        for one in (worker, other):
            wait_until(partial(says, one, code), "the worker says what Redis says")
            assert (one.answers_200("/health"), one.answers_200("/ready")) == (True, False)
            # What they held has its answers.
            one.wait_until_it_says("Batch 4:")
        wait_until(lambda: workers.has_lost_its_leases(LEASE_S), "their leases have run out")
    assert workers.wait_for_answers(jobs) == ANSWERS
    assert {workers.store.get_job(job.id).attempts for job in jobs} == {1}
    assert {workers.store.get_job(job.id).crashes for job in jobs} == {0}
    wait_until(lambda: workers.held() == 0, "every ticket is let go of")
    for one in (worker, other):
        one.wait_until_ready()
        one.wait_until_it_says("Redis takes writes again")
        one.assert_it_says("Redis refuses")
        assert one.times_said("Traceback") == 0, one.process.output()
    assert (worker.process.popen.poll(), facts(worker)["started_at"]) == (None, since)
    assert pid == worker.process.popen.pid


@pytest.mark.parametrize("refusing", EVERY)
def test_what_runs_longer_than_its_lease_while_redis_refuses_runs_once(workers: WorkerProcesses, refusing):
    worker = workers.start_worker(takes_s=6, **LEASE).wait_until_ready()
    job = workers.enqueue(QUESTIONS[0])
    wait_until(lambda: workers.state(job) is JobState.RUNNING, "it runs, and other slots wait for more")
    with refusing(workers.client) as code:
        wait_until(partial(says, worker, code), "the worker says what Redis says")
        wait_until(lambda: workers.has_lost_its_leases(LEASE_S), "its lease has run out")
    later = workers.enqueue(QUESTIONS[1])
    assert workers.wait_for_answers([job, later]) == ANSWERS[:2]
    found = workers.store.get_job(job.id)
    assert (found.attempts, found.crashes) == (1, 0)
    # It says so after all others know.
    worker.assert_it_says("answered in", 2)
    assert worker.times_said("Traceback") == 0, worker.process.output()


def test_workers_are_known_to_be_up_while_redis_is_full(workers: WorkerProcesses):
    workers.start_worker(EVA01_HEARTBEAT_S="0.2").wait_until_ready()
    fleet = Fleet(workers.client)

    def known() -> list[tuple[str, WorkerState]]:
        return [(info.trouble.partition(" ")[0], info.state) for info in fleet.workers()]

    with full(workers.client):
        wait_until(lambda: known() == [("OOM", WorkerState.READY)], "the fleet knows what the worker has met")
    wait_until(lambda: known() == [("", WorkerState.READY)], "it has got over it")


def test_a_worker_stops_in_time_while_redis_is_full_and_nothing_is_lost(workers: WorkerProcesses):
    worker = workers.start_worker(takes_s=0.2, EVA01_DRAIN_S="1", **LEASE).wait_until_ready()
    jobs = [workers.enqueue(question) for question in QUESTIONS]
    wait_until(lambda: workers.held() > 0, "slots hold jobs", every_s=0.01)
    with full(workers.client):
        worker.wait_until_it_says("Redis refuses")
        worker.process.send(signal.SIGTERM)
        assert worker.exit_code() == 0, worker.process.output()
    workers.start_worker(**LEASE).wait_until_ready()
    assert workers.wait_for_answers(jobs) == ANSWERS
    assert worker.times_said("Traceback") == 0, worker.process.output()


def test_a_worker_that_starts_while_redis_is_full_takes_up_work_when_it_is_not(workers: WorkerProcesses):
    job = workers.enqueue(QUESTIONS[0])
    with full(workers.client):
        worker = workers.start_worker(**LEASE)
        worker.wait_until_it_says("Redis refuses")
        worker.wait_until_it_says("loaded in")
        assert worker.answers_200("/health")
        assert not worker.answers_200("/ready")
    assert workers.wait_for_answers([job]) == ANSWERS[:1]
    worker.assert_it_says("Redis refuses")
    assert worker.times_said("Traceback") == 0, worker.process.output()
