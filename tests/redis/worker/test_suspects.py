"""What the jobs of lost workers take of the device when they run again, counted in batches of the engine."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from math import ceil

import pytest

from jobs.contract.models import Job, JobState
from jobs.storage.store.jobs import Came
from tests.processes import wait_until
from tests.slot import MODEL, Slot

pytestmark = pytest.mark.redis

#: Slots of a worker, whose images fill two batches of the stub (10,000 tokens, 480 each).
SLOTS, FITS = 32, 20


@pytest.fixture
def worker(slot: Slot) -> Iterator[Slot]:
    """A worker with as many slots as are used, that allows three crashes, as the default is."""
    slot.answering = replace(slot.answering, max_crashes=3, cache=slot.cache(is_on=False))
    yield slot
    slot.engine.may_go_on.set()


def jobs_of(worker: Slot, name: str, count: int = SLOTS) -> list[Job]:
    return [worker.job(question=f"{name} {n}") for n in range(count)]


def lost_jobs(worker: Slot, name: str) -> list[Job]:
    """Jobs whose worker took them, and died."""
    jobs = jobs_of(worker, name)
    for job in jobs:
        taken = worker.store.take(MODEL, job.id)
        assert taken and taken.job.id == job.id
    return jobs


def answer_all(worker: Slot, fresh: Sequence[Job], lost: Sequence[Job]) -> list[list[str]]:
    """Answer all at once, lost and fresh ones in turn; gives what was in each batch of the engine.

    The device is held until all wait for it, so that the batches depend on nothing else.
    """
    tickets = [*chain.from_iterable(zip(fresh, lost, strict=False)), *fresh[len(lost) :], *lost[len(fresh) :]]
    worker.engine.batches.clear()
    before = worker.hold_on_device(worker.job(question="innocent, and first"))
    threads = [threading.Thread(target=answer, args=(worker, job, job in lost)) for job in tickets]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(worker.batcher._waiting) == len(tickets), "all wait for the device")
    worker.engine.may_go_on.set()
    for thread in (before, *threads):
        thread.join()
    for job in map(worker.store.get_job, (job.id for job in tickets)):
        assert (job.state, job.answer) == (JobState.SUCCEEDED, f"(480, 320) {job.question}")
    return list(worker.engine.batches[1:])


def answer(worker: Slot, job: Job, is_lost: bool) -> None:
    worker.answering.answer(job.id, is_redelivered=is_lost)


def kinds(batch: list[str]) -> set[str]:
    return {question.split(maxsplit=1)[0].rstrip(",") for question in batch}


def test_the_jobs_of_a_lost_worker_take_no_more_of_the_device_than_undisturbed(worker):
    undisturbed = answer_all(worker, jobs_of(worker, "first", 2 * SLOTS), [])
    lost = lost_jobs(worker, "suspect")
    disturbed = answer_all(worker, jobs_of(worker, "innocent"), lost)
    assert sorted(map(len, undisturbed)) == [4, FITS, FITS, FITS]
    assert len(disturbed) <= 1.2 * len(undisturbed)
    assert all(len(kinds(batch)) == 1 for batch in disturbed), "suspects are apart from innocents"
    assert {worker.store.get_job(job.id).crashes for job in lost} == {1}


def test_the_jobs_of_two_workers_that_are_lost_at_once_run_together(worker):
    lost = lost_jobs(worker, "one") + lost_jobs(worker, "other")
    batches = answer_all(worker, [], lost)
    assert len(batches) == ceil(2 * SLOTS / FITS)
    assert any(kinds(batch) == {"one", "other"} for batch in batches)


def test_what_is_alone_after_a_second_crash_begins_one_after_the_other(worker):
    jobs = lost_jobs(worker, "suspect")[:3]
    for job in jobs:
        worker.store.take(MODEL, job.id, Came.REDELIVERED)
        worker.store.begin(job.id)
    worker.engine.may_go_on.clear()
    threads = [threading.Thread(target=answer, args=(worker, job, True)) for job in jobs]
    for thread in threads:
        thread.start()
    wait_until(lambda: worker.engine.batches, "one is on the device")
    begun = [job for job in map(worker.store.get_job, (job.id for job in jobs)) if job.started_at]
    assert len(begun) == 1, "the others wait, and another crash is none of theirs"
    worker.engine.may_go_on.set()
    for thread in threads:
        thread.join()
    assert sorted(map(len, worker.engine.batches)) == [1, 1, 1]
