"""The queue on a real server: what a message holds, and how deep the queue is."""

import json
from base64 import b64decode

import pytest

from jobs import names
from jobs.models import Batch, Job
from jobs.queue import JobQueue, create_celery
from jobs.settings import Settings
from jobs.store import JobStore

pytestmark = pytest.mark.redis


@pytest.fixture
def store(redis_client) -> JobStore:
    return JobStore(redis_client)


@pytest.fixture
def queue(store, redis_url) -> JobQueue:
    return JobQueue(create_celery(Settings(redis_url=redis_url)), store)


def enqueue(store: JobStore, queue: JobQueue, **fields) -> Job:
    job, _ = store.create_job(Job(question="q", model="nano", **fields))
    queue.enqueue(job)
    return job


def test_a_message_carries_the_jobs_id_and_nothing_else(store, queue, redis_client):
    job = enqueue(store, queue, file="secret-name.png")
    message = json.loads(redis_client.lindex(names.interactive_queue("nano"), 0))
    positional, by_name, _ = json.loads(b64decode(message["body"]))
    assert (positional, by_name) == ([job.id], {})
    assert "secret-name" not in json.dumps(message)


def test_single_jobs_are_interactive_and_those_of_batches_bulk(store, queue):
    batch = store.create_batch(Batch(model="nano"))
    enqueue(store, queue, file="a.png")
    for n in range(3):
        enqueue(store, queue, file=f"{n}.png", batch_id=batch.id)
    depth = queue.depth("nano")
    assert (depth.interactive, depth.bulk, depth.held, depth.waiting) == (1, 3, 0, 4)


def test_each_model_has_queues_of_its_own(store, queue):
    enqueue(store, queue, file="a.png")
    assert queue.depth("ocr").waiting == 0


def test_the_oldest_wait_is_that_of_the_message_at_the_head(store, queue, redis_client):
    assert queue.depth("nano").oldest_wait_s is None
    first = enqueue(store, queue, file="a.png")
    enqueue(store, queue, file="b.png")
    redis_client.hset(names.job_key(first.id), "queued_at", "2020-01-01T00:00:00+00:00")
    assert queue.depth("nano").oldest_wait_s > 86_400


def test_a_job_whose_message_went_out_says_when(store, queue):
    job = enqueue(store, queue, file="a.png")
    assert store.get_job(job.id).queued_at is not None
