"""Retention, on a real server: data that has aged goes with all that belongs to it, and nothing else does."""

from collections.abc import Iterable

import pytest

from jobs.contract import names
from jobs.contract.models import Batch, Job, JobError, JobState, Result
from jobs.contract.settings import Settings, WebSettings
from jobs.storage.journal import Journal
from jobs.upkeep.removal import Removed
from jobs.upkeep.retention import Expired, Retention
from tests.house import DAY_S, MODEL, House, sha256_of
from web.server import housekeeping_of

pytestmark = pytest.mark.redis

RED, GREEN, BLUE = b"red", b"green", b"blue"


@pytest.fixture
def house(redis_url, redis_client, tmp_path) -> House:
    return House(redis_client, tmp_path / "blobs")


def days_pass(house: House, days: float) -> None:
    house.clock.now_s += days * DAY_S


def snapshot(house: House) -> tuple[set[str], set[str]]:
    return set(house.client.scan_iter("*")), set(house.blobs.list(""))


def test_what_has_aged_goes_and_leaves_no_orphan(house):
    house.batch(RED, GREEN, RED)
    house.add(None, RED)
    house.add(None, BLUE)
    house.answer_all()
    days_pass(house, 31)
    assert house.retention.run_once() == Expired(batches=1, jobs=2)
    assert house.remove_all() == Removed(batches=1, jobs=3, images=3)
    house.assert_empty()


def test_what_is_younger_stays_as_it_is(house):
    house.batch(RED, GREEN)
    single = house.add(None, RED)
    house.answer_all()
    before = snapshot(house)
    days_pass(house, 29)
    assert house.retention.run_once() == Expired()
    assert house.removal.run_once() == Removed()
    assert snapshot(house) == before
    assert house.store.get_job(single.id).answer


def test_an_image_that_a_younger_job_uses_stays(house):
    house.batch(RED, GREEN)
    house.answer_all()
    days_pass(house, 20)
    younger = house.batch(RED)
    house.answer_all()
    days_pass(house, 20)
    assert house.retention.run_once() == Expired(batches=1)
    house.remove_all()
    assert house.images() == {sha256_of(RED)}
    assert [job.state for job in house.store.results(younger.id)] == [JobState.SUCCEEDED]
    assert list(house.journal.jobs(younger.id))


def test_what_counts_is_the_last_change(house):
    batch, single = house.batch(RED), house.add(None, GREEN)
    days_pass(house, 20)
    house.answer_all()
    days_pass(house, 20)
    assert house.retention.run_once() == Expired()
    days_pass(house, 11)
    assert house.retention.run_once() == Expired(batches=1, jobs=1)
    assert batch.id and single.id


def test_what_is_unfinished_stays_however_old_it_is(house):
    waiting, running = house.batch(RED), house.batch(GREEN)
    single = house.add(None, BLUE)
    held = [house.take(), house.take()]
    days_pass(house, 400)
    before = snapshot(house)
    assert house.retention.run_once() == Expired()
    assert snapshot(house) == before
    for job in held:
        house.finish(job)
    house.answer_all()
    assert house.retention.run_once() == Expired()
    days_pass(house, 31)
    assert house.retention.run_once() == Expired(batches=2, jobs=1)
    assert waiting.id and running.id and single.id


def test_an_open_batch_that_nobody_sends_to_any_more_expires(house):
    house.batch()
    days_pass(house, 31)
    assert house.retention.run_once() == Expired(batches=1)
    house.remove_all()
    house.assert_empty()


def test_a_batch_that_gets_a_file_at_the_last_moment_stays(house):
    batch = house.batch(RED)
    house.answer_all()
    days_pass(house, 31)
    before_s = house.clock.now_s - 30 * DAY_S
    house.add(batch, GREEN, "late.png")
    assert not house.store.expire_batch(batch.id, before_s)
    assert house.store.get_batch(batch.id).total == 2


def test_old_batches_that_are_unfinished_do_not_hide_those_that_are_finished(house):
    for _ in range(100):
        batch = house.store.create_batch(Batch(model=MODEL))
        house.store.create_job(Job(batch_id=batch.id, file="a.png", question="q", model=MODEL))
        house.clock.now_s += 1
    house.store.create_batch(Batch(model=MODEL))
    days_pass(house, 31)
    assert [house.retention.run_once().batches for _ in range(2)] == [0, 1]
    while taken := house.store.take(MODEL, "ticket"):
        house.store.cancel(taken.job.id)
    days_pass(house, 31)
    assert sum(house.retention.run_once().batches for _ in range(3)) == 100


def test_old_jobs_that_are_unfinished_do_not_hide_those_that_are_finished(house):
    with house.client.pipeline() as pipe:
        for number in range(1000):
            pipe.zadd(names.SINGLE_JOBS, {f"{number:032}": 1})
            pipe.hset(names.job_key(f"{number:032}"), "state", "queued")
        pipe.execute()
    job = house.add(None, RED)
    house.finish(house.store.take(MODEL, "ticket").job)
    days_pass(house, 31)
    assert [house.retention.run_once().jobs for _ in range(2)] == [0, 1]
    assert not house.client.exists(names.job_key(job.id))


def test_what_breaks_off_between_journal_and_record_is_taken_up_again(house):
    job = house.add(None, RED)
    house.answer_all()
    days_pass(house, 31)
    house.journal.forget_jobs([job.id])
    assert house.retention.run_once() == Expired(jobs=1)
    house.remove_all()
    house.assert_empty()


class JournalInWhichSomebodyRetries(Journal):
    """The journal; between the look at a job and its removal somebody retries it."""

    def __init__(self, house: House, job: Job) -> None:
        super().__init__(house.blobs)
        self._house, self._job = house, job

    def forget_jobs(self, job_ids: Iterable[str]) -> None:
        super().forget_jobs(job_ids)
        assert self._house.store.retry(self._job.id)


def test_a_job_that_is_retried_at_the_last_moment_stays_and_is_noted(house):
    job = house.add(None, RED)
    assert house.store.finish(job.id, Result(error=JobError(code="x", message="x")))
    days_pass(house, 31)
    journal = JournalInWhichSomebodyRetries(house, job)
    assert Retention(house.store, journal, 30 * DAY_S, house.clock).run_once() == Expired()
    assert house.store.get_job(job.id).state is JobState.QUEUED
    assert [noted.id for noted in house.journal.jobs(None)] == [job.id]


def test_a_batch_that_is_deleted_already_is_left_to_its_removal(house):
    batch: Batch = house.batch(RED)
    house.answer_all()
    days_pass(house, 31)
    house.store.mark_removed(batch.id)
    assert house.retention.run_once() == Expired()
    assert house.remove_all().batches == 1
    house.assert_empty()


def test_days_are_days_and_nothing_expires_before_all_are_silent(make_app):
    assert WebSettings(retention_days=0.5).retention_s == 12 * 3600
    settings = Settings(blob_patience_s=10)
    assert settings.settle_s > settings.blob_patience_s
    services = make_app(WebSettings(models=("nano",), retention_days=1e-9)).extensions["eva01"]
    refused = Job(file="a.txt", question="q", model=MODEL, state=JobState.FAILED)
    job, _ = services.store.create_job(refused)
    housekeeping_of(services).keep_house()
    assert services.store.get_job(job.id)
