"""A real worker: a small batch, and another owner, get their share although much more was queued before."""

from collections.abc import Iterable
from datetime import datetime

import pytest

from jobs.contract.models import Batch, Job, JobState
from tests.processes import wait_until
from tests.stubs.processes import MODEL, SHA256, WorkerProcesses

pytestmark = [pytest.mark.redis, pytest.mark.process]

#: What the stub worker holds at most.
SLOTS = 4


def submit(workers: WorkerProcesses, count: int, owner: str | None = None) -> Batch:
    batch = workers.store.create_batch(Batch(model=MODEL, owner=owner))
    workers.store.create_jobs([job(f"{n}.png", owner, batch_id=batch.id) for n in range(count)])
    return batch


def job(file: str, owner: str | None, **fields: str) -> Job:
    asked = {"file": file, "question": "q", "model": MODEL, "images": (SHA256,), "owner": owner}
    return Job.model_validate(asked | fields)


def end_of(jobs: Iterable[Job]) -> datetime:
    """When the last of them was answered."""
    return max(job.finished_at for job in jobs if job.finished_at)


def answered_by(jobs: Iterable[Job], end: datetime) -> int:
    """How many of them were answered until then: who looks later sees more."""
    return sum(job.finished_at is not None and job.finished_at <= end for job in jobs)


def answered(workers: WorkerProcesses, batch: Batch) -> int:
    return workers.store.get_batch(batch.id).counts[JobState.SUCCEEDED]


def test_a_small_batch_behind_a_large_one_waits_for_its_share_and_no_longer(workers):
    large = submit(workers, 400)
    workers.start_worker(takes_s=0.02, EVA01_SLOTS=str(SLOTS)).wait_until_ready()
    wait_until(lambda: answered(workers, large) > 10, "the large batch is under way")
    small = submit(workers, 10)
    before = answered(workers, large)
    wait_until(lambda: answered(workers, small) == 10, "the small batch is answered")
    end = end_of(workers.store.results(small.id))
    until_then = answered_by(workers.store.results(large.id), end)
    # One job of each batch in turn, those in slots when it came, and those that overtook others.
    assert until_then - before <= 10 + 3 * SLOTS
    assert until_then < 400, "else nothing is behind it"


def test_another_owners_flood_is_waited_for_no_longer_than_slots_hold_it(workers):
    flood = [workers.store.create_job(job(f"{n}.png", "anna"))[0].id for n in range(300)]
    submit(workers, 300, "anna")

    def annas() -> int:
        done = [one for one in workers.store.get_jobs(flood) if one.state is JobState.SUCCEEDED]
        return len(done)

    workers.start_worker(takes_s=0.02, EVA01_SLOTS=str(SLOTS)).wait_until_ready()
    wait_until(lambda: annas() > 10, "anna's questions are under way")
    bens = submit(workers, 10, "ben")
    single = workers.store.create_job(job("single.png", "ben"))[0].id
    before = annas()
    wait_until(lambda: answered(workers, bens) == 10, "ben's are answered")
    assert workers.store.get_job(single).state is JobState.SUCCEEDED, "it came before his batch"
    until_then = answered_by(workers.store.get_jobs(flood), end_of(workers.store.results(bens.id)))
    # One job of each owner in turn, those in slots when ben came, and those that overtook others.
    assert until_then - before <= 11 + 3 * SLOTS
    assert until_then < 300, "else nothing is behind it"
