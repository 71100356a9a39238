"""The verbs on a real server: the order of their steps, and the state after a crash between two steps."""

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis
from prometheus_client import REGISTRY

from jobs import flow
from jobs.contract.errors import Conflict, NotFound
from jobs.contract.models import Batch, Job, JobError, JobState, Result, new_id
from jobs.flow.settle import STEP, settle_all
from jobs.storage.files.blobs import BlobStore
from jobs.storage.files.journal import Journal
from jobs.upkeep.reconciler import Reconciler
from jobs.upkeep.restore import Restore
from tests.backend import MODEL, Backend
from tests.crashing import Countdown, Crashed, CrashingBlobs, CrashingRedis

pytestmark = pytest.mark.redis

FAILURE = Result(error=JobError(code="engine_failed", message="no"))
QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED = JobState


AFTER = {
    flow.cancel_batch: {FAILED: 4, CANCELLED: 4},
    flow.retry_batch: {QUEUED: 7, RUNNING: 1},
    flow.close_batch: {FAILED: 4, QUEUED: 3, RUNNING: 1},
}


def half_failed(backend: Backend, count: int = 8) -> Batch:
    """A batch whose first half has failed, one more is running, and the others wait."""
    batch = backend.batch(*(f"{n}".encode() for n in range(count)))
    for _ in range(count // 2):
        job = backend.take()
        assert job is not None
        backend.store.finish(job.id, FAILURE)
        backend.journal.note_result(backend.store.get_job(job.id))
    backend.take()
    return batch


def counts_of(backend: Backend, batch: Batch) -> Counter[JobState]:
    return +Counter(backend.store.get_batch(batch.id).counts)


def counted(state: str) -> float:
    return REGISTRY.get_sample_value("eva01_jobs_total", {"model": MODEL, "state": state}) or 0.0


def test_a_cancel_is_counted_once_by_how_far_its_jobs_had_come(backend):
    batch, before = half_failed(backend), counted("cancelled")
    flow.cancel_batch(backend.stores, batch.id)
    flow.cancel_batch(backend.stores, batch.id)
    assert counted("cancelled") == before + 4
    assert backend.queue.depth(MODEL).waiting <= 1


def test_small_batches_are_settled_with_the_request_and_large_ones_behind_it(backend):
    batch = backend.batch(*(f"{n}".encode() for n in range(STEP + 50)))
    flow.cancel_batch(backend.stores, batch.id)
    assert settle_all(backend.stores, 10_000) == 50
    small = half_failed(backend)
    flow.retry_batch(backend.stores, small.id)
    assert backend.store.unsettled_batches() == []


def test_a_batch_that_was_retried_runs_again_though_redis_is_lost(backend):
    batch = half_failed(backend)
    backend.clock.now_s += 60
    flow.retry_batch(backend.stores, batch.id)
    backend.client.flushall()
    *_, _done = Restore(backend.store, backend.journal).run()
    assert counts_of(backend, batch) == {QUEUED: 8}


def test_what_failed_again_after_a_retry_stays_failed_though_redis_is_lost(backend):
    batch = half_failed(backend)
    backend.clock.now_s += 60
    flow.retry_batch(backend.stores, batch.id)
    backend.clock.now_s += 60
    job = backend.take()
    backend.store.finish(job.id, FAILURE)
    backend.journal.note_result(backend.store.get_job(job.id))
    backend.client.flushall()
    *_, _done = Restore(backend.store, backend.journal).run()
    assert counts_of(backend, batch) == {QUEUED: 7, FAILED: 1}


def test_a_cancelled_batch_comes_back_cancelled_but_for_what_was_retried_since(backend):
    batch = half_failed(backend)
    flow.cancel_batch(backend.stores, batch.id)
    backend.clock.now_s += 60
    flow.retry_batch(backend.stores, batch.id)
    backend.client.flushall()
    *_, _done = Restore(backend.store, backend.journal).run()
    assert counts_of(backend, batch) == {QUEUED: 4, CANCELLED: 4}


def snapshot(client: redis.Redis) -> dict[bytes, bytes]:
    """A DUMP of every key in Redis."""
    with redis.Redis(**plain(client)) as raw:
        return {key: raw.dump(key) for key in raw.scan_iter("*")}


def put_back(client: redis.Redis, before: dict[bytes, bytes]) -> None:
    """Restore a snapshot, as after a crash that lost the last second."""
    client.flushall()
    with redis.Redis(**plain(client)) as raw:
        for key, value in before.items():
            raw.restore(key, 0, value)


def plain(client: redis.Redis) -> dict[str, Any]:
    """The connection settings of the same server, for a client without decoding."""
    known = client.connection_pool.connection_kwargs
    return {"host": known["host"], "port": known["port"], "db": known.get("db", 0)}


def restored(backend: Backend) -> None:
    *_, _done = Restore(backend.store, backend.journal).run()


def fail(backend: Backend) -> None:
    """Fail the next job, and note it in the journal."""
    job = backend.take()
    assert job
    backend.store.finish(job.id, FAILURE)
    backend.journal.note_result(backend.store.get_job(job.id))


def test_what_was_retried_cancelled_and_retried_comes_back_as_it_was(backend):
    batch = backend.batch(b"1", b"2", b"3")
    for _ in range(3):
        fail(backend)
    later(backend, flow.retry_batch, batch)
    fail(backend)
    later(backend, flow.cancel_batch, batch)
    later(backend, flow.retry_batch, batch)
    assert counts_of(backend, batch) == {QUEUED: 1, CANCELLED: 2}
    backend.client.flushall()
    restored(backend)
    assert counts_of(backend, batch) == {QUEUED: 1, CANCELLED: 2}


def later(backend: Backend, verb: Callable, batch: Batch) -> None:
    """Run a verb, with the clock moved before and after it."""
    backend.clock.now_s += 60
    verb(backend.stores, batch.id)
    backend.clock.now_s += 60


def test_a_restore_beside_a_retry_does_not_undo_it(backend):
    batch = half_failed(backend)
    steps = Restore(backend.store, backend.journal).run()
    next(steps)
    next(steps)
    backend.clock.now_s += 60
    flow.retry_batch(backend.stores, batch.id)
    for _ in steps:
        pass
    assert counts_of(backend, batch) == {QUEUED: 7, RUNNING: 1}


@pytest.mark.parametrize("verb", [flow.retry_batch, flow.cancel_batch])
def test_a_verb_that_redis_has_forgotten_is_done_again(backend, verb):
    batch = half_failed(backend)
    before = snapshot(backend.client)
    since = datetime.fromtimestamp(backend.clock.now_s, UTC)
    backend.clock.now_s += 60
    verb(backend.stores, batch.id)
    put_back(backend.client, before)
    *_, _done = Restore(backend.store, backend.journal).run(since)
    assert counts_of(backend, batch) == AFTER[verb]


def test_of_two_verbs_at_once_the_journal_has_what_both_did(backend):
    batch = backend.batch(b"1")

    class Slow(Journal):
        """A journal that cancels the batch between a rename's read and its write."""

        is_first = True

        def note_batch(self, batch: Batch) -> None:
            if Slow.is_first:
                Slow.is_first = False
                flow.cancel_batch(backend.stores, batch.id)
            super().note_batch(batch)

    slow = replace(backend.stores, journal=Slow(backend.blobs))
    flow.rename_batch(slow, batch.id, "another")
    (noted,) = backend.journal.batches()
    assert (noted.name, noted.state.value, len(noted.marks)) == ("another", "cancelled", 1)


def test_what_a_request_brought_is_noted_though_the_batch_is_closed_meanwhile(backend):
    batch = backend.batch()
    job = Job(batch_id=batch.id, file="a.png", question="q", model=MODEL, images=("ab" * 32,))
    with pytest.raises(Conflict), flow.accepting(backend.stores, batch) as request:
        request.add([job])
        flow.close_batch(backend.stores, batch.id)
        request.add([job.model_copy(update={"id": new_id(), "file": "b.png"})])
    assert [noted.file for noted in backend.journal.jobs(batch.id)] == ["a.png"]


def test_a_deleted_batch_is_not_revived_by_a_restore(backend):
    batch = half_failed(backend)
    flow.delete_batch(backend.stores, batch.id)
    backend.client.flushall()
    restored(backend)
    assert backend.store.get_batches([batch.id]) == []


def test_only_a_failed_job_that_has_an_image_is_retried(backend):
    batch = half_failed(backend)
    failed, *_, waiting = backend.store.results(batch.id)
    assert flow.retry_job(backend.stores, failed.id).state is QUEUED
    for job, code in ((failed, "job_not_failed"), (waiting, "job_not_failed")):
        with pytest.raises(Conflict) as refused:
            flow.retry_job(backend.stores, job.id)
        assert refused.value.code == code
    flow.delete_batch(backend.stores, batch.id)
    with pytest.raises(NotFound):
        flow.retry_job(backend.stores, waiting.id)


def test_of_two_retries_at_once_the_second_does_not_forget_what_came_of_the_first(backend):
    """Whoever clicked twice has the answer, in the journal as well."""
    job = backend.add(None, b"red")
    backend.store.finish(backend.take().id, FAILURE)
    backend.journal.note_result(backend.store.get_job(job.id))

    class Slow(Journal):
        def drop_results(self, jobs):
            flow.retry_job(backend.stores, job.id)
            backend.answer_all()
            super().drop_results(jobs)

    with pytest.raises(Conflict):
        flow.retry_job(replace(backend.stores, journal=Slow(backend.blobs)), job.id)
    (noted,) = backend.journal.results(None, [job.id])
    assert (noted.state, noted.answer) == (SUCCEEDED, "A red circle.")


@pytest.mark.parametrize("verb", AFTER, ids=lambda verb: verb.__name__)
def test_a_verb_that_is_killed_at_any_step_has_happened_or_not(
    redis_url: str, redis_client, tmp_path: Path, verb: Callable
):
    backend = Backend(redis_client, tmp_path / "blobs")
    client = CrashingRedis.from_url(redis_url, decode_responses=True)
    assert isinstance(client, CrashingRedis)
    blobs = CrashingBlobs(backend.blobs.url, patience_s=0)
    before = {FAILED: 4, QUEUED: 3, RUNNING: 1}
    for calls in itertools.count():
        redis_client.flushall()
        batch = half_failed(backend)
        backend.use(client, blobs)
        client.countdown = blobs.countdown = Countdown(calls)
        try:
            verb(backend.stores, batch.id)
            is_killed = False
        except Crashed:
            is_killed = True
        client.countdown = blobs.countdown = Countdown(1_000_000)
        backend.use(redis_client, BlobStore(backend.blobs.url, patience_s=0))
        seen = counts_of(backend, batch)
        assert seen in ([before, AFTER[verb]] if is_killed else [AFTER[verb]])
        settle_all(backend.stores, 1000)
        assert counts_of(backend, batch) == seen
        for state in JobState:
            assert len(list(backend.store.results(batch.id, state))) == seen[state]
        reconciler = Reconciler(backend.store, backend.queue)
        for _ in range(3):
            reconciler.look(MODEL)
        balance = backend.queue.balance(MODEL)
        assert balance.queued + balance.running == seen[QUEUED] + seen[RUNNING]
        assert balance.missing == 0
        if not is_killed:
            break
    client.close()
    assert calls >= 2
