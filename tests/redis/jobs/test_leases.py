"""Leases on a real server: what nobody renews goes back, by workers' sweeps and by web's own."""

import json
from typing import Any

import pytest

from jobs.contract import names
from jobs.contract.catalog import NANO
from jobs.contract.models import Batch, Job
from jobs.contract.settings import Settings
from jobs.storage.fleet import Fleet
from jobs.storage.store.jobs import Came
from jobs.storage.tickets.abandoned import Abandoned
from jobs.storage.tickets.leases import Leases
from tests.redis.jobs.test_fleet import worker
from tests.servers.refusing import full
from worker.broker.tickets import Ticket

pytestmark = pytest.mark.redis

MODEL = "nano"
BULK, HELD, INDEX = names.bulk_queue(MODEL), names.held_key(MODEL), names.held_index_key(MODEL)
#: So long that none runs out by itself, however busy the machine is; `end` lets all run out.
LEASE_S = 600
SETTINGS = Settings(lease_s=LEASE_S)


@pytest.fixture
def leases() -> Leases:
    return Leases.of(MODEL, SETTINGS)


@pytest.fixture
def batch(store) -> Batch:
    made = store.create_batch(Batch(model=MODEL))
    store.create_jobs([Job(batch_id=made.id, file=f"{n}.png", question="q", model=MODEL) for n in range(3)])
    return made


def hold(leases: Leases, client: Any) -> str:
    """Take the next ticket, as a worker does with kombu; gives its number."""
    raw = client.rpop(BULK)
    ticket = Ticket.read(raw.encode(), 1024)
    message = json.loads(ticket.message(BULK))
    leases.hold(client, ticket.number, json.dumps([message, "", BULK]))
    return ticket.number


def end(client: Any) -> None:
    """Let all leases have run out an hour ago."""
    for ticket in client.zrange(INDEX, 0, -1):
        client.zadd(INDEX, {ticket: client.time()[0] - 3600})


def waiting(client: Any) -> list[Ticket]:
    """The tickets that wait, the next one first."""
    return [Ticket.read(raw.encode(), 1024) for raw in reversed(client.lrange(BULK, 0, -1))]


def test_what_is_renewed_stays_and_what_is_not_goes_back_to_the_front(leases, batch, redis_client):
    first, other = hold(leases, redis_client), hold(leases, redis_client)
    assert leases.sweep(redis_client).returned == 0
    end(redis_client)
    leases.renew(redis_client, [other, "acknowledged meanwhile"])
    assert leases.sweep(redis_client).returned == 1
    assert (redis_client.hkeys(HELD), redis_client.zrange(INDEX, 0, -1)) == ([other], [other])
    assert waiting(redis_client)[0] == Ticket(first, is_redelivered=True)
    assert [ticket.is_redelivered for ticket in waiting(redis_client)] == [True, False]


def test_a_clock_of_a_machine_has_no_part_in_it(leases, batch, redis_client, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 0.0)
    hold(leases, redis_client)
    assert leases.sweep(redis_client).returned == 0
    ((_, since_s),) = redis_client.zrange(INDEX, 0, -1, withscores=True)
    assert since_s >= redis_client.time()[0] - 60


def test_a_job_whose_worker_is_gone_is_a_suspect_and_one_that_had_not_begun_is_not(
    leases, store, batch, redis_client
):
    begun = hold(leases, redis_client)
    job = store.take(MODEL, begun).job
    end(redis_client)
    assert leases.sweep(redis_client).returned == 1
    again = waiting(redis_client)[0]
    taken = store.take(MODEL, again.number, Came.REDELIVERED if again.is_redelivered else Came.FRESH)
    assert (taken.job.id, taken.job.crashes) == (job.id, 1)
    hold(leases, redis_client)
    end(redis_client)
    leases.sweep(redis_client)
    assert [job.crashes for job in store.results(batch.id)] == [1, 0, 0]


def test_what_is_no_ticket_is_put_aside_and_only_the_newest_are_kept(redis_client):
    leases = Leases(MODEL, 1, most_unreadable=2, most_bytes=30)
    bad = {
        "not JSON": "garbage",
        "no list": "7",
        "of another queue": json.dumps([{}, "", "eva01:other:bulk"]),
        "deep": "[" * 5000,
    }
    redis_client.hset(HELD, mapping=bad)
    redis_client.zadd(INDEX, dict.fromkeys(bad, 1.0))
    # One that is in the index alone.
    redis_client.zadd(INDEX, {"nothing": 1.0})
    found = leases.sweep(redis_client)
    assert (found.returned, found.unreadable) == (0, len(bad))
    assert redis_client.exists(HELD, INDEX, BULK, "eva01:other:bulk") == 0
    kept = redis_client.lrange(names.unreadable_key(MODEL), 0, -1)
    assert len(kept) == 2
    assert set(kept) < {text[:30] for text in bad.values()}


def test_what_has_a_lease_keeps_it_where_others_get_one(leases, batch, redis_client):
    kept, lost = hold(leases, redis_client), hold(leases, redis_client)
    redis_client.hset(HELD, b"\xff", "x")
    redis_client.zrem(INDEX, lost)
    redis_client.zadd(INDEX, {kept: 5_000_000_000})
    before_s = redis_client.time()[0]
    assert leases.sweep(redis_client).returned == 0
    assert redis_client.zscore(INDEX, kept) == 5_000_000_000
    assert redis_client.zscore(INDEX, lost) >= before_s
    assert redis_client.zscore(INDEX, b"\xff") >= before_s


def test_what_is_held_without_a_lease_gets_one_and_goes_back_in_time(leases, batch, redis_client):
    ticket = hold(leases, redis_client)
    redis_client.delete(INDEX)
    assert leases.sweep(redis_client).returned == 0
    assert redis_client.zrange(INDEX, 0, -1) == [ticket]
    end(redis_client)
    assert leases.sweep(redis_client).returned == 1


def test_more_than_one_step_goes_back_in_one_sweep(leases, store, batch, redis_client):
    many = 2500
    store.create_jobs(
        [Job(batch_id=batch.id, file=f"m{n}.png", question="q", model=MODEL) for n in range(many)]
    )
    message = json.dumps([{}, "", BULK])
    redis_client.delete(BULK)
    redis_client.hset(HELD, mapping=dict.fromkeys(map(str, range(many)), message))
    redis_client.zadd(INDEX, dict.fromkeys(map(str, range(many)), 1.0))
    assert leases.sweep(redis_client).returned == many
    assert redis_client.llen(BULK) == many


# Web, where no worker is left


@pytest.fixture
def abandoned(redis_client, clock) -> Abandoned:
    return Abandoned(redis_client, SETTINGS, clock)


def test_web_gives_back_what_dead_workers_held(leases, batch, abandoned, redis_client, clock, caplog):
    hold(leases, redis_client)
    end(redis_client)
    assert abandoned.give_back(MODEL) == 0, "nobody knows how long Redis has been well"
    clock.now_s += 0.4 * LEASE_S
    assert abandoned.give_back(MODEL) == 0, "half a lease is not over"
    clock.now_s += 0.1 * LEASE_S
    assert abandoned.give_back(MODEL) == 1
    assert "whoever held 1 tickets is gone" in caplog.text
    assert redis_client.hlen(HELD) == 0
    assert redis_client.llen(BULK) == 3
    assert waiting(redis_client)[0].is_redelivered


def test_web_leaves_alone_what_was_renewed_after_redis_was_away(
    leases, batch, abandoned, redis_client, clock
):
    ticket, other = hold(leases, redis_client), hold(leases, redis_client)
    end(redis_client)
    assert abandoned.give_back(MODEL) == 0
    # One of the two holders comes back after the first look, and before the next.
    leases.renew(redis_client, [ticket])
    clock.now_s += 0.5 * LEASE_S
    assert abandoned.give_back(MODEL) == 1
    assert redis_client.hkeys(HELD) == [ticket]
    assert waiting(redis_client)[0].number == other


def test_looks_from_before_redis_refused_count_for_nothing(leases, batch, abandoned, redis_client, clock):
    hold(leases, redis_client)
    end(redis_client)
    assert abandoned.give_back(MODEL) == 0
    clock.now_s += LEASE_S
    with full(redis_client):
        assert abandoned.give_back(MODEL) == 0
    assert abandoned.give_back(MODEL) == 0, "those who live have had no time to renew theirs"
    clock.now_s += LEASE_S
    assert abandoned.give_back(MODEL) == 1


# What the fleet keeps of itself


@pytest.mark.parametrize(
    "key",
    [names.ready_key(MODEL), names.ready_of_late_key(MODEL), names.WORKERS, names.MODELS, names.STARTS],
)
def test_a_worker_beats_on_where_something_else_has_the_place_of_what_it_writes(key, redis_client, caplog):
    fleet = Fleet(redis_client)
    redis_client.set(key, "another program's")
    ready = worker("one").model_copy(update={"start_s": 2.0})
    fleet.beat(ready, NANO, 60)
    assert redis_client.get(f"{key}:aside") == "another program's"
    assert f"{key} was of another type than ours" in caplog.text
    assert (fleet.workers(), fleet.ready_of_late(MODEL)) == ([ready], 1)
    assert (fleet.models(), fleet.starts_s()) == ({MODEL: NANO}, {MODEL: 2.0})
