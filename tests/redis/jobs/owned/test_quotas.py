"""Quotas of owners are kept to the job, and what is counted stays right where something is broken."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from jobs import flow
from jobs.contract import names
from jobs.contract.access.owners import Quotas
from jobs.contract.errors import QuotaExceeded
from jobs.contract.models import Batch, Job, Result, Usage
from jobs.storage.ledger import Ledger, Taken
from tests.redis.jobs.owned.test_ledger import FAILED, FAILURE, SHAS, TODAY, job_of, noon_of, refused_of

pytestmark = pytest.mark.redis


def left_of(error: pytest.ExceptionInfo[QuotaExceeded]) -> tuple[str, float]:
    return error.value.quota, error.value.left


def jobs_of(batch: Batch, count: int) -> list[Job]:
    return [job_of(batch, batch.owner) for _ in range(count)]


@pytest.fixture
def annas(backend) -> Batch:
    backend.clock.now_s = noon_of(TODAY).timestamp()
    return backend.store.create_batch(Batch(model="nano", owner="anna"))


def test_of_more_files_than_a_quota_allows_those_are_taken_that_still_fit(backend, annas):
    jobs, quotas = jobs_of(annas, 600), Quotas(images_per_day=510)
    with pytest.raises(QuotaExceeded) as error:
        backend.store.create_jobs(jobs, quotas=quotas)
    assert left_of(error) == ("images_per_day", 0)
    assert [job.id for job, _ in error.value.made] == [job.id for job in jobs[:510]]
    assert backend.store.get_batch(annas.id).total == 510
    again = backend.store.create_jobs(jobs[:510], quotas=quotas)
    assert not any(is_new for _, is_new in again), "what is there already takes nothing more"


def test_files_that_had_room_before_a_quota_was_used_up_are_in_the_journal(backend, annas):
    jobs = jobs_of(annas, 5)
    with (
        pytest.raises(QuotaExceeded),
        flow.accepting(backend.stores, annas, Quotas(open_jobs=3)) as request,
    ):
        request.add(jobs)
    assert {job.id for job in backend.journal.jobs(annas.id)} == {job.id for job in jobs[:3]}


def test_requests_at_once_never_pass_a_quota_together(backend, annas):
    def send(_: int) -> int:
        try:
            return len(backend.store.create_jobs(jobs_of(annas, 10), quotas=Quotas(open_jobs=55)))
        except QuotaExceeded as error:
            return len(error.made)

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(send, range(16))) == 55
    assert backend.stores.ledger.open_jobs() == {"anna": 55}


def test_a_quota_is_its_owners_and_not_anothers(backend, annas):
    quotas = Quotas(open_jobs=2, images_per_day=2)
    backend.store.create_jobs(jobs_of(annas, 2), quotas=quotas)
    for owner in ("ben", None):
        batch = backend.store.create_batch(Batch(model="nano", owner=owner))
        backend.store.create_jobs(jobs_of(batch, 2), quotas=quotas)
    with pytest.raises(QuotaExceeded):
        backend.store.create_jobs([job_of(None, "anna")], quotas=quotas)


def test_what_failed_or_was_cancelled_is_given_back_and_a_retry_takes_it_again(backend, annas):
    quotas, store = Quotas(images_per_day=4), backend.store
    jobs = jobs_of(annas, 4)
    store.create_jobs(jobs, quotas=quotas)
    store.finish(jobs[0].id, FAILURE)
    store.finish(jobs[1].id, FAILURE)
    store.cancel(jobs[2].id)
    store.finish(jobs[3].id, Result(answer="yes"))
    store.create_jobs(jobs_of(annas, 2), quotas=quotas)
    assert store.retry(jobs[0].id, quotas)
    for retry in (lambda: store.retry(jobs[1].id, quotas), lambda: store.retry_batch(annas.id, None, quotas)):
        with pytest.raises(QuotaExceeded) as error:
            retry()
        assert left_of(error) == ("images_per_day", 0)
    assert store.get_job(jobs[1].id).state is FAILED
    assert store.retry_batch(annas.id, quotas=Quotas(images_per_day=5)).queued == 1


def test_all_images_of_a_job_count_and_are_given_back_together(backend, annas):
    store, quotas = backend.store, Quotas(images_per_day=5, open_jobs=3)
    three, two, one = (job_of(annas, "anna", images=SHAS[:count]) for count in (3, 2, 1))
    store.create_jobs([three, two], quotas=quotas)
    for job in (one, job_of(None, "anna", images=SHAS[:2])):
        with pytest.raises(QuotaExceeded) as error:
            store.create_jobs([job], quotas=quotas)
        assert left_of(error) == ("images_per_day", 0)
    store.finish(three.id, FAILURE)
    store.create_jobs([one], quotas=quotas)
    for retry in (lambda: store.retry(three.id, quotas), lambda: store.retry_batch(annas.id, None, quotas)):
        with pytest.raises(QuotaExceeded):
            retry()
    store.cancel_batch(annas.id)
    assert [row.taken for row in backend.stores.ledger.days(TODAY, TODAY)] == [
        Taken(taken=6, failed=3, cancelled=3)
    ]
    assert store.retry_batch(annas.id, quotas=quotas).queued == 1


def test_a_job_that_cannot_be_retried_has_failed_as_before_in_the_journal_too(backend, annas):
    (job,) = jobs_of(annas, 1)
    with flow.accepting(backend.stores, annas) as request:
        request.add([job])
    backend.store.finish(job.id, FAILURE)
    backend.journal.note_result(backend.store.get_job(job.id))
    with pytest.raises(QuotaExceeded):
        flow.retry_job(backend.stores, job.id, Quotas(open_jobs=0))
    assert list(backend.journal.answered(annas.id)) == [job.id]


def test_a_retry_of_what_came_on_an_earlier_day_takes_no_image_of_today(backend, annas):
    store, old = backend.store, job_of(annas, "anna", TODAY - timedelta(3))
    store.create_job(old)
    store.finish(old.id, FAILURE)
    assert store.retry(old.id, Quotas(images_per_day=0))


def test_a_file_that_was_refused_yesterday_is_taken_though_that_day_is_used_up(backend, annas):
    """It takes its image there, as a retry does: no other can be taken there any more."""
    yesterday = TODAY - timedelta(1)
    refused = refused_of(annas, yesterday)
    backend.store.create_jobs([*(job_of(annas, "anna", yesterday) for _ in range(2)), refused])
    good, quotas = job_of(annas, "anna", file=refused.file), Quotas(images_per_day=2)
    ((made, is_taken),) = backend.store.create_jobs([good], quotas=quotas)
    assert (made.id, is_taken) == (refused.id, True)
    assert [row.taken.open for row in backend.stores.ledger.days(yesterday, TODAY)] == [3]
    backend.store.create_jobs(jobs_of(annas, 2), quotas=quotas)


def test_what_runs_over_midnight_counts_on_the_day_on_which_it_came(backend):
    store, clock, quotas = backend.store, backend.clock, Quotas(images_per_day=2, device_s_per_day=5)
    tomorrow = TODAY + timedelta(1)
    clock.now_s = noon_of(TODAY).timestamp()
    batch = store.create_batch(Batch(model="nano", owner="anna"))
    jobs = jobs_of(batch, 2)
    store.create_jobs(jobs, quotas=quotas)
    clock.now_s = noon_of(tomorrow).timestamp()
    store.finish(jobs[0].id, Result(answer="x", usage=Usage(device_s=9)))
    store.finish(jobs[1].id, FAILURE)
    ledger = backend.stores.ledger
    ledger.check_quotas("anna", quotas)
    later = [job_of(batch, "anna", tomorrow) for _ in range(2)]
    store.create_jobs(later, quotas=quotas)
    assert store.retry(jobs[1].id, quotas), "its image is one of a day that is over"
    with pytest.raises(QuotaExceeded) as error:
        store.create_jobs([job_of(batch, "anna", tomorrow)], quotas=quotas)
    assert left_of(error) == ("images_per_day", 0)
    flow.cancel_batch(backend.stores, batch.id)
    taken = {row.day: row.taken for row in ledger.days(TODAY, tomorrow)}
    assert taken == {
        TODAY: Taken(taken=2, succeeded=1, cancelled=1, device_us=9_000_000),
        tomorrow: Taken(taken=2, cancelled=2),
    }


def test_seconds_of_the_device_are_a_quota_of_the_day(backend, annas):
    (job,) = jobs_of(annas, 1)
    quotas, ledger = Quotas(device_s_per_day=1.5), backend.stores.ledger
    backend.store.create_jobs([job], quotas=quotas)
    ledger.check_quotas("anna", quotas)
    backend.store.finish(job.id, Result(answer="x", usage=Usage(device_s=1.5)))
    with pytest.raises(QuotaExceeded) as error:
        ledger.check_quotas("anna", quotas)
    assert left_of(error) == ("device_s_per_day", 0)
    backend.clock.now_s += error.value.renews_s
    ledger.check_quotas("anna", quotas)


def test_a_refused_file_takes_nothing(backend, annas):
    backend.store.create_jobs([refused_of(annas, TODAY)], quotas=Quotas(open_jobs=0, images_per_day=0))


def test_what_was_taken_long_ago_is_forgotten(backend, annas):
    backend.store.create_jobs([job_of(annas, "anna", TODAY - timedelta(days)) for days in (0, 1, 2, 3)])
    ledger = backend.stores.ledger
    assert ledger.forget_before(TODAY - timedelta(1)) == 2
    days = [row.day for row in ledger.days(TODAY - timedelta(9), TODAY)]
    assert days == [TODAY, TODAY - timedelta(1)]
    assert len([*backend.client.scan_iter(f"{names.usage_key('*')}")]) == 2
    assert isinstance(ledger, Ledger)


def test_a_question_that_could_not_be_accepted_was_not_taken(backend):
    job, _ = backend.store.create_job(job_of(None, "anna"))
    assert backend.stores.ledger.open_jobs() == {"anna": 1}
    backend.store.remove_job(job.id)
    assert backend.stores.ledger.open_jobs() == {}
    (row,) = backend.stores.ledger.days(TODAY, TODAY)
    assert row.taken == Taken()


def test_a_job_whose_record_cannot_be_read_is_no_longer_open(backend, annas):
    (job, other) = jobs_of(annas, 2)
    backend.store.create_jobs([job, other])
    backend.client.hset(names.job_key(job.id), "state", "of a later version")
    assert backend.store.take("nano", "ticket").job.id == other.id
    assert backend.stores.ledger.open_jobs() == {"anna": 1}
    (row,) = backend.stores.ledger.days(TODAY, TODAY)
    assert (row.taken.taken, row.taken.failed, row.taken.open) == (2, 1, 1)


@pytest.mark.parametrize("damage", ["gone", "of another type", "without an owner"])
def test_a_question_that_cannot_be_read_holds_up_none_of_its_owners(backend, damage):
    """Its line is its owner's, whatever its record says."""
    made = [backend.store.create_job(job_of(None, "anna"))[0] for _ in range(2)]
    first, second = sorted(made, key=lambda job: job.id)
    record = names.job_key(first.id)
    if damage == "without an owner":
        backend.client.hdel(record, "owner", "model")
    else:
        backend.client.delete(record)
    if damage == "of another type":
        backend.client.set(record, "x")
    assert backend.store.take("nano", "ticket").job.id == second.id
    assert backend.client.zcard(names.owned_singles_key("nano", "anna")) == 0
    assert backend.stores.ledger.open_jobs() == {"anna": 1}
    (row,) = backend.stores.ledger.days(TODAY, TODAY)
    assert (row.taken.taken, row.taken.failed) == (2, 1)
