"""The reconciler on a real server: jobs without a ticket are queued again, all others are left alone."""

import json

import pytest

from jobs.contract import names
from jobs.contract.models import Batch, Job, JobState
from jobs.upkeep.reconciler import Reconciled, Reconciler

pytestmark = pytest.mark.redis


@pytest.fixture
def reconciler(store, queue) -> Reconciler:
    return Reconciler(store, queue)


@pytest.fixture
def batch(store, queue) -> Batch:
    made = store.create_batch(Batch(model="nano"))
    for n in range(5):
        store.create_job(Job(batch_id=made.id, file=f"{n}.png", question="q", model="nano"))
    return made


def look(reconciler: Reconciler) -> Reconciled:
    """Run the reconciler three times; gives what the third repaired, as it must see a fault before."""
    looks = [reconciler.look("nano") for _ in range(3)]
    assert looks[:2] == [Reconciled(), Reconciled()], "it waits for what may just be under way"
    return looks[2]


def hold(redis_client) -> str:
    """Take a ticket as kombu does for a worker; gives the ticket."""
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
    job = store.take("nano", ticket).job
    redis_client.hdel(names.held_key("nano"), ticket)
    assert look(reconciler) == Reconciled(taken_back=1, tickets=1)
    again = store.get_job(job.id)
    assert (again.state, again.crashes) == (JobState.QUEUED, 1)


def test_a_ticket_that_a_worker_is_just_taking_is_not_replaced(reconciler, batch, redis_client):
    for _ in range(4):
        message = redis_client.rpop(names.bulk_queue("nano"))
        assert reconciler.look("nano") == Reconciled()
        redis_client.rpush(names.bulk_queue("nano"), message)
        assert reconciler.look("nano") == Reconciled()


def test_surplus_tickets_are_harmless_and_go(reconciler, store, batch, queue):
    store.cancel_batch(batch.id)
    assert store.take("nano", "ticket") is None
    assert look(reconciler) == Reconciled()
    assert queue.depth("nano").waiting == 0
