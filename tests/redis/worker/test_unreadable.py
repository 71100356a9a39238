"""Records that cannot be read: a worker lets go of them, and answers the others."""

import pytest

from jobs.contract import names
from jobs.contract.models import Batch, Job, JobState, new_id
from tests import plain
from tests.processes import wait_until
from tests.stubs.processes import ANSWERS, MODEL, QUESTIONS, SHA256, WorkerProcesses

pytestmark = [pytest.mark.redis, pytest.mark.process]


def test_a_worker_answers_all_that_can_be_read(workers: WorkerProcesses):
    batch = workers.store.create_batch(Batch(model=MODEL))
    made = [
        Job(batch_id=batch.id, file=f"{n}.png", question=question, model=MODEL, images=(SHA256,))
        for n, question in enumerate(QUESTIONS)
    ]
    workers.store.create_jobs(made)
    half, other, path, gone = (names.job_key(job.id) for job in made[:4])
    workers.client.hdel(half, "file")
    workers.client.delete(other)
    workers.client.set(other, "x")
    workers.client.hset(path, "images", "../../etc/passwd")
    workers.client.delete(gone)
    single = new_id()
    workers.client.zadd(names.singles_key(MODEL), {single: 0, "no id": 0})
    worker = workers.start_worker(EVA01_LEASE_S="2").wait_until_ready()
    assert workers.wait_for_answers(made[4:]) == ANSWERS[4:]
    wait_until(lambda: workers.store.get_batch(batch.id).unfinished == 0, "the batch has come to its end")
    counts = workers.store.get_batch(batch.id).counts
    assert (counts[JobState.SUCCEEDED], counts[JobState.FAILED]) == (8, 4)
    assert workers.client.hget(path, "state") == "failed"
    wait_until(lambda: workers.held() == 0, "nothing is held")
    assert workers.wait_for_answers([workers.enqueue(QUESTIONS[0])]) == ANSWERS[:1]
    of_the_fleet = (names.WORKERS, names.MODELS, names.STARTS, names.finishes_key(MODEL))
    for key in (*of_the_fleet, names.ready_key(MODEL), names.ready_of_late_key(MODEL)):
        workers.client.delete(key)
        workers.client.set(key, "x")
    assert workers.wait_for_answers([workers.enqueue(QUESTIONS[1])]) == ANSWERS[1:2]
    assert worker.answers_200("/ready")
    assert worker.process.popen.poll() is None
    worker.assert_it_says("cannot be read")
    assert worker.times_said("Traceback") == 0, worker.process.output()
    assert 'eva01_unreadable_records_total{kind="job"} 2.0' in plain.get(f"{worker.url}/metrics").text


def test_a_batch_that_becomes_something_else_while_it_runs_keeps_no_slot(workers: WorkerProcesses):
    batch = workers.store.create_batch(Batch(model=MODEL))
    asked = {"batch_id": batch.id, "model": MODEL, "images": (SHA256,)}
    jobs = [Job(file=f"{n}.png", question=question, **asked) for n, question in enumerate(QUESTIONS)]
    workers.store.create_jobs(jobs)
    worker = workers.start_worker(takes_s=0.5, EVA01_LEASE_S="2").wait_until_ready()
    wait_until(lambda: workers.held() > 0, "some are held")
    workers.client.delete(names.batch_key(batch.id))
    workers.client.set(names.batch_key(batch.id), "x")
    single = workers.enqueue(QUESTIONS[0])
    assert workers.wait_for_answers([single]) == ANSWERS[:1]
    wait_until(lambda: workers.held() == 0, "nothing is held")
    assert worker.times_said("Traceback") == 0, worker.process.output()
