"""What owners have taken is counted exactly, whatever happens to their jobs, and in whatever order."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jobs import flow
from jobs.contract import names
from jobs.contract.access.owners import Quotas
from jobs.contract.errors import QuotaExceeded
from jobs.contract.models import Batch, Job, JobError, JobState, Result, Usage, new_id
from jobs.storage.ledger import Ledger, Taken
from jobs.storage.store.jobs import Came
from jobs.upkeep.adopt import Adoption
from jobs.upkeep.restore import Restore
from tests.backend import Backend

pytestmark = pytest.mark.redis

SHA = "ab" * 32
QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED = JobState
OPEN = (QUEUED, RUNNING)
FAILURE = Result(error=JobError(code="engine_failed", message="no"))
OWNERS = ("anna", "ben", None)
TODAY = datetime.now(UTC).date()


def noon_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def id_of(day: date) -> str:
    """An id as if it had been made on a day."""
    return f"{int(noon_of(day).timestamp() * 1000):012x}{new_id()[12:]}"


def job_of(batch: Batch | None, owner: str | None, day: date = TODAY, **fields: object) -> Job:
    job_id = id_of(day)
    asked = {"id": job_id, "file": f"{job_id}.png", "question": "q", "model": "nano", "images": (SHA,)}
    return Job.model_validate({"batch_id": batch.id if batch else None, "owner": owner} | asked | fields)


def refused_of(batch: Batch, day: date) -> Job:
    error = JobError(code="not_an_image", message="none")
    refusal = {"state": FAILED, "is_refused": True, "refused_sha256": SHA, "finished_at": datetime.now(UTC)}
    return job_of(batch, batch.owner, day, images=(), error=error, **refusal)


@dataclass
class Known:
    """What has become of a job, as far as its owner's account goes."""

    job: Job
    state: JobState
    is_refused: bool = False
    tokens: int = 0
    device_us: int = 0
    #: Who is charged for it; None for nobody, be it so far.
    charged: str | None = None

    def __post_init__(self) -> None:
        self.charged = self.job.owner

    @property
    def day(self) -> date:
        return self.job.created_at.date()


class Owners(RuleBasedStateMachine):
    """Jobs of several owners and days, alone and in batches, and all that may happen to them."""

    client: "redis.Redis"
    #: Whose what comes is.
    whose: tuple[str | None, ...]

    def __init__(self) -> None:
        super().__init__()
        self.client.flushall()
        self.folder = TemporaryDirectory()
        self.house = Backend(self.client, Path(self.folder.name))
        self.store = self.house.store
        self.known: dict[str, Known] = {}
        self.batches: list[Batch] = []
        self.owners: dict[str | None, str | None] = {}
        self.gone: set[str] = set()
        self.tickets = 0

    def teardown(self) -> None:
        self.folder.cleanup()

    # What comes

    @rule(data=st.data())
    def open_batch(self, data):
        owner = data.draw(st.sampled_from(self.whose))
        self.batches.append(flow.open_batch(self.house.stores, Batch(model="nano", owner=owner)))
        self.owners[self.batches[-1].id] = owner

    @rule(data=st.data(), days=st.integers(0, 2))
    def ask(self, data, days):
        owner = data.draw(st.sampled_from(self.whose))
        job = flow.accept_single(self.house.stores, job_of(None, owner, TODAY - timedelta(days)))
        self.known[job.id] = Known(job, QUEUED)

    @precondition(lambda self: self.batches)
    @rule(data=st.data(), days=st.lists(st.integers(0, 2), min_size=1, max_size=5), refused=st.booleans())
    def add(self, data, days, refused):
        """Files come into a batch, of which some have ids of other days than those before them."""
        batch = self.store.get_batch(data.draw(st.sampled_from(self.batches)).id)
        if batch.state is not batch.state.OPEN:
            return
        jobs = [job_of(batch, batch.owner, TODAY - timedelta(count)) for count in days]
        jobs += [refused_of(batch, TODAY)] * refused
        with flow.accepting(self.house.stores, batch) as request:
            request.add(jobs)
        self.known |= {job.id: Known(job, job.state, job.is_refused) for job in jobs}

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def mend(self, data):
        """A refused file is taken after all."""
        refused = [one for one in self.there() if one.is_refused and one.state is FAILED]
        if not refused:
            return
        one = data.draw(st.sampled_from(refused))
        batch = self.store.get_batch(one.job.batch_id)
        if batch.state is not batch.state.OPEN:
            return
        good = job_of(batch, batch.owner, file=one.job.file)
        with flow.accepting(self.house.stores, batch) as request:
            ((made, _),) = request.add([good])
        assert made.id == one.job.id
        one.state, one.is_refused = QUEUED, False

    # What workers do

    @rule(came=st.sampled_from(Came), is_new=st.booleans())
    def take(self, came, is_new):
        """A worker takes a job; or gets a ticket that another had, or that it has already."""
        self.tickets += is_new
        if taken := self.store.take("nano", f"ticket {self.tickets}", came):
            self.known[taken.job.id].state = RUNNING

    @rule(data=st.data(), tokens=st.integers(0, 9), device_us=st.integers(0, 10**7), cached=st.booleans())
    def answer(self, data, tokens, device_us, cached):
        if one := self.some(data):
            usage = Usage(output_tokens=tokens, device_s=device_us / 10**6)
            if self.store.finish(one.job.id, Result(answer="x", usage=usage, cached=cached)):
                assert one.state in OPEN
                one.state = SUCCEEDED
                one.tokens, one.device_us = (0, 0) if cached else (tokens, device_us)
                self.house.journal.note_result(self.store.get_job(one.job.id))

    @rule(data=st.data())
    def fail(self, data):
        if (one := self.some(data)) and self.store.finish(one.job.id, FAILURE):
            one.state = FAILED
            self.house.journal.note_result(self.store.get_job(one.job.id))

    @rule(data=st.data(), counts=st.booleans())
    def queue_again(self, data, counts):
        if one := self.some(data):
            verb = self.store.take_back if counts else self.store.give_back
            one.state = QUEUED if verb(one.job.id) else one.state

    # What users do

    @rule(data=st.data())
    def cancel(self, data):
        one = self.some(data)
        if one and one.state in OPEN:
            flow.cancel_job(self.house.stores, one.job.id)
            one.state = CANCELLED

    @rule(data=st.data())
    def retry(self, data):
        one = self.some(data)
        if one and one.state is FAILED and not one.is_refused:
            flow.retry_job(self.house.stores, one.job.id)
            one.state = QUEUED

    @precondition(lambda self: self.batches)
    @rule(data=st.data(), verb=st.sampled_from(("cancel", "retry", "retry", "delete")))
    def change_all(self, data, verb):
        batch = data.draw(st.sampled_from(self.batches))
        theirs = [one for one in self.known.values() if one.job.batch_id == batch.id]
        if verb == "retry":
            failed = [one for one in theirs if one.state is FAILED and not one.is_refused]
            assert self.store.retry_batch(batch.id) == len(failed)
            for one in failed:
                one.state = QUEUED
            return
        if verb == "cancel":
            self.store.cancel_batch(batch.id)
        else:
            flow.delete_batch(self.house.stores, batch.id)
            self.batches.remove(batch)
            self.gone |= {one.job.id for one in theirs}
        for one in theirs:
            one.state = CANCELLED if one.state in OPEN else one.state

    # What was nobody's becomes an owner's

    @precondition(lambda self: self.nobodys())
    @rule(data=st.data(), limit=st.integers(1, 3), owner=st.sampled_from(("anna", "ben")))
    def adopt_some(self, data, limit, owner):
        """So far of one batch, as when that is interrupted."""
        batch_id = data.draw(st.sampled_from(self.nobodys()))
        places = cast(list[str], self.client.zrevrange(names.batch_jobs_key(batch_id), 0, -1))
        waiting = [one for job_id in places if (one := self.known[job_id]).charged is None]
        is_new, looked_at, _ = self.store.adopt_batch(batch_id, owner, limit)
        assert (is_new, looked_at) == (self.owners[batch_id] is None, len(waiting[:limit]))
        self.owners[batch_id] = self.owners[batch_id] or owner
        for one in waiting[:limit]:
            one.charged = self.owners[batch_id]

    @precondition(lambda self: self.whose == OWNERS)
    @rule(owner=st.sampled_from(("anna", "ben")))
    def adopt_all(self, owner):
        for _ in Adoption(self.house.stores, owner).run():
            pass
        for batch in self.batches:
            self.owners[batch.id] = self.owners[batch.id] or owner
        for one in self.there():
            batchs = self.owners[one.job.batch_id] if one.job.batch_id else None
            one.charged = one.charged or batchs or owner

    # What housekeeping does

    @rule(limit=st.integers(1, 5))
    def settle(self, limit):
        for batch_id in self.store.unsettled_batches():
            self.store.settle_some(batch_id, limit)

    @rule()
    def remove(self):
        self.house.remove_all()

    @rule()
    def lose_redis(self):
        """Redis is lost, with all that was open; what the journal has comes back."""
        for batch in self.batches:
            flow.close_batch(self.house.stores, batch.id)
        self.client.flushall()
        for _ in Restore(self.store, self.house.journal).run():
            pass
        self.known = {job_id: one for job_id, one in self.known.items() if job_id not in self.gone}
        for job_id, one in self.known.items():
            kept = self.store.get_job(job_id)
            one.state, one.charged = kept.state, kept.owner
            if one.state is not SUCCEEDED:
                one.tokens = one.device_us = 0

    def some(self, data) -> Known | None:
        """Any job that is there."""
        there = self.there()
        return data.draw(st.sampled_from(there)) if there else None

    def nobodys(self) -> list[str]:
        """The batches with jobs that nobody is charged for."""
        nobodys = (one.job.batch_id for one in self.there() if not one.charged)
        return [*dict.fromkeys(batch_id for batch_id in nobodys if batch_id)]

    def there(self) -> list[Known]:
        """The jobs that are not deleted."""
        return [one for job_id, one in self.known.items() if job_id not in self.gone]

    @invariant()
    def every_count_is_right(self):
        charged = [one for one in self.known.values() if one.charged]
        open_jobs = Counter(one.charged for one in charged if one.state in OPEN)
        assert self.house.stores.ledger.open_jobs() == open_jobs
        sums: dict[tuple[date, str], Taken] = {}
        for one in charged:
            ended = {one.state.value: 1} if one.state not in OPEN else {}
            cost = Taken(taken=1, output_tokens=one.tokens, device_us=one.device_us)
            place = (one.day, str(one.charged))
            sums[place] = sums.get(place, Taken()) + cost + Taken(**ended)
        told = self.house.stores.ledger.days(TODAY - timedelta(9), TODAY + timedelta(9))
        assert {(row.day, row.owner): row.taken for row in told if row.taken != Taken()} == sums


@pytest.mark.parametrize("owners", [OWNERS, (None,)], ids=["owners", "nobody, until they are adopted"])
def test_whatever_happens_in_any_order_every_owner_is_charged_for_what_they_have_taken(redis_client, owners):
    machine = type("Machine", (Owners,), {"client": redis_client, "whose": owners})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[*HealthCheck],
        ),
    )


# Quotas


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
    assert store.retry_batch(annas.id, quotas=Quotas(images_per_day=5)) == 1


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
