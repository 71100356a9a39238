"""The order of jobs: single jobs before batches, and batches in turns."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobs.contract import names
from jobs.contract.models import Batch, Job, JobState, Result
from jobs.storage.store import JobStore
from jobs.storage.store.jobs import Came
from jobs.storage.tickets.queue import JobQueue

pytestmark = pytest.mark.redis


def batch_of(store: JobStore, count: int) -> Batch:
    batch = store.create_batch(Batch(model="nano"))
    for n in range(count):
        add(store, batch, f"{n}.png")
    return batch


def add(store: JobStore, batch: Batch, file: str) -> Job:
    return store.create_job(Job(batch_id=batch.id, file=file, question="q", model="nano"))[0]


def single(store: JobStore) -> Job:
    return store.create_job(Job(file="single.png", question="q", model="nano"))[0]


def taken(store: JobStore, count: int, first: int = 0) -> list[Job]:
    jobs = [store.take("nano", f"ticket {n}") for n in range(first, first + count)]
    return [taken.job for taken in jobs if taken]


def test_a_batch_is_served_in_the_order_its_files_came(store):
    batch_of(store, 5)
    assert [job.file for job in taken(store, 9)] == [f"{n}.png" for n in range(5)]


def test_a_small_batch_behind_a_large_one_gets_every_second_turn(store):
    large = batch_of(store, 500)
    taken(store, 100)
    small = batch_of(store, 10)
    served = [job.batch_id for job in taken(store, 21, first=100)]
    assert served.count(small.id) == 10
    assert served.count(large.id) == 11


def test_many_batches_share_evenly_whenever_they_come(store):
    batches = [batch_of(store, 200)]
    served: Counter[str | None] = Counter()
    for n in range(4):
        taken(store, 30, first=1000 * n)
        batches.append(batch_of(store, 100))
    served.update(job.batch_id for job in taken(store, 250, first=9000))
    assert {served[batch.id] for batch in batches} == {50}


def test_a_batch_that_was_away_does_not_make_up_for_it(store):
    first, second = batch_of(store, 300), batch_of(store, 1)
    taken(store, 101)
    for n in range(50):
        add(store, second, f"later {n}.png")
    served = [job.batch_id for job in taken(store, 40, first=500)]
    assert served.count(first.id) == served.count(second.id) == 20


def test_single_jobs_come_before_batches_in_their_order(store):
    batch_of(store, 2)
    singles = [single(store) for _ in range(3)]
    served = taken(store, 4)
    assert {job.id for job in served[:3]} == {job.id for job in singles}
    assert served[3].batch_id


def test_what_is_given_back_is_first_in_its_line_again(store):
    batch_of(store, 3)
    first = taken(store, 1)[0]
    store.give_back(first.id)
    assert taken(store, 1)[0].id == first.id


def test_a_cancelled_job_is_passed_over(store):
    batch = batch_of(store, 3)
    cancelled = next(store.results(batch.id))
    store.cancel(cancelled.id)
    lonely = single(store)
    store.cancel(lonely.id)
    assert [job.file for job in taken(store, 3)] == ["1.png", "2.png"]


def test_a_ticket_stands_for_its_job_until_that_is_finished(store, redis_client):
    batch_of(store, 2)
    (first,) = taken(store, 1)
    assert store.take("nano", "ticket 0", Came.AGAIN).job == first, "the reply was lost"
    again = store.take("nano", "ticket 0", Came.REDELIVERED).job
    assert (again.id, again.crashes, again.attempts, again.started_at) == (first.id, 1, 1, None)
    again = store.take("nano", "ticket 0", Came.REDELIVERED).job
    assert again.crashes == 1, "its second worker had not begun it"
    assert store.begin(first.id)
    assert store.get_job(first.id).attempts == 2
    store.finish(first.id, Result(answer="x"))
    assert redis_client.hgetall(names.running_key("nano")) == {}
    assert store.take("nano", "ticket 0", Came.REDELIVERED).job.file == "1.png"


def test_many_workers_at_once_get_each_job_once(store):
    for _ in range(5):
        batch_of(store, 40)
    with ThreadPoolExecutor(8) as threads:
        jobs = list(threads.map(lambda n: store.take("nano", f"ticket {n}"), range(220)))
    served = [taken.job.id for taken in jobs if taken]
    assert len(served) == len(set(served)) == 200


def test_other_models_have_lines_of_their_own(store):
    batch_of(store, 1)
    assert store.take("ocr", "ticket") is None


def test_nothing_is_left_of_the_lines_when_all_is_done(store, redis_client):
    batch = batch_of(store, 3)
    single(store)
    for job in taken(store, 4):
        store.finish(job.id, Result(answer="x"))
    assert taken(store, 1) == []
    assert store.get_batch(batch.id).counts[JobState.SUCCEEDED] == 3
    assert JobQueue(store).drop_surplus("nano") == 4, "nobody has taken the tickets of these"
    left = set(redis_client.scan_iter("eva01:nano:*"))
    assert left == {names.finishes_key("nano")}
