"""The reconciler on a real server: what was lost runs, and what is right is left alone."""

import json

import pytest

from jobs.contract import names
from jobs.contract.models import Batch, Job, JobState
from jobs.contract.settings import Settings
from jobs.storage.queue import JobQueue, create_celery
from jobs.storage.store import JobStore
from jobs.upkeep.reconciler import Reconciled, Reconciler

pytestmark = pytest.mark.redis


@pytest.fixture
def store(redis_client) -> JobStore:
    return JobStore(redis_client)


@pytest.fixture
def queue(store, redis_url) -> JobQueue:
    return JobQueue(create_celery(Settings(redis_url=redis_url)), store)


@pytest.fixture
def reconciler(store, queue) -> Reconciler:
    return Reconciler(store, queue)


@pytest.fixture
def batch(store, queue) -> Batch:
    made = store.create_batch(Batch(model="nano"))
    for n in range(5):
        job, _ = store.create_job(Job(batch_id=made.id, file=f"{n}.png", question="q", model="nano"))
        queue.enqueue(job)
    return made


def look(reconciler: Reconciler) -> Reconciled:
    """What three looks mended."""
    looks = [reconciler.look("nano") for _ in range(3)]
    assert looks[:2] == [Reconciled(), Reconciled()], "it waits for what may just be under way"
    return looks[2]


def hold(redis_client) -> str:
    """What kombu does when a worker takes a ticket; gives the ticket."""
    message = redis_client.rpop(names.bulk_queue("nano"))
    ticket = json.loads(message)["properties"]["delivery_tag"]
    redis_client.hset(names.held_key("nano"), ticket, message)
    return ticket


def test_nothing_is_done_while_nothing_is_wrong(reconciler, store, batch, redis_client):
    store.take("nano", hold(redis_client))
    assert look(reconciler) == Reconciled()
    assert redis_client.llen(names.bulk_queue("nano")) == 4


def test_a_lost_ticket_is_replaced_once(reconciler, batch, redis_client):
    redis_client.rpop(names.bulk_queue("nano"))
    assert look(reconciler) == Reconciled(tickets=1)
    assert redis_client.llen(names.bulk_queue("nano")) == 5
    assert look(reconciler) == Reconciled()


def test_the_whole_queue_is_replaced(reconciler, batch, queue, redis_client):
    redis_client.delete(names.bulk_queue("nano"))
    assert look(reconciler) == Reconciled(tickets=5)
    assert queue.balance("nano").missing == 0


def test_a_job_whose_ticket_nobody_holds_is_queued_again(reconciler, store, batch, redis_client):
    ticket = hold(redis_client)
    job = store.take("nano", ticket)
    redis_client.hdel(names.held_key("nano"), ticket)
    assert look(reconciler) == Reconciled(taken_back=1, tickets=1)
    again = store.get_job(job.id)
    assert (again.state, again.crashes) == (JobState.QUEUED, 1)


def test_a_ticket_that_just_goes_out_is_not_replaced(reconciler, store, queue, batch):
    for _ in range(4):
        job, _ = store.create_job(Job(file="a.png", question="q", model="nano"))
        assert reconciler.look("nano") == Reconciled()
        queue.enqueue(job)
        assert reconciler.look("nano") == Reconciled()


def test_surplus_tickets_are_harmless(reconciler, store, batch, queue):
    store.cancel_batch(batch.id)
    assert look(reconciler) == Reconciled()
    assert store.take("nano", "ticket") is None
