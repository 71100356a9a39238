"""Retention, on a real server: expired batches and jobs are deleted with all their data, and nothing else."""

from collections.abc import Iterable

import pytest

from jobs.contract import names
from jobs.contract.models import Batch, Job, JobError, JobState, Result
from jobs.contract.settings import Settings, WebSettings
from jobs.storage.files.journal import Journal
from jobs.upkeep.removal import Removed
from jobs.upkeep.retention import Expired, Retention
from tests.backend import DAY_S, MODEL, Backend, sha256_of
from web.server import housekeeping_of

pytestmark = pytest.mark.redis

RED, GREEN, BLUE = b"red", b"green", b"blue"


def days_pass(backend: Backend, days: float) -> None:
    backend.clock.now_s += days * DAY_S


def snapshot(backend: Backend) -> tuple[set[str], set[str]]:
    return set(backend.client.scan_iter("*")), set(backend.blobs.list(""))


def test_what_has_aged_goes_and_leaves_no_orphan(backend):
    backend.batch(RED, GREEN, RED)
    backend.add(None, RED)
    backend.add(None, BLUE)
    backend.answer_all()
    days_pass(backend, 31)
    assert backend.retention.run_once() == Expired(batches=1, jobs=2)
    assert backend.remove_all() == Removed(batches=1, jobs=3, images=3)
    backend.assert_empty()


def test_what_is_younger_stays_as_it_is(backend):
    backend.batch(RED, GREEN)
    single = backend.add(None, RED)
    backend.answer_all()
    before = snapshot(backend)
    days_pass(backend, 29)
    assert backend.retention.run_once() == Expired()
    assert backend.removal.run_once() == Removed()
    assert snapshot(backend) == before
    assert backend.store.get_job(single.id).answer


def test_an_image_that_a_younger_job_uses_stays(backend):
    backend.batch(RED, GREEN)
    backend.answer_all()
    days_pass(backend, 20)
    younger = backend.batch(RED)
    backend.answer_all()
    days_pass(backend, 20)
    assert backend.retention.run_once() == Expired(batches=1)
    backend.remove_all()
    assert backend.images() == {sha256_of(RED)}
    assert [job.state for job in backend.store.results(younger.id)] == [JobState.SUCCEEDED]
    assert list(backend.journal.jobs(younger.id))


def test_what_counts_is_the_last_change(backend):
    batch, single = backend.batch(RED), backend.add(None, GREEN)
    days_pass(backend, 20)
    backend.answer_all()
    days_pass(backend, 20)
    assert backend.retention.run_once() == Expired()
    days_pass(backend, 11)
    assert backend.retention.run_once() == Expired(batches=1, jobs=1)
    assert batch.id and single.id


def test_what_is_unfinished_stays_however_old_it_is(backend):
    waiting, running = backend.batch(RED), backend.batch(GREEN)
    single = backend.add(None, BLUE)
    held = [backend.take(), backend.take()]
    days_pass(backend, 400)
    before = snapshot(backend)
    assert backend.retention.run_once() == Expired()
    assert snapshot(backend) == before
    for job in held:
        backend.finish(job)
    backend.answer_all()
    assert backend.retention.run_once() == Expired()
    days_pass(backend, 31)
    assert backend.retention.run_once() == Expired(batches=2, jobs=1)
    assert waiting.id and running.id and single.id


def test_an_open_batch_that_nobody_sends_to_any_more_expires(backend):
    backend.batch()
    days_pass(backend, 31)
    assert backend.retention.run_once() == Expired(batches=1)
    backend.remove_all()
    backend.assert_empty()


def test_a_batch_that_gets_a_file_at_the_last_moment_stays(backend):
    batch = backend.batch(RED)
    backend.answer_all()
    days_pass(backend, 31)
    before_s = backend.clock.now_s - 30 * DAY_S
    backend.add(batch, GREEN, "late.png")
    assert not backend.store.expire_batch(batch.id, before_s)
    assert backend.store.get_batch(batch.id).total == 2


def test_old_batches_that_are_unfinished_do_not_hide_those_that_are_finished(backend):
    for _ in range(100):
        batch = backend.store.create_batch(Batch(model=MODEL))
        backend.store.create_job(Job(batch_id=batch.id, file="a.png", question="q", model=MODEL))
        backend.clock.now_s += 1
    backend.store.create_batch(Batch(model=MODEL))
    days_pass(backend, 31)
    assert [backend.retention.run_once().batches for _ in range(2)] == [0, 1]
    while taken := backend.store.take(MODEL, "ticket"):
        backend.store.cancel(taken.job.id)
    days_pass(backend, 31)
    assert sum(backend.retention.run_once().batches for _ in range(3)) == 100


def test_old_jobs_that_are_unfinished_do_not_hide_those_that_are_finished(backend):
    with backend.client.pipeline() as pipe:
        for number in range(1000):
            pipe.zadd(names.SINGLE_JOBS, {f"{number:032}": 1})
            pipe.hset(names.job_key(f"{number:032}"), "state", "queued")
        pipe.execute()
    job = backend.add(None, RED)
    backend.finish(backend.store.take(MODEL, "ticket").job)
    days_pass(backend, 31)
    assert [backend.retention.run_once().jobs for _ in range(2)] == [0, 1]
    assert not backend.client.exists(names.job_key(job.id))


def test_what_breaks_off_between_journal_and_record_is_taken_up_again(backend):
    job = backend.add(None, RED)
    backend.answer_all()
    days_pass(backend, 31)
    backend.journal.forget_jobs([job.id])
    assert backend.retention.run_once() == Expired(jobs=1)
    backend.remove_all()
    backend.assert_empty()


class RetryingJournal(Journal):
    """A journal that retries a job between retention's read of the job and its removal."""

    def __init__(self, backend: Backend, job: Job) -> None:
        super().__init__(backend.blobs)
        self._house, self._job = backend, job

    def forget_jobs(self, job_ids: Iterable[str]) -> None:
        super().forget_jobs(job_ids)
        assert self._house.store.retry(self._job.id)


def test_a_job_that_is_retried_at_the_last_moment_stays_and_is_noted(backend):
    job = backend.add(None, RED)
    assert backend.store.finish(job.id, Result(error=JobError(code="x", message="x")))
    days_pass(backend, 31)
    journal = RetryingJournal(backend, job)
    assert Retention(backend.store, journal, 30 * DAY_S, backend.clock).run_once() == Expired()
    assert backend.store.get_job(job.id).state is JobState.QUEUED
    assert [noted.id for noted in backend.journal.jobs(None)] == [job.id]


def test_a_batch_that_is_deleted_already_is_left_to_its_removal(backend):
    batch: Batch = backend.batch(RED)
    backend.answer_all()
    days_pass(backend, 31)
    backend.store.mark_removed(batch.id)
    assert backend.retention.run_once() == Expired()
    assert backend.remove_all().batches == 1
    backend.assert_empty()


def test_days_are_days_and_nothing_expires_before_all_are_silent(make_app):
    assert WebSettings(retention_days=0.5).retention_s == 12 * 3600
    settings = Settings(blob_patience_s=10)
    assert settings.settle_s > settings.blob_patience_s
    services = make_app(WebSettings(models=("nano",), retention_days=1e-9)).extensions["eva01"]
    refused = Job(file="a.txt", question="q", model=MODEL, state=JobState.FAILED)
    job, _ = services.store.create_job(refused)
    housekeeping_of(services).keep_house()
    assert services.store.get_job(job.id)
