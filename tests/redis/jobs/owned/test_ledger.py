"""What owners have taken is counted exactly, whatever happens to their jobs, and in whatever order."""

from collections import Counter
from collections.abc import Sequence
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
from jobs.contract.models import Batch, Job, JobError, JobState, Result, Usage, new_id
from jobs.storage.ledger import Taken
from jobs.storage.store.jobs import Came
from jobs.upkeep.adopt import Adoption
from jobs.upkeep.restore import Restore
from tests.backend import Backend

pytestmark = pytest.mark.redis

#: Of the images that a job may have.
SHAS = ("ab" * 32, "cd" * 32, "ef" * 32)
QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED = JobState
OPEN = (QUEUED, RUNNING)
FAILURE = Result(error=JobError(code="engine_failed", message="no"))
OWNERS = ("anna", "ben", None)
#: Images, and as how many they count.
IMAGES = st.sampled_from([(SHAS[:1], None), (SHAS[:1], 12), (SHAS[:2], None), (SHAS, None), (SHAS, 7)])
TODAY = datetime.now(UTC).date()


def noon_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def id_of(day: date) -> str:
    """An id as if it had been made on a day."""
    return f"{int(noon_of(day).timestamp() * 1000):012x}{new_id()[12:]}"


def job_of(batch: Batch | None, owner: str | None, day: date = TODAY, **fields: object) -> Job:
    job_id = id_of(day)
    asked = {"id": job_id, "file": f"{job_id}.png", "question": "q", "model": "nano", "images": SHAS[:1]}
    return Job.model_validate({"batch_id": batch.id if batch else None, "owner": owner} | asked | fields)


def refused_of(batch: Batch, day: date, images: Sequence[str] = SHAS[:1]) -> Job:
    error = JobError(code="not_an_image", message="none")
    refusal = {"state": FAILED, "is_refused": True, "finished_at": datetime.now(UTC)}
    refusal["refused_sha256"] = ",".join(images)
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

    @property
    def images(self) -> int:
        """How many it is charged for."""
        return self.job.counts_as or len(self.job.images) or 1


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

    @rule(data=st.data(), days=st.integers(0, 2), images=IMAGES)
    def ask(self, data, days, images):
        owner = data.draw(st.sampled_from(self.whose))
        job = job_of(None, owner, TODAY - timedelta(days), images=images[0], counts_as=images[1])
        flow.accept_single(self.house.stores, job)
        self.known[job.id] = Known(job, QUEUED)

    @precondition(lambda self: self.batches)
    @rule(
        data=st.data(),
        days=st.lists(st.tuples(st.integers(0, 2), IMAGES), min_size=1, max_size=5),
        refused=st.booleans(),
    )
    def add(self, data, days, refused):
        """Files come into a batch, of which some have ids of other days than those before them."""
        batch = self.store.get_batch(data.draw(st.sampled_from(self.batches)).id)
        if batch.state is not batch.state.OPEN:
            return
        jobs = [
            job_of(batch, batch.owner, TODAY - timedelta(count), images=images, counts_as=counts_as)
            for count, (images, counts_as) in days
        ]
        jobs += [refused_of(batch, TODAY, SHAS[:2])] * refused
        with flow.accepting(self.house.stores, batch) as request:
            request.add(jobs)
        self.known |= {job.id: Known(job, job.state, job.is_refused) for job in jobs}

    @precondition(lambda self: self.batches)
    @rule(data=st.data(), counts_as=st.sampled_from([None, 5]))
    def mend(self, data, counts_as):
        """A refused file is taken after all."""
        refused = [one for one in self.there() if one.is_refused and one.state is FAILED]
        if not refused:
            return
        one = data.draw(st.sampled_from(refused))
        batch = self.store.get_batch(one.job.batch_id)
        if batch.state is not batch.state.OPEN:
            return
        good = job_of(batch, batch.owner, file=one.job.file, images=SHAS[:2], counts_as=counts_as)
        with flow.accepting(self.house.stores, batch) as request:
            ((made, _),) = request.add([good])
        assert made.id == one.job.id
        one.job, one.state, one.is_refused = made, QUEUED, False

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
            assert self.store.retry_batch(batch.id).queued == len(failed)
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
            ended = {one.state.value: one.images} if one.state not in OPEN else {}
            cost = Taken(taken=one.images, output_tokens=one.tokens, device_us=one.device_us)
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
