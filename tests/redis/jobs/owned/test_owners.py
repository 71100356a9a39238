"""Owners in the store: lines, lists, images and answers, each owner's for itself."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from jobs import flow
from jobs.contract import names
from jobs.contract.models import Batch, Job, JobState, Result
from jobs.storage.store import JobStore
from jobs.storage.tickets.queue import JobQueue
from jobs.upkeep.restore import Restore
from tests.backend import MODEL, RECIPE, Backend, keys_left, sha256_of

pytestmark = pytest.mark.redis

RED, BLUE = b"red", b"blue"
#: What all jobs of the tests of lines ask.
ASKED = {"question": "q", "model": MODEL, "images": ("ab" * 32,)}


def batch_of(store: JobStore, owner: str | None, count: int) -> Batch:
    batch = store.create_batch(Batch(model=MODEL, owner=owner))
    asked = {"batch_id": batch.id, "owner": owner} | ASKED
    if count:
        store.create_jobs([Job.model_validate({"file": f"{n}.png", **asked}) for n in range(count)])
    return batch


def singles_of(store: JobStore, owner: str | None, count: int) -> list[Job]:
    asked = {"file": "single.png", "owner": owner} | ASKED
    return [store.create_job(Job.model_validate(asked))[0] for _ in range(count)]


def taken(store: JobStore, count: int, first: int = 0) -> list[Job]:
    jobs = [store.take(MODEL, f"ticket {n}") for n in range(first, first + count)]
    return [taken.job for taken in jobs if taken]


def owners_of(jobs: Sequence[Job]) -> list[str | None]:
    return [job.owner for job in jobs]


# Lines


@pytest.mark.parametrize("flood", [batch_of, singles_of])
@pytest.mark.parametrize("want", [batch_of, singles_of])
@pytest.mark.parametrize("owner", ["ben", "aaron", None])
def test_a_flood_of_one_owner_never_delays_anothers_first_answer_by_more_than_a_turn(
    store, flood, want, owner
):
    flood(store, "anna", 300)
    taken(store, 50)
    want(store, owner, 10)
    served = owners_of(taken(store, 20, first=100))
    assert owner in served[:2]
    assert (served.count(owner), served.count("anna")) == (10, 10)


def test_many_owners_take_turns_however_much_each_has(store):
    owners = [None, *(f"owner{n}" for n in range(9))]
    for n, owner in enumerate(owners):
        batch_of(store, owner, 30 + 10 * n)
        batch_of(store, owner, 30)
        singles_of(store, owner, n)
    served = owners_of(taken(store, 200))
    for start in range(0, 200, 10):
        assert set(served[start : start + 10]) == set(owners)


def test_a_newcomer_is_served_within_a_round_of_those_that_wait(store):
    for n in range(20):
        batch_of(store, f"owner{n:02}", 50)
    taken(store, 30)
    batch_of(store, "zoe", 5)
    served = owners_of(taken(store, 5 * 21, first=100))
    places = [place for place, owner in enumerate(served) if owner == "zoe"]
    assert places[0] <= 20
    assert all(later - place <= 21 for place, later in pairwise(places))


def test_within_an_owner_single_questions_come_first_and_then_the_batch_with_the_fewest_turns(store):
    batch_of(store, "ben", 100)
    large, small = batch_of(store, "anna", 50), batch_of(store, "anna", 4)
    singles = singles_of(store, "anna", 2)
    annas = [job for job in taken(store, 20) if job.owner == "anna"]
    assert [job.id for job in annas[:2]] == [job.id for job in singles]
    assert [job.batch_id for job in annas[2:]].count(small.id) == 4
    assert [job.batch_id for job in annas[2:]].count(large.id) == 4


def test_an_owner_with_many_batches_has_no_more_turns_than_one_with_a_single_question_after_the_other(store):
    for _ in range(30):
        batch_of(store, "anna", 5)
    served = []
    for n in range(20):
        singles_of(store, "ben", 1)
        served += owners_of(taken(store, 2, first=2 * n))
    assert served.count("ben") == 20


def test_an_owner_who_was_away_does_not_make_up_for_it(store):
    batch_of(store, "anna", 300)
    batch_of(store, "ben", 1)
    taken(store, 101)
    batch_of(store, "ben", 50)
    served = owners_of(taken(store, 40, first=500))
    assert served.count("anna") == served.count("ben") == 20


def test_a_take_costs_as_many_commands_among_a_thousand_owners_as_among_two(store, redis_client):
    def commands() -> int:
        stats = redis_client.info("commandstats")
        return sum(one["calls"] for name, one in stats.items() if not name.startswith("cmdstat_info"))

    def commands_of_takes(first: int) -> int:
        before = commands()
        assert len(taken(store, 2, first=first)) == 2
        return commands() - before

    for n in range(2):
        batch_of(store, f"owner{n}", 6)
    taken(store, 2)
    few = commands_of_takes(10)
    for n in range(2, 1000):
        batch_of(store, f"owner{n}", 2)
    many = commands_of_takes(20)
    assert many <= few


def test_what_is_given_back_cancelled_or_retried_is_in_its_owners_line(store, redis_client):
    batch = batch_of(store, "anna", 4)
    (single,) = singles_of(store, "anna", 1)
    first = taken(store, 1)[0]
    assert first.id == single.id
    store.give_back(first.id)
    assert redis_client.zrange(names.owned_singles_key(MODEL, "anna"), 0, -1) == [first.id]
    store.cancel(first.id)
    assert not redis_client.exists(names.owned_singles_key(MODEL, "anna"))
    failed = taken(store, 2, first=5)
    for job in failed:
        store.finish(job.id, Result(error={"code": "engine_failed", "message": "x"}))
    store.cancel_batch(batch.id)
    assert not redis_client.exists(names.owned_turns_key(MODEL, "anna"))
    assert store.retry_batch(batch.id).queued == 2
    while store.settle_some(batch.id, 10):
        pass
    assert redis_client.zrange(names.owned_turns_key(MODEL, "anna"), 0, -1) == [batch.id]
    assert {job.id for job in taken(store, 4, first=10)} == {job.id for job in failed}
    assert taken(store, 1, first=20) == []
    assert not redis_client.exists(names.owners_key(MODEL), names.turns_key(MODEL), names.singles_key(MODEL))


def test_lines_without_owners_are_served_beside_those_with(store, redis_client):
    """Jobs of an owner whose lines had none yet, as they were before lines had owners."""
    batch, (single,) = batch_of(store, "anna", 3), singles_of(store, "anna", 1)
    for key in ("singles", "turns"):
        redis_client.rename(f"eva01:{MODEL}:{key}:anna", f"eva01:{MODEL}:{key}")
    redis_client.delete(names.owners_key(MODEL))
    batch_of(store, "ben", 5)
    served = taken(store, 8)
    assert owners_of(served).count("ben") == 4
    annas = [job for job in served if job.owner == "anna"]
    assert (annas[0].id, [job.batch_id for job in annas[1:]]) == (single.id, [batch.id] * 3)
    assert len(taken(store, 5, first=20)) == 1
    store.give_back(single.id)
    assert redis_client.zrange(names.owned_singles_key(MODEL, "anna"), 0, -1) == [single.id]


def test_a_line_that_is_something_else_holds_up_no_other_owner(store, redis_client):
    for owner in ("anna", "ben", "carl"):
        batch_of(store, owner, 2)
        singles_of(store, owner, 1)
    for key in (names.owned_singles_key(MODEL, "anna"), names.owned_turns_key(MODEL, "ben")):
        redis_client.delete(key)
        redis_client.set(key, "x")
    served = owners_of(taken(store, 10))
    assert {owner: served.count(owner) for owner in ("anna", "ben", "carl")} == {
        "anna": 2,
        "ben": 1,
        "carl": 3,
    }
    assert JobQueue(store).balance(MODEL).queued == 0


def test_lines_of_nobody_that_are_something_else_hold_up_no_owner(store, redis_client):
    batch_of(store, "anna", 2)
    singles_of(store, "ben", 1)
    for key in (names.singles_key(MODEL), names.turns_key(MODEL)):
        redis_client.set(key, "x")
    assert sorted(map(str, owners_of(taken(store, 10)))) == ["anna", "anna", "ben"]


def test_the_queue_is_as_deep_as_all_lines_together(store, queue):
    for owner in (None, "anna", "ben"):
        batch_of(store, owner, 3)
        singles_of(store, owner, 2)
    balance = queue.balance(MODEL)
    assert (balance.queued, balance.waiting, balance.missing) == (15, 15, 0)
    assert queue.depth(MODEL).oldest_wait_s is not None
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    asked = {"file": "a", "owner": "carl", "created_at": long_ago} | ASKED
    waits = store.create_job(Job.model_validate(asked))[0]
    assert queue.depth(MODEL).oldest_wait_s > 86_400
    store.cancel(waits.id)
    assert queue.depth(MODEL).oldest_wait_s < 86_400


# Lists


def listed(backend: Backend, owners: Collection[str | None] | None, **how) -> list[list[str]]:
    """The names on each page, to the end."""
    batches, cursor = backend.stores.batch_list.page(owners=owners, **how)
    seen = [[batch.name for batch in batches]]
    while cursor:
        batches, cursor = backend.stores.batch_list.page(owners=owners, **how, cursor=cursor)
        seen.append([batch.name for batch in batches])
    return seen


def named(backend: Backend, name: str, owner: str | None, step_s: float = 1) -> Batch:
    backend.clock.now_s += step_s
    return backend.store.create_batch(Batch(model=MODEL, name=name, owner=owner))


@pytest.mark.parametrize("step_s", [0, 0.0000001, 1])
@pytest.mark.parametrize("limit", [1, 7, 200])
def test_several_owners_batches_are_one_list_by_last_change(backend, step_s, limit):
    owners = ["anna", "ben", None, "team", "anna"]
    made = [named(backend, f"{n}", owners[n % 5], step_s) for n in range(40)]
    wanted = {batch.name for batch in made if batch.owner in ("anna", "team")}
    pages = listed(backend, {"anna", "team"}, limit=limit)
    seen = [name for page in pages for name in page]
    assert (len(seen), set(seen)) == (len(wanted), wanted)
    if step_s:
        assert seen == [batch.name for batch in reversed(made) if batch.name in wanted]
    assert {name for page in listed(backend, {None}, limit=limit) for name in page} == {
        batch.name for batch in made if batch.owner is None
    }
    assert len([name for page in listed(backend, None, limit=limit) for name in page]) == 40
    assert listed(backend, {"nobody"}) == listed(backend, set()) == [[]]


def test_every_change_of_a_job_moves_its_batch_to_the_front_of_its_owners_list(backend):
    first, _ = named(backend, "first", "anna"), named(backend, "second", "anna")

    def order() -> list[str]:
        backend.clock.now_s += 1
        return listed(backend, {"anna"})[0]

    assert order() == ["second", "first"]
    job = backend.add(first, RED)
    assert order() == ["first", "second"]
    for change in (lambda: backend.finish(backend.take()), lambda: backend.add(first, BLUE)):
        named(backend, "x", "anna")
        backend.clock.now_s += 1
        change()
        assert order()[0] == "first"
    named(backend, "y", "anna")
    backend.clock.now_s += 1
    flow.cancel_batch(backend.stores, first.id)
    assert order()[0] == "first"
    assert backend.store.get_job(job.id).owner == "anna"


def test_a_search_looks_at_no_more_than_it_may_whosoever_batches_they_are(backend):
    for n in range(60):
        named(backend, "hay" if n else "needle", ("anna", "ben")[n % 2])
    found = listed(backend, {"anna", "ben"}, search="needle", looked_at=25)
    assert found == [[], [], ["needle"]]
    assert listed(backend, {"ben"}, search="needle") == [[]]


def test_one_that_moves_to_the_front_meanwhile_hides_no_other_of_any_owner(backend):
    made = [named(backend, f"{n}", ("anna", "ben")[n % 2]) for n in range(6)]
    page = backend.stores.batch_list.page
    batches, cursor = page(owners={"anna", "ben"}, limit=2)
    assert [batch.name for batch in batches] == ["5", "4"]
    backend.clock.now_s += 1
    backend.add(made[2], RED)
    backend.add(made[4], RED)
    batches, _ = page(owners={"anna", "ben"}, limit=5, cursor=cursor)
    assert [batch.name for batch in batches] == ["3", "1", "0"]


def test_a_batch_in_anothers_list_is_not_shown(backend, redis_client):
    batch = named(backend, "anna's", "anna")
    redis_client.zadd(names.owner_batches_key("ben"), {batch.id: 1})
    assert listed(backend, {"ben"}) == [[]]


# Images and answers


def test_an_image_that_two_owners_sent_is_there_once_and_each_ones_own(backend):
    annas, bens = (flow.open_batch(backend.stores, Batch(model=MODEL, owner=one)) for one in ("anna", "ben"))
    sha256 = sha256_of(RED)
    for batch in (annas, bens):
        backend.add(batch, RED)
    known = {owner: backend.image_uses.kind(sha256, {owner}) for owner in ("anna", "ben", "carl", None)}
    assert [owner for owner, kind in known.items() if kind] == []
    backend.client.hset(names.job_key(next(backend.store.results(annas.id)).id), "media_types", "image/png")
    backend.client.hset(names.job_key(next(backend.store.results(bens.id)).id), "media_types", "image/gif")
    kinds = {
        owner: backend.image_uses.kind(sha256, {owner}) for owner in ("anna", "ben", "carl", "ann", None)
    }
    assert {owner: kind and kind.media_type for owner, kind in kinds.items()} == {
        "anna": "image/png",
        "ben": "image/gif",
        "carl": None,
        "ann": None,
        None: None,
    }
    assert backend.images() == {sha256}
    flow.delete_batch(backend.stores, annas.id)
    assert backend.image_uses.kind(sha256, {"anna"}) is None, "at once"
    backend.remove_all()
    assert backend.image_uses.kind(sha256, {"anna"}) is None
    assert backend.image_uses.kind(sha256, {"ben"}).media_type == "image/gif"
    assert backend.images() == {sha256}
    flow.delete_batch(backend.stores, bens.id)
    backend.remove_all()
    backend.store.take(MODEL, "one more")
    backend.assert_empty()


def test_an_image_is_an_owners_until_the_last_of_its_jobs_is_gone(backend):
    jobs = [backend.add(None, RED, owner="anna") for _ in range(3)]
    for job in jobs:
        backend.client.hset(names.job_key(job.id), "media_types", "image/png")
    while jobs:
        assert backend.image_uses.kind(sha256_of(RED), {"anna", "x"}).media_type == "image/png"
        backend.store.remove_job(jobs.pop().id)
    assert backend.image_uses.kind(sha256_of(RED), {"anna"}) is None


def test_the_image_of_an_owner_is_not_deleted_while_a_job_needs_it(backend):
    backend.add(None, RED, owner="anna")
    backend.image_uses.release(backend.image_uses.claim(sha256_of(RED)), sha256_of(RED))
    backend.clock.now_s += 100
    backend.removal.run_once()
    assert backend.images() == {sha256_of(RED)}


def test_answers_are_known_to_their_owner_alone(backend):
    for owner in ("anna", None):
        backend.add(None, RED, owner=owner)
        backend.finish(backend.take())
    (sha256,) = backend.images()
    known = {owner: backend.store.known_answer([sha256], RECIPE, owner) for owner in ("anna", None, "ben")}
    assert {owner: job and job.owner for owner, job in known.items()} == {
        "anna": "anna",
        None: None,
        "ben": None,
    }
    assert known["anna"].id != known[None].id
    backend.store.remove_job(known["anna"].id)
    assert backend.store.known_answer([sha256], RECIPE, "anna") is None
    assert backend.store.known_answer([sha256], RECIPE).id == known[None].id


def test_an_answer_that_was_noted_before_answers_had_owners_is_nobodys_and_goes_with_its_job(backend):
    job = backend.add(None, RED, owner="anna")
    backend.finish(backend.take())
    key = names.image_answers_key(sha256_of(RED))
    backend.client.hdel(key, f"anna/{RECIPE}")
    backend.client.hset(key, RECIPE, job.id)
    backend.client.zrem(names.owned_image_uses_key(sha256_of(RED)), f"anna/{job.id}")
    backend.client.sadd(names.image_uses_key(sha256_of(RED)), job.id)
    assert backend.store.known_answer([sha256_of(RED)], RECIPE) is None
    assert backend.store.known_answer([sha256_of(RED)], RECIPE, "anna") is None
    backend.store.remove_job(job.id)
    backend.journal.forget_jobs([job.id])
    backend.remove_all()
    assert keys_left(backend.client) - {names.owners_key(MODEL)} == set()


# Redis is lost


def test_a_redis_that_was_wiped_comes_back_with_the_same_owners(backend):
    owners = ("anna", "ben", None)
    batches = [
        flow.open_batch(backend.stores, Batch(model=MODEL, owner=one, name=f"{one}")) for one in owners
    ]
    for batch in batches:
        backend.add(batch, RED, "0.png")
        backend.add(batch, BLUE, "1.png")
        backend.add(None, RED, owner=batch.owner)
    for _ in range(6):
        backend.finish(backend.take())

    def seen() -> dict[str, object]:
        jobs = [job for batch in batches for job in backend.store.results(batch.id)]
        jobs += backend.store.get_jobs(sorted(backend.store.single_ids()))
        images = {names.owned_image_uses_key(sha256_of(content)) for content in (RED, BLUE)}
        images |= {names.image_uses_key(sha256_of(content)) for content in (RED, BLUE)}
        members = {
            key: sorted(backend.client.zrange(key, 0, -1) if "owned" in key else backend.client.smembers(key))
            for key in images
        }
        known = {one: backend.store.known_answer([sha256_of(RED)], RECIPE, one) for one in owners}
        return {
            "jobs": [(job.id, job.owner, job.state) for job in jobs],
            "lists": [listed(backend, {one}) for one in owners],
            "images": members,
            "answers": {one: job and job.owner for one, job in known.items()},
        }

    before = seen()
    backend.client.flushall()
    *_, restored = Restore(backend.store, backend.journal).run()
    assert (restored.batches, restored.finished, restored.queued) == (3, 6, 3)
    assert seen() == before
    assert {job.state for batch in batches for job in backend.store.results(batch.id)} >= {JobState.QUEUED}
    assert sorted(map(str, owners_of(taken(backend.store, 3)))) == ["None", "anna", "ben"]
