"""All batches, a page at a time, while they change."""

import pytest

from jobs.contract import names
from jobs.contract.models import Batch, Job, new_id
from jobs.storage.listing import BatchList
from jobs.storage.store import JobStore
from tests.clock import Clock

pytestmark = pytest.mark.redis


@pytest.fixture
def batch_list(store) -> BatchList:
    return BatchList(store)


def make(
    store: JobStore, clock: Clock, *batch_names: str, question: str = "q", step_s: float = 1
) -> list[Batch]:
    """Batches one after the other; the last is the newest."""
    made = []
    for name in batch_names:
        clock.now_s += step_s
        made.append(store.create_batch(Batch(model="nano", name=name, question=question)))
    return made


def pages(batch_list: BatchList, **how) -> list[list[str]]:
    """The names on each page, to the end."""
    batches, cursor = batch_list.page(**how)
    seen = [[batch.name for batch in batches]]
    while cursor:
        batches, cursor = batch_list.page(**how, cursor=cursor)
        seen.append([batch.name for batch in batches])
    return seen


def test_the_latest_change_comes_first(store, clock, batch_list):
    one, *_ = make(store, clock, "one", "two", "three")
    assert pages(batch_list) == [["three", "two", "one"]]
    clock.now_s += 1
    store.create_job(Job(batch_id=one.id, file="a", question="q", model="nano"))
    assert pages(batch_list) == [["one", "three", "two"]]


@pytest.mark.parametrize("step_s", [0, 0.0000001, 1])
def test_pages_hold_each_batch_once_also_those_of_one_moment(store, clock, batch_list, step_s):
    batch_names = [str(number) for number in range(450)]
    make(store, clock, *batch_names, step_s=step_s)
    seen = pages(batch_list, limit=200)
    assert [len(page) for page in seen] == [200, 200, 50]
    assert sorted(name for page in seen for name in page) == sorted(batch_names)


def test_a_part_of_the_name_or_question_is_found_in_any_case(store, clock, batch_list):
    make(store, clock, "Straße (1)", "receipts")
    make(store, clock, "other", question="What does the RECEIPT say? 收据")
    assert pages(batch_list, search="receipt") == [["other", "receipts"]]
    assert pages(batch_list, search="收据") == [["other"]]
    assert pages(batch_list, search=" STRASSE (") == [["Straße (1)"]]
    assert pages(batch_list, search=".*") == [[]]


def test_one_that_moves_to_the_front_meanwhile_hides_no_other(store, clock, batch_list):
    _, _, third, *_ = make(store, clock, "1", "2", "3", "4", "5")
    batches, cursor = batch_list.page(limit=2)
    assert [batch.name for batch in batches] == ["5", "4"]
    clock.now_s += 1
    store.create_job(Job(batch_id=third.id, file="a", question="q", model="nano"))
    store.create_job(Job(batch_id=batches[1].id, file="a", question="q", model="nano"))
    batches, _ = batch_list.page(limit=3, cursor=cursor)
    assert [batch.name for batch in batches] == ["2", "1"]


def test_what_is_removed_is_not_listed_and_its_place_serves_on(store, clock, batch_list, redis_client):
    _, second, _ = make(store, clock, "1", "2", "3")
    _, cursor = batch_list.page(limit=2)
    store.mark_removed(second.id)
    assert pages(batch_list) == [["3", "1"]]
    store.remove_batch(second.id)
    assert [batch.name for batch in batch_list.page(cursor=cursor)[0]] == ["1"]


def test_a_long_search_is_done_in_parts(store, clock, batch_list, redis_client):
    (wanted,) = make(store, clock, "needle")
    with redis_client.pipeline() as pipe:
        for number in range(5000):
            batch_id = new_id()
            pipe.hset(names.batch_key(batch_id), mapping={"id": batch_id, "name": "hay", "model": "nano"})
            pipe.zadd(names.BATCHES, {batch_id: clock.now_s + 1 + number})
        pipe.execute()
    batches, cursor = batch_list.page(search="needle")
    assert (batches, cursor is None) == ([], False)
    batches, cursor = batch_list.page(search="needle", cursor=cursor)
    assert ([batch.id for batch in batches], cursor) == ([wanted.id], None)
