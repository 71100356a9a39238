"""The feed of a batch's changes, written atomically with each change of a job."""

from datetime import UTC, datetime

import pytest

from jobs.contract import names
from jobs.contract.models import Batch, Job, JobError, JobState, Result
from jobs.storage.feed import BatchFeed
from jobs.storage.store import JobStore
from tests.clock import Clock

pytestmark = pytest.mark.redis

ANSWER, FAILURE = Result(answer="yes"), Result(error=JobError(code="x", message="x"))
SHA = "ab" * 32


@pytest.fixture
def feed(store) -> BatchFeed:
    return BatchFeed(store)


@pytest.fixture
def batch(store) -> Batch:
    return store.create_batch(Batch(model="nano"))


def add(store: JobStore, clock: Clock, batch: Batch, *files: str, **fields) -> list[Job]:
    """Create jobs at the clock's present time."""
    came = {"created_at": datetime.fromtimestamp(clock.now_s, UTC), "images": (SHA,)}
    return [
        store.create_job(Job(batch_id=batch.id, file=file, question="q", model="nano", **came | fields))[0]
        for file in files
    ]


def changed(feed: BatchFeed, batch: Batch, cursor: int = 0, **how) -> tuple[list[tuple[str, str]], int]:
    jobs, cursor, _ = feed.changed(batch.id, cursor=cursor, **how)
    return [(job.file, job.state.value) for job in jobs], cursor


def test_whoever_asks_again_gets_what_has_changed_since(store, feed, clock, batch):
    one, two, _ = add(store, clock, batch, "1", "2", "3")
    seen, cursor = changed(feed, batch)
    assert seen == [("1", "queued"), ("2", "queued"), ("3", "queued")]
    assert changed(feed, batch, cursor) == ([], cursor)

    store.finish(two.id, ANSWER)
    store.finish(one.id, FAILURE)
    seen, cursor = changed(feed, batch, cursor)
    assert seen == [("2", "succeeded"), ("1", "failed")]

    store.retry(one.id)
    seen, cursor = changed(feed, batch, cursor)
    assert seen == [("1", "queued")]
    assert changed(feed, batch) == ([("3", "queued"), ("2", "succeeded"), ("1", "queued")], cursor)


def test_a_job_that_a_worker_begins_is_no_change_and_one_given_back_is(store, feed, clock, batch):
    (job,) = add(store, clock, batch, "1")
    _, cursor = changed(feed, batch)
    store.take("nano", "ticket")
    assert changed(feed, batch, cursor) == ([], cursor)
    store.give_back(job.id)
    assert changed(feed, batch, cursor)[0] == [("1", "queued")]


def test_pages_of_changes_hold_each_job_once(store, feed, clock, batch):
    add(store, clock, batch, *(str(number) for number in range(10)))
    seen, cursor = [], 0
    while page := changed(feed, batch, cursor, limit=3):
        files, cursor = page
        seen += [file for file, _ in files]
        if not files:
            break
    assert seen == [str(number) for number in range(10)]


def test_changes_of_one_state_pass_over_the_others(store, feed, clock, batch):
    jobs = add(store, clock, batch, *(str(number) for number in range(10)))
    store.finish(jobs[0].id, ANSWER)
    seen, cursor = changed(feed, batch, state=JobState.SUCCEEDED, limit=2)
    assert seen == [("0", "succeeded")]
    assert changed(feed, batch, cursor, state=JobState.SUCCEEDED) == ([], cursor)


def test_one_call_looks_at_so_many_jobs_and_the_next_goes_on(store, feed, clock, batch):
    jobs = add(store, clock, batch, *(str(number) for number in range(10)))
    for number in (3, 4, 8):
        store.finish(jobs[number].id, FAILURE)
    add(store, clock, batch, "10", "11")
    seen, cursor, calls = [], 0, []
    is_more = True
    while is_more:
        found, cursor, is_more = feed.changed(
            batch.id, cursor=cursor, limit=2, state=JobState.FAILED, looked_at=4
        )
        calls.append(len(found))
        seen += [job.file for job in found]
    assert (seen, calls) == (["3", "4", "8"], [0, 1, 2, 0])
    assert feed.changed(batch.id, cursor=cursor, state=JobState.FAILED, looked_at=4) == ([], cursor, False)


def test_a_page_of_one_state_ends_with_its_last_job(store, feed, clock, batch):
    """Whoever goes on from there misses none that was looked at and had no room."""
    for job in add(store, clock, batch, *(str(number) for number in range(5))):
        store.finish(job.id, FAILURE)
    page = feed.changed(batch.id, limit=2, state=JobState.FAILED)
    assert ([job.file for job in page.jobs], page.is_more) == (["0", "1"], True)
    rest = feed.changed(batch.id, cursor=page.cursor, state=JobState.FAILED)
    assert ([job.file for job in rest.jobs], rest.is_more) == (["2", "3", "4"], False)


def test_numbers_grow_though_a_clock_goes_back_or_redis_forgets(store, feed, clock, batch, redis_client):
    add(store, clock, batch, "1")
    _, first = changed(feed, batch)
    clock.now_s -= 60
    add(store, clock, batch, "2")
    seen, second = changed(feed, batch, first)
    assert seen == [("2", "queued")]
    assert second > first

    redis_client.flushall()
    clock.now_s += 120
    store.create_batch(batch)
    add(store, clock, batch, "1", "2")
    assert [file for file, _ in changed(feed, batch, second)[0]] == ["1", "2"]


def test_a_timeline_counts_ends_from_the_first_job_on(store, feed, clock, batch):
    empty = feed.timeline(batch)
    assert (empty.start, empty.step_s, empty.succeeded) == (batch.created_at, 1, [])

    one, two, three = add(store, clock, batch, "1", "2", "3")
    clock.now_s += 2.5
    store.finish(one.id, ANSWER)
    store.finish(two.id, FAILURE)
    clock.now_s += 2
    store.cancel(three.id)
    seen = feed.timeline(batch)
    assert seen.start.timestamp() == 1_000_000_000
    assert seen.succeeded == [0, 0, 1, 0, 0]
    assert seen.failed == [0, 0, 1, 0, 0]
    assert seen.cancelled == [0, 0, 0, 0, 1]


def test_a_retried_job_counts_at_each_of_its_ends(store, feed, clock, batch):
    (job,) = add(store, clock, batch, "1")
    store.finish(job.id, FAILURE)
    store.retry(job.id)
    clock.now_s += 1
    store.finish(job.id, ANSWER)
    seen = feed.timeline(batch)
    assert (seen.failed, seen.succeeded) == ([1, 0], [0, 1])


def test_a_file_that_is_refused_counts_as_failed(store, feed, clock, batch):
    ended = datetime.fromtimestamp(clock.now_s, UTC)
    add(store, clock, batch, "1", state=JobState.FAILED, images=(), finished_at=ended)
    assert feed.timeline(batch).failed == [1]


@pytest.mark.parametrize(("lasts_s", "step_s"), [(239, 1), (240, 2), (481, 4), (30 * 86400, 16384)])
def test_a_timeline_of_any_length_has_few_steps_and_loses_none(store, feed, clock, batch, lasts_s, step_s):
    jobs = add(store, clock, batch, *(str(number) for number in range(31)))
    for job in jobs:
        store.finish(job.id, ANSWER)
        clock.now_s += lasts_s / 30
    seen = feed.timeline(batch)
    assert (seen.step_s, sum(seen.succeeded)) == (step_s, 31)
    assert len(seen.succeeded) == lasts_s // step_s + 1 <= 240


def test_a_batch_knows_when_work_began_and_when_it_last_ended(store, clock, batch):
    add(store, clock, batch, "1", "2")
    clock.now_s += 10
    first, second = store.take("nano", "a").job, store.take("nano", "b").job
    clock.now_s += 5
    store.finish(first.id, ANSWER)
    store.give_back(second.id)
    clock.now_s += 5
    store.take("nano", "c")
    store.finish(second.id, ANSWER)
    seen = store.get_batch(batch.id)
    assert seen.first_started_at.timestamp() == 1_000_000_010
    assert seen.last_finished_at.timestamp() == 1_000_000_020


def test_a_removed_job_leaves_nothing_in_the_feed(store, feed, clock, batch, redis_client):
    one, _ = add(store, clock, batch, "1", "2")
    store.remove_job(one.id)
    assert redis_client.zcard(names.batch_changes_key(batch.id)) == 1
    assert changed(feed, batch)[0] == [("2", "queued")]
