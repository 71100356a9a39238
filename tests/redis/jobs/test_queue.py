"""The queue on a real server: what a message holds, and how deep the queue is."""

import json
from datetime import UTC, datetime

import pytest

from jobs.contract import names
from jobs.contract.models import Batch, Job
from jobs.contract.settings import Settings
from jobs.storage.connection.client import connect
from jobs.storage.store import JobStore
from jobs.storage.tickets.queue import Balance, JobQueue
from tests.conftest import start_redis, stop
from tests.processes import free_port

pytestmark = pytest.mark.redis


def enqueue(store: JobStore, **fields) -> Job:
    job, _ = store.create_job(Job(question="q", model="nano", **fields))
    return job


def test_a_ticket_says_nothing_about_its_job(store, queue, redis_client):
    job = enqueue(store, file="secret-name.png")
    message = json.loads(redis_client.lindex(names.interactive_queue("nano"), 0))
    positional, by_name, _ = json.loads(message["body"])
    assert (positional, by_name) == ([], {})
    assert job.id not in json.dumps(message)
    assert "secret-name" not in json.dumps(message)


def test_single_jobs_are_interactive_and_those_of_batches_bulk(store, queue):
    batch = store.create_batch(Batch(model="nano"))
    enqueue(store, file="a.png")
    for n in range(3):
        enqueue(store, file=f"{n}.png", batch_id=batch.id)
    depth = queue.depth("nano")
    assert (depth.interactive, depth.bulk, depth.held, depth.waiting) == (1, 3, 0, 4)


def test_each_model_has_queues_of_its_own(store, queue):
    enqueue(store, file="a.png")
    assert queue.depth("ocr").waiting == 0


def test_the_oldest_wait_is_that_of_the_longest_waiting_job_of_any_batch(store, queue):
    assert queue.depth("nano").oldest_wait_s is None
    batches = [store.create_batch(Batch(model="nano")) for _ in range(2)]
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    enqueue(store, file="a.png")
    enqueue(store, file="b.png", batch_id=batches[0].id)
    enqueue(store, file="c.png", batch_id=batches[1].id, created_at=long_ago)
    assert queue.depth("nano").oldest_wait_s > 86_400


def test_every_open_job_has_a_ticket(store, queue, redis_client):
    batch = store.create_batch(Batch(model="nano"))
    for n in range(3):
        enqueue(store, file=f"{n}.png", batch_id=batch.id)
    enqueue(store, file="single.png")
    assert queue.balance("nano") == Balance(queued=4, running=0, waiting=4, held=0, dropped=0)
    assert queue.balance("nano").missing == 0
    redis_client.rpop(names.bulk_queue("nano"))
    assert queue.balance("nano").missing == 1
    queue.add_tickets("nano", 1)
    assert queue.balance("nano").missing == 0


def test_tickets_that_nothing_needs_any_more_are_dropped(store, queue):
    batch = store.create_batch(Batch(model="nano"))
    for n in range(10):
        enqueue(store, file=f"{n}.png", batch_id=batch.id)
    single = enqueue(store, file="single.png")
    store.cancel_batch(batch.id)
    assert queue.drop_surplus("nano") == 10
    assert queue.depth("nano").waiting == 1
    store.cancel(single.id)
    assert (queue.drop_surplus("nano"), queue.drop_surplus("nano")) == (1, 0)
    assert queue.depth("nano").waiting == 0


def test_the_ticket_of_a_running_job_is_not_dropped(store, queue, redis_client):
    """A dead worker's ticket is queued again while its job is still in the state running."""
    batch = store.create_batch(Batch(model="nano"))
    for n in range(4):
        enqueue(store, file=f"{n}.png", batch_id=batch.id)
    first = redis_client.lindex(names.bulk_queue("nano"), -1)
    running = store.take("nano", json.loads(first)["properties"]["delivery_tag"]).job
    for job in store.results(batch.id):
        if job.id != running.id:
            store.cancel(job.id)
    queue.drop_surplus("nano")
    assert redis_client.lrange(names.bulk_queue("nano"), 0, -1) == [first]


def test_a_socket_will_do_as_well(tmp_path):
    socket = tmp_path / "redis.sock"
    server = start_redis(free_port(), tmp_path, "--unixsocket", str(socket))
    try:
        settings = Settings(redis_url=f"unix://{socket}?db=3")
        with connect(settings.redis_url) as client:
            store = JobStore(client)
            queue = JobQueue(store)
            enqueue(store, file="a.png")
            assert queue.depth("nano").interactive == 1
    finally:
        stop(server)
