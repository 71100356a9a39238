"""What becomes an owner's counts in usage and quotas, exactly at each step, whatever happens meanwhile."""

import time

import pytest

from jobs import flow
from jobs.contract import names
from jobs.contract.access.owners import Quotas
from jobs.contract.errors import QuotaExceeded
from jobs.contract.models import Batch, Job, JobError, Result, Usage
from jobs.storage.ledger import Taken
from tests.backend import MODEL, Backend
from tests.redis.jobs.owned.test_adopt import BLUE, GREEN, RED, run, usage_of, usage_told_by

pytestmark = pytest.mark.redis

COST = Usage(output_tokens=3, device_s=0.25)
FAILURE = Result(error=JobError(code="engine_failed", message="no"))


def of_all_kinds(backend: Backend, owner: str | None) -> tuple[Batch, list[Job]]:
    """A batch with an answer, one that was known already, a failure, a cancelled job, and three that wait."""
    batch = flow.open_batch(backend.stores, Batch(model=MODEL, owner=owner))
    jobs, store = [backend.add(batch, RED, f"{number}.png") for number in range(7)], backend.store
    store.finish(jobs[0].id, Result(answer="A red circle.", usage=COST))
    store.finish(jobs[1].id, Result(answer="A red circle.", usage=COST, cached=True))
    store.finish(jobs[2].id, FAILURE)
    store.cancel(jobs[3].id)
    return batch, jobs


def test_a_batch_that_was_taken_over_counts_as_if_its_owner_had_made_it(backend):
    """From then on too: what is answered, fails, is cancelled, retried, comes, is deleted."""
    (annas, jobs_of_anna), (bens, jobs_of_ben) = of_all_kinds(backend, None), of_all_kinds(backend, "ben")
    assert {backend.take().id, backend.take().id} == {jobs_of_anna[4].id, jobs_of_ben[4].id}
    run(backend.stores)
    store, stores = backend.store, backend.stores

    def assert_same() -> tuple[int, Taken]:
        assert usage_of(stores, "anna") == usage_of(stores, "ben")
        open_jobs, days = usage_of(stores, "anna")
        return open_jobs, sum(days.values(), Taken())

    first = Taken(taken=7, succeeded=2, failed=1, cancelled=1, output_tokens=3, device_us=250_000)
    assert assert_same() == (3, first)
    for batch, jobs in ((annas, jobs_of_anna), (bens, jobs_of_ben)):
        store.finish(jobs[4].id, Result(answer="x", usage=COST))
        store.retry(jobs[2].id)
        backend.add(batch, BLUE, "later.png")
    more = Taken(taken=1, succeeded=1, failed=-1, output_tokens=3, device_us=250_000)
    assert assert_same() == (4, first + more)
    for batch, jobs in ((annas, jobs_of_anna), (bens, jobs_of_ben)):
        store.finish(jobs[5].id, FAILURE)
        flow.cancel_batch(stores, batch.id)
        assert flow.retry_batch(stores, batch.id)[1].queued == 1
    assert assert_same()[0] == 1
    for batch in (annas, bens):
        flow.delete_batch(stores, batch.id)
    backend.remove_all()
    open_jobs, taken = assert_same()
    assert (open_jobs, taken.taken, taken.succeeded, taken.cancelled) == (0, 8, 3, 5)


def test_each_step_counts_what_it_has_looked_at_from_the_last_to_the_first(backend):
    batch, jobs = of_all_kinds(backend, None)
    assert backend.take().id == jobs[4].id
    store, stores = backend.store, backend.stores
    for looked_at in range(1, len(jobs) + 1):
        store.adopt_batch(batch.id, "anna", 1)
        counted = store.get_jobs([job.id for job in jobs[-looked_at:]])
        assert usage_of(stores, "anna") == usage_told_by(counted)
    assert store.adopt_batch(batch.id, "anna", 1) == (False, 0, False)
    assert usage_of(stores, "anna") == usage_told_by(store.results(batch.id))


def test_jobs_that_change_before_their_turn_are_counted_as_they_are_then(backend):
    """All of a batch is cancelled and retried while half of it is counted, and a file comes."""
    batch, jobs = of_all_kinds(backend, None)
    assert backend.take().id == jobs[4].id
    store, stores = backend.store, backend.stores
    store.adopt_batch(batch.id, "anna", 2)
    later = backend.add(batch, GREEN, "later.png")
    store.finish(jobs[4].id, FAILURE)
    store.finish(jobs[5].id, Result(answer="x", usage=COST))
    counted = [jobs[5].id, jobs[6].id, later.id]
    assert usage_of(stores, "anna") == usage_told_by(store.get_jobs(counted))
    flow.cancel_batch(stores, batch.id)
    assert store.retry_batch(batch.id).queued == 2
    assert usage_of(stores, "anna") == usage_told_by(store.get_jobs(counted))
    run(stores, "ben")
    assert usage_of(stores, "anna") == usage_told_by([*store.results(batch.id)])
    assert usage_of(stores, "ben") == (0, {})


def test_a_retry_of_what_was_taken_over_takes_a_quota_as_any_other(backend):
    backend.clock.now_s = time.time()
    batch, jobs = of_all_kinds(backend, None)
    assert backend.take().id == jobs[4].id
    store = backend.store
    for job in jobs[5:]:
        store.finish(job.id, FAILURE)
    # The failed one in front has not had its turn yet, and is no way around.
    store.adopt_batch(batch.id, "anna", 4)
    for quotas in (Quotas(open_jobs=1), Quotas(device_s_per_day=0)):
        for retry in (
            lambda quotas=quotas: store.retry(jobs[2].id, quotas),
            lambda quotas=quotas: store.retry_batch(batch.id, quotas=quotas),
        ):
            with pytest.raises(QuotaExceeded):
                retry()
    run(backend.stores)
    # Two are answered, one runs; three have failed, one is cancelled.
    with pytest.raises(QuotaExceeded) as error:
        store.retry_batch(batch.id, quotas=Quotas(images_per_day=5))
    assert (error.value.quota, error.value.left) == ("images_per_day", 2)
    assert usage_of(backend.stores, "anna") == usage_told_by(store.results(batch.id))
    assert store.retry_batch(batch.id, quotas=Quotas(images_per_day=6, open_jobs=4)).queued == 3
    assert usage_of(backend.stores, "anna")[0] == 4


def test_a_job_that_cannot_be_read_counts_as_what_its_batch_has_it_for(backend):
    batch = backend.batch(RED, GREEN)
    first, second = (job.id for job in backend.store.results(batch.id))
    backend.client.hset(names.job_key(first), "state", "of a later version")
    single = backend.add(None, RED)
    backend.client.hset(names.job_key(single.id), "state", "of a later version")
    run(backend.stores)
    assert backend.stores.ledger.open_jobs() == {"anna": 3}
    assert backend.take().id == second
    assert backend.stores.ledger.open_jobs() == {"anna": 1}
    ((_, taken),) = usage_of(backend.stores, "anna")[1].items()
    assert (taken.taken, taken.failed, taken.open) == (3, 2, 1)
