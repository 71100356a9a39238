"""JobStore on a real server: every change of state, its counters, and what must not change."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from jobs.contract import names
from jobs.contract.errors import Conflict, NotFound
from jobs.contract.models import (
    PUBLIC_JOB,
    Batch,
    BatchState,
    Job,
    JobError,
    JobState,
    Result,
    Usage,
    new_id,
    utc_now,
)
from jobs.storage.store import JobStore
from jobs.storage.store.batches import Cancelled
from jobs.storage.store.jobs import Came

pytestmark = pytest.mark.redis

SHA = "ab" * 32
HOSTILE = 'a/"b"\n<script>alert(1)</script>,=1+1 名前 🖼️.png'


@pytest.fixture
def batch(store) -> Batch:
    return store.create_batch(Batch(model="nano", question="What is this?", name="holiday ☀️"))


def job_of(batch: Batch, file: str = "a.png", **fields) -> Job:
    asked = {"question": batch.question, "model": batch.model, "images": (SHA,)}
    return Job.model_validate({"batch_id": batch.id, "file": file} | asked | fields)


def counts_of(store: JobStore, batch: Batch) -> dict[str, int]:
    return {state.value: n for state, n in store.get_batch(batch.id).counts.items() if n}


def test_a_job_comes_back_as_it_was_given(store, batch):
    job = job_of(batch, HOSTILE, media_types=("image/png",))
    store.create_job(job)
    assert store.get_job(job.id) == job


def test_a_batch_comes_back_as_it_was_given(store, batch):
    assert store.get_batch(batch.id) == batch


def test_the_life_of_a_job_is_counted_at_every_step(store, batch):
    job = job_of(batch)
    store.create_job(job)
    assert counts_of(store, batch) == {"queued": 1}
    begun = store.take("nano", job.id).job
    assert (begun.state, begun.attempts) == (JobState.RUNNING, 1)
    assert counts_of(store, batch) == {"running": 1}
    usage = Usage(visual_tokens=16, output_tokens=3)
    assert store.finish(job.id, Result(answer="A red circle.", width=4, height=3, usage=usage))
    done = store.get_job(job.id)
    assert (done.state, done.answer, done.usage) == (JobState.SUCCEEDED, "A red circle.", usage)
    assert counts_of(store, batch) == {"succeeded": 1}


def test_a_failure_keeps_its_code_and_reason(store, batch):
    job = job_of(batch)
    store.create_job(job)
    store.take("nano", job.id)
    error = JobError(code="truncated_image", message="a.png ends early.")
    store.finish(job.id, Result(error=error))
    assert store.get_job(job.id).error == error
    assert counts_of(store, batch) == {"failed": 1}


def test_finishing_twice_changes_nothing(store, batch):
    job = job_of(batch)
    store.create_job(job)
    store.take("nano", job.id)
    assert store.finish(job.id, Result(answer="first"))
    assert not store.finish(job.id, Result(answer="second"))
    assert not store.finish(job.id, Result(error=JobError(code="late", message="late")))
    assert store.get_job(job.id).answer == "first"
    assert counts_of(store, batch) == {"succeeded": 1}


def test_of_many_workers_that_take_a_job_exactly_one_gets_it(store, batch):
    job = job_of(batch)
    store.create_job(job)
    with ThreadPoolExecutor(8) as threads:
        begun = list(threads.map(lambda n: store.take("nano", f"ticket {n}"), range(32)))
    assert len([one for one in begun if one]) == 1
    assert store.get_job(job.id).attempts == 1


def test_of_many_workers_that_finish_one_job_exactly_one_answer_stays(store, batch):
    job = job_of(batch)
    store.create_job(job)
    store.take("nano", job.id)
    with ThreadPoolExecutor(8) as threads:
        wrote = list(threads.map(lambda n: store.finish(job.id, Result(answer=str(n))), range(32)))
    assert wrote.count(True) == 1
    assert store.get_job(job.id).answer == str(wrote.index(True))
    assert counts_of(store, batch) == {"succeeded": 1}


def test_a_job_taken_back_from_a_worker_that_is_gone_is_taken_again_and_remembers(store, batch):
    job = job_of(batch)
    store.create_job(job)
    store.take("nano", job.id)
    assert store.take_back(job.id)
    assert not store.take_back(job.id)
    assert counts_of(store, batch) == {"queued": 1}
    again = store.take("nano", job.id).job
    assert (again.state, again.attempts, again.crashes) == (JobState.RUNNING, 1, 1)
    assert counts_of(store, batch) == {"running": 1}
    assert store.begin(job.id)
    assert store.get_job(job.id).attempts == 2


def test_a_suspect_that_only_waits_in_its_slot_is_not_blamed_for_what_ends_its_worker(store, batch):
    job = job_of(batch)
    store.create_job(job)
    store.take("nano", "ticket")
    store.take_back(job.id)
    waiting = store.take("nano", "another ticket")
    assert (waiting.has_begun, waiting.is_resumed, waiting.job.started_at) == (False, False, None)
    again = store.take("nano", "another ticket", Came.REDELIVERED)
    assert (again.has_begun, again.is_resumed, again.job.crashes) == (False, True, 1)
    assert store.take_back(job.id)
    assert store.take("nano", "another ticket").job.crashes == 1, "nor when its ticket is lost"
    assert store.begin(job.id)
    assert store.take("nano", "another ticket", Came.REDELIVERED).job.crashes == 2


def test_a_suspect_that_is_cancelled_while_it_waits_does_not_begin(store, batch):
    job = job_of(batch)
    store.create_job(job)
    store.take("nano", "ticket")
    store.take_back(job.id)
    store.take("nano", "another ticket")
    store.cancel(job.id)
    assert not store.begin(job.id)


def test_a_retry_by_hand_forgets_the_crashes(store, batch):
    job = job_of(batch)
    store.create_job(job)
    store.take("nano", job.id)
    store.take_back(job.id)
    store.finish(job.id, Result(error=JobError(code="poison", message="no")))
    assert store.retry(job.id)
    assert store.get_job(job.id).crashes == 0


def test_a_finished_job_is_never_taken_again(store, batch):
    job = job_of(batch)
    store.create_job(job)
    store.finish(job.id, Result(answer="done"))
    assert not store.take_back(job.id)
    assert store.take("nano", job.id) is None
    assert store.get_job(job.id).attempts == 0


def test_a_job_given_back_waits_again(store, batch):
    job = job_of(batch)
    store.create_job(job)
    store.take("nano", job.id)
    assert store.give_back(job.id)
    assert not store.give_back(job.id)
    given = store.get_job(job.id)
    assert (given.state, given.started_at, given.attempts) == (JobState.QUEUED, None, 1)
    assert counts_of(store, batch) == {"queued": 1}


def test_an_answer_that_comes_after_a_cancel_is_dropped(store, batch):
    job = job_of(batch)
    store.create_job(job)
    store.take("nano", job.id)
    assert store.cancel(job.id)
    assert not store.finish(job.id, Result(answer="too late"))
    assert store.get_job(job.id).answer is None
    assert counts_of(store, batch) == {"cancelled": 1}


def test_a_finished_job_cannot_be_cancelled(store, batch):
    job = job_of(batch)
    store.create_job(job)
    store.finish(job.id, Result(answer="done"))
    assert not store.cancel(job.id)
    assert counts_of(store, batch) == {"succeeded": 1}


def test_retry_clears_the_failure_and_only_a_failure(store, batch):
    failed, answered = job_of(batch, "a.png"), job_of(batch, "b.png")
    for job in (failed, answered):
        store.create_job(job)
        store.take("nano", job.id)
    store.finish(failed.id, Result(error=JobError(code="engine_failed", message="no")))
    store.finish(answered.id, Result(answer="yes"))
    assert store.retry(failed.id)
    assert not store.retry(answered.id)
    again = store.get_job(failed.id)
    assert (again.state, again.error, again.finished_at) == (JobState.QUEUED, None, None)
    assert counts_of(store, batch) == {"queued": 1, "succeeded": 1}


def test_a_file_sent_again_under_its_path_makes_no_second_job(store, batch):
    first, was_new = store.create_job(job_of(batch, "x/a.png"))
    again, is_new = store.create_job(job_of(batch, "x/a.png"))
    assert (was_new, is_new) == (True, False)
    assert again.id == first.id
    assert counts_of(store, batch) == {"queued": 1}


def test_a_file_refused_at_the_door_keeps_its_job_when_it_is_taken_later(store, batch):
    error = JobError(code="not_an_image", message="a.png is HTML.")
    refused = Job(
        batch_id=batch.id,
        file="a.png",
        question="q",
        model="nano",
        state=JobState.FAILED,
        error=error,
        refused_sha256=SHA,
    )
    store.create_job(refused)
    assert counts_of(store, batch) == {"failed": 1}
    assert not store.retry(refused.id)
    mended, moved = store.create_job(job_of(batch, "a.png", media_types=("image/png",)))
    assert moved
    assert (mended.id, mended.image, mended.error) == (refused.id, SHA, None)
    assert counts_of(store, batch) == {"queued": 1}


def test_a_closed_batch_takes_no_more_files_but_knows_those_it_has(store, batch):
    first, _ = store.create_job(job_of(batch, "a.png"))
    closed = store.close_batch(batch.id)
    assert (closed.state, closed.is_done) == (BatchState.CLOSED, False)
    with pytest.raises(Conflict, match="takes no more files"):
        store.create_job(job_of(batch, "b.png"))
    assert store.create_job(job_of(batch, "a.png")) == (first, False)


def test_cancelling_a_batch_cancels_what_is_unfinished_and_nothing_else(store, batch):
    jobs = [store.create_job(job_of(batch, f"{n}.png"))[0] for n in range(4)]
    store.take("nano", jobs[0].id)
    store.finish(jobs[0].id, Result(answer="kept"))
    store.take("nano", jobs[1].id)
    assert store.cancel_batch(batch.id) == Cancelled(queued=2, running=1)
    cancelled = store.get_batch(batch.id)
    assert (cancelled.state, cancelled.is_done) == (BatchState.CANCELLED, True)
    assert counts_of(store, batch) == {"succeeded": 1, "cancelled": 3}
    assert store.get_job(jobs[0].id).answer == "kept"


def test_pages_follow_the_order_of_arrival_and_end(store, batch):
    files = [f"{n:03}.png" for n in range(25)]
    for file in files:
        store.create_job(job_of(batch, file))
    seen, cursor = [], 0
    while cursor is not None:
        jobs, cursor = store.page(batch.id, cursor=cursor, limit=10)
        seen += [job.file for job in jobs]
    assert seen == files
    assert [job.file for job in store.results(batch.id)] == files


def test_a_page_of_one_state_holds_only_that_state(store, batch):
    jobs = [store.create_job(job_of(batch, f"{n}.png"))[0] for n in range(6)]
    for job in jobs[::2]:
        store.finish(job.id, Result(answer="yes"))
    done, cursor = store.page(batch.id, state=JobState.SUCCEEDED)
    assert [job.file for job in done] == ["0.png", "2.png", "4.png"]
    assert cursor is None


def test_rows_are_what_the_api_shows_of_jobs(store, batch, redis_client):
    whole_second = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    ended = {"started_at": whole_second, "finished_at": utc_now(), "attempts": 2, "width": 4, "height": 3}
    store.create_jobs(
        [
            job_of(batch, HOSTILE, media_types=("image/png",)),
            job_of(batch, "own.png", question="And this?", created_at=whole_second),
            job_of(
                batch,
                "a.png",
                state=JobState.SUCCEEDED,
                answer="名前",
                reasoning="想",
                usage=Usage(lines=2),
                **ended,
            ),
            job_of(batch, "cached.png", state=JobState.SUCCEEDED, answer="known", cached=True, **ended),
            job_of(batch, "b.png", state=JobState.FAILED, error=JobError(code="c", message="m"), **ended),
            job_of(batch, "no.png", state=JobState.FAILED, is_refused=True, images=(), **ended),
        ],
        is_restored=True,
    )
    old = job_of(batch, "old.png")
    store.create_job(old)
    redis_client.hdel(names.job_key(old.id), "images")
    redis_client.hset(names.job_key(old.id), mapping={"image": SHA, "media_type": "image/gif"})
    gone = store.create_job(job_of(batch, "gone.png"))[0]
    redis_client.delete(names.job_key(gone.id))

    rows = list(store.rows(batch.id))
    assert rows == [job.public() for job in store.results(batch.id)]
    assert all(tuple(row) == PUBLIC_JOB for row in rows)
    assert [row["file"] for row in rows][-2:] == ["no.png", "old.png"]
    failed = [row["file"] for row in store.rows(batch.id, JobState.FAILED)]
    assert failed == ["b.png", "no.png"]


def test_what_is_in_another_state_by_the_time_it_is_read_is_left_out(store, batch, redis_client):
    first, second = (store.create_job(job_of(batch, f"{n}.png"))[0] for n in range(2))
    redis_client.hset(names.job_key(first.id), "state", JobState.FAILED)
    assert [job.id for job in store.results(batch.id, JobState.QUEUED)] == [second.id]
    assert [row["id"] for row in store.rows(batch.id, JobState.QUEUED)] == [second.id]


def test_a_row_says_where_lines_stand_when_it_is_asked_to(store, batch):
    job, _ = store.create_job(job_of(batch, "a.png"))
    store.create_job(job_of(batch, "waiting.png"))
    store.finish(job.id, Result(answer="名前\nTotal", lines="1 2 30 12 99;1 20 44 32 87"))
    rows = list(store.rows(batch.id, with_lines=True))
    assert rows == [job.public(with_lines=True) for job in store.results(batch.id)]
    assert [row["lines"] for row in rows] == [
        [
            {"text": "名前", "box": [1, 2, 30, 12], "confidence": 0.99},
            {"text": "Total", "box": [1, 20, 44, 32], "confidence": 0.87},
        ],
        None,
    ]
    assert all("lines" not in row for row in store.rows(batch.id))


def test_rows_go_on_over_many_chunks_and_may_be_left_early(store, batch):
    files = [f"{n:04}.png" for n in range(1203)]
    store.create_jobs([job_of(batch, file) for file in files])
    assert [row["file"] for row in store.rows(batch.id)] == files
    first = next(rows := store.rows(batch.id))
    del rows
    assert first["file"] == files[0]


def test_the_rate_is_that_of_late_and_the_time_left_follows(store, batch, clock):
    jobs = [store.create_job(job_of(batch, f"{n}.png"))[0] for n in range(11)]
    store.finish(jobs[0].id, Result(answer="long ago"))
    clock.now_s += 3600
    for job in jobs[1:6]:
        clock.now_s += 0.5
        store.finish(job.id, Result(answer="now"))
    seen = store.get_batch(batch.id)
    assert seen.rate_per_s == 2.0
    assert seen.public()["time_left_s"] == 2.5


def test_counters_and_indexes_agree_after_a_storm_of_changes(store, batch, redis_client):
    jobs = [store.create_job(job_of(batch, f"{n}.png"))[0] for n in range(60)]

    def storm(n: int) -> None:
        job_id = jobs[n % 60].id
        store.take("nano", f"ticket {n}")
        if n % 3 == 0:
            store.take_back(job_id)
        if n % 5 == 0:
            store.cancel(job_id)
        if n % 7 == 0:
            store.give_back(job_id)
        if n % 4 == 0:
            store.finish(job_id, Result(error=JobError(code="x", message="x")))
        if n % 11 == 0:
            store.retry(job_id)
        if n % 2 == 0:
            store.finish(job_id, Result(answer="x"))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(storm, range(600)))
    seen = store.get_batch(batch.id)
    assert seen.total == 60
    for state in JobState:
        listed = redis_client.zrange(names.batch_state_key(batch.id, state), 0, -1)
        assert len(listed) == seen.counts[state]
        assert all(store.get_job(job_id).state is state for job_id in listed)
    running = redis_client.hgetall(names.running_key("nano"))
    assert len(running) == seen.counts[JobState.RUNNING]
    assert all(store.get_job(job_id).ticket == ticket for ticket, job_id in running.items())


def test_unknown_ids_are_named(store):
    unknown = new_id()
    for call in (
        lambda: store.get_job(unknown),
        lambda: store.get_batch(unknown),
        lambda: store.begin(unknown),
        lambda: store.cancel(unknown),
        lambda: store.close_batch(unknown),
        lambda: store.create_job(Job(batch_id=unknown, file="a", question="", model="nano")),
    ):
        with pytest.raises(NotFound, match=unknown):
            call()


def test_a_job_without_a_batch_needs_none(store):
    job, is_new = store.create_job(Job(file="a.png", question="q", model="nano", images=(SHA,)))
    assert is_new
    store.take("nano", job.id)
    assert store.finish(job.id, Result(answer="yes"))
    assert store.get_job(job.id).state is JobState.SUCCEEDED
