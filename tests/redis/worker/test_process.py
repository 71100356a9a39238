"""A worker as a real process: its signals, its Redis, and its errors when it cannot start."""

import json
import signal
from io import BytesIO

import pytest
from PIL import Image

from jobs.contract import names
from jobs.contract.models import JobState, WorkerInfo, WorkerState
from jobs.storage.files.blobs import BlobStore
from jobs.storage.fleet import Fleet
from tests import plain
from tests.processes import Process, python, wait_until
from tests.stubs.engine import LOSE_DEVICE, PONDER
from tests.stubs.processes import ANSWERS, MODEL, QUESTIONS, SHA256, WorkerProcesses

pytestmark = [pytest.mark.redis, pytest.mark.process]


@pytest.fixture
def workers(tmp_path):
    """No process runs yet."""
    made = WorkerProcesses(tmp_path)
    yield made
    made.end()


def test_sigterm_finishes_what_is_held_and_leaves_the_rest_to_others(workers):
    workers.start_redis()
    worker = workers.start_worker(takes_s=1.5).wait_until_ready()
    jobs = [workers.enqueue(question) for question in QUESTIONS]

    def slots_are_full_again() -> bool:
        states = [workers.state(job) for job in jobs]
        return JobState.SUCCEEDED in states and states.count(JobState.RUNNING) == 4

    # A job that is taken at the moment of the signal would be given back with one more attempt; the next is
    # taken as long after this as an answer takes, one after the other, also on a busy machine.
    wait_until(slots_are_full_again, "one is answered", every_s=0.01)
    worker.process.send(signal.SIGTERM)
    assert worker.exit_code() == 0, worker.process.output()
    workers.assert_nothing_is_lost(jobs)
    assert 4 <= [workers.state(job) for job in jobs].count(JobState.SUCCEEDED) < 12
    assert Fleet(workers.client).workers() == []
    workers.start_worker().wait_until_ready()
    assert workers.wait_for_answers(jobs) == ANSWERS
    assert {workers.store.get_job(job.id).attempts for job in jobs} == {1}


def test_a_worker_tells_how_long_it_took_to_start_and_leaves_a_thumbnail(workers):
    workers.start_redis()
    loading = Fleet(workers.client).starts_s()
    worker = workers.start_worker(EVA01_THUMBNAIL_PX="48").wait_until_ready()
    wait_until(lambda: Fleet(workers.client).starts_s(), "it has told")
    assert (loading, 0 < Fleet(workers.client).starts_s()[MODEL] < 120) == ({}, True)
    assert workers.wait_for_answers([workers.enqueue(QUESTIONS[0])]) == ANSWERS[:1]
    with Image.open(
        BytesIO(BlobStore(workers.settings.blobs_url).get(names.thumbnail_path(SHA256)))
    ) as small:
        assert small.size == (48, 32)
    worker.process.send(signal.SIGTERM)
    assert worker.exit_code() == 0
    assert MODEL in Fleet(workers.client).starts_s(), "it is known when no worker is up"


def test_a_second_signal_gives_everything_back_at_once(workers):
    workers.start_redis()
    worker = workers.start_worker(takes_s=60).wait_until_ready()
    jobs = [workers.enqueue(question) for question in QUESTIONS]
    # A ticket counts as held slightly before its slot has set the job to running.
    running = [JobState.RUNNING] * 4
    wait_until(
        lambda: [s for s in map(workers.state, jobs) if s is JobState.RUNNING] == running, "all slots work"
    )
    worker.process.send(signal.SIGTERM)
    worker.wait_until_it_says("Stopping (SIGTERM): finishing 4 jobs")
    worker.process.send(signal.SIGTERM)
    assert worker.exit_code() == 0, worker.process.output()
    assert {workers.state(job) for job in jobs} == {JobState.QUEUED}
    workers.assert_nothing_is_lost(jobs)
    worker.assert_it_says("given back", 4)
    assert worker.times_said("Traceback") == 0, worker.process.output()


def test_a_job_that_its_slot_cannot_let_go_of_is_no_suspect_when_its_worker_stops(workers):
    workers.start_redis()
    worker = workers.start_worker(EVA01_DRAIN_S="0").wait_until_ready()
    job = workers.enqueue(PONDER)
    wait_until(lambda: workers.state(job) is JobState.RUNNING, "its slot is busy with it")
    worker.process.send(signal.SIGTERM)
    assert worker.exit_code() == 0, worker.process.output()
    workers.assert_nothing_is_lost([job])
    again = workers.store.take(MODEL, "another's")
    assert again and (again.job.id, again.job.crashes, again.has_begun) == (job.id, 0, True)


def test_no_message_is_lost_when_workers_come_and_go_without_patience(workers):
    workers.start_redis()
    jobs = [workers.enqueue(question) for question in QUESTIONS]
    for _ in range(3):
        worker = workers.start_worker(takes_s=0.2, EVA01_DRAIN_S="0").wait_until_ready()
        wait_until(lambda: workers.held() > 0, "slots hold jobs")
        worker.process.send(signal.SIGTERM)
        assert worker.exit_code() == 0, worker.process.output()
        workers.assert_nothing_is_lost(jobs)
    workers.start_worker().wait_until_ready()
    assert workers.wait_for_answers(jobs) == ANSWERS


def test_redis_may_come_late_and_go_away_meanwhile(workers):
    worker = workers.start_worker()
    worker.wait_until_it_says("Redis is away")
    worker.wait_until_it_says("loaded in")
    assert (worker.answers_200("/health"), worker.answers_200("/ready")) == (True, False)
    server = workers.start_redis()
    worker.wait_until_ready()
    assert workers.wait_for_answers([workers.enqueue(QUESTIONS[0])]) == ANSWERS[:1]
    server.end()
    wait_until(lambda: not worker.answers_200("/ready"), "the worker notices")
    worker.wait_until_it_says("Redis is away", times=2)
    workers.start_redis()
    worker.wait_until_ready()
    assert workers.wait_for_answers([workers.enqueue(QUESTIONS[1])]) == ANSWERS[1:2]
    worker.assert_it_says("Redis is away", 2)
    worker.assert_it_says("Redis is back", 2)
    assert worker.times_said("Traceback") == 0, worker.process.output()


def test_an_answer_outlives_a_redis_that_goes_away_before_it_is_stored(workers):
    server = workers.start_redis()
    worker = workers.start_worker(takes_s=1).wait_until_ready()
    job = workers.enqueue(QUESTIONS[0])
    wait_until(lambda: workers.state(job) is JobState.RUNNING, "the job runs")
    server.end()
    worker.wait_until_it_says("Batch 1:")
    workers.start_redis()
    assert workers.wait_for_answers([job]) == ANSWERS[:1]
    assert workers.store.get_job(job.id).attempts == 1
    wait_until(lambda: workers.held() == 0, "its message is let go of")


def test_redis_that_never_comes_does_not_keep_a_worker_from_stopping(workers):
    worker = workers.start_worker()
    worker.wait_until_it_says("loaded in")
    worker.process.send(signal.SIGTERM)
    assert worker.exit_code() == 0, worker.process.output()


def test_a_broken_device_ends_the_worker_and_loses_nothing(workers):
    workers.start_redis()
    worker = workers.start_worker(takes_s=0.3).wait_until_ready()
    jobs = [workers.enqueue(question) for question in (LOSE_DEVICE, *QUESTIONS[1:])]
    assert worker.exit_code() == 1, worker.process.output()
    workers.assert_nothing_is_lost(jobs)


def test_the_fleet_knows_the_worker_and_its_metrics_are_served(workers):
    workers.start_redis()
    worker = workers.start_worker(EVA01_SLOTS="3").wait_until_ready()
    fleet = Fleet(workers.client)
    ready: list[WorkerInfo] = []

    def is_ready() -> bool:
        ready[:] = fleet.workers()
        return [one.state for one in ready] == [WorkerState.READY]

    wait_until(is_ready, "the fleet knows")
    (info,) = ready
    assert (info.model, info.slots, info.device) == (MODEL, 3, "cpu")
    assert fleet.models()[MODEL].uses_question
    facts = json.loads(plain.get(f"{worker.url}/ready").text)
    assert (facts["id"], facts["is_ready"]) == (info.id, True)
    assert 'eva01_model_load_seconds{model="stub"}' in plain.get(f"{worker.url}/metrics").text
    assert plain.get(f"{worker.url}/nothing").status_code == 404


def test_a_port_that_is_taken_is_named(workers):
    workers.start_redis()
    command = python("worker", "--model", "ocr")
    process = Process.start("worker", command, {"EVA01_WORKER_PORT": str(workers.port)}, workers.folder)
    assert process.wait() == 2, process.output()
    assert process.output().count("\n") == 1
    assert f"EVA01_WORKER_PORT={workers.port}" in process.output()


@pytest.mark.parametrize(
    ("model", "env", "said"),
    [
        ("ocr", {"EVA01_SLOTS": "many"}, "EVA01_SLOTS='many'"),
        ("ocr", {"EVA01_BLOBS": "ftp://x"}, "EVA01_BLOBS='ftp://x'"),
        ("/no/such/folder", {"HF_HUB_OFFLINE": "1"}, "The model folder could not be loaded. Tried: /no/such"),
    ],
)
def test_a_worker_that_cannot_start_says_why_in_one_line(tmp_path, model, env, said):
    env = {"EVA01_WORKER_PORT": "0", "EVA01_DATA": str(tmp_path), **env}
    process = Process.start("worker", python("worker", "--model", model), env, tmp_path)
    assert process.wait() == 2, process.output()
    last = process.output().strip().splitlines()[-1]
    assert said in last
    assert "Traceback" not in process.output()
