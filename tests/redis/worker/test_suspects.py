"""What the jobs of lost workers take of the device, and that those that run alone are alone."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain
from math import ceil

import pytest

from jobs.contract.models import Job, JobState
from jobs.storage.store.jobs import Came
from tests.processes import wait_until
from tests.stubs.engine import HANG
from tests.stubs.slot import MODEL, Slot
from worker.device.base import GivenBack

pytestmark = pytest.mark.redis

#: Slots of a worker, whose images fill two batches of the stub (10,000 tokens, 480 each).
SLOTS, FITS = 32, 20


@pytest.fixture
def worker(slot: Slot) -> Iterator[Slot]:
    """A worker with as many slots as are used, that allows three crashes, as the default is."""
    slot.answering = replace(slot.answering, max_crashes=3, cache=slot.cache(is_on=False))
    yield slot
    slot.engine.may_go_on.set()


@pytest.fixture
def slot_that_hangs(redis_client, tmp_path) -> Slot:
    """The same, with a device that is given up soon when it does not come back."""
    slot = Slot(redis_client, tmp_path, timeout_s=0.5)
    slot.answering = replace(slot.answering, max_crashes=3, cache=slot.cache(is_on=False))
    return slot


def jobs_of(worker: Slot, name: str, count: int = SLOTS) -> list[Job]:
    return [worker.job(question=f"{name} {n}") for n in range(count)]


def lost_jobs(worker: Slot, name: str, count: int = SLOTS) -> list[Job]:
    """Jobs whose worker took them, and died."""
    jobs = jobs_of(worker, name, count)
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
    with suppress(GivenBack):
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


def lost_twice(worker: Slot, name: str, count: int = SLOTS) -> list[Job]:
    """Jobs that were in two crashes."""
    jobs = lost_jobs(worker, name, count)
    for job in jobs:
        worker.store.take(MODEL, job.id, Came.REDELIVERED)
        worker.store.begin(job.id)
    return jobs


def is_longer(line: Sequence[object], held: int) -> bool:
    return len(line) > held


def wait_in_slots(worker: Slot, jobs: Sequence[Job], *, are_lost: bool) -> list[threading.Thread]:
    """Answer jobs in the order given, each in a slot of its own, while something is on the device."""
    line = worker.answering._suspects._line
    threads: list[threading.Thread] = []
    for job in jobs:
        held = len(line)
        threads.append(threading.Thread(target=answer, args=(worker, job, are_lost), daemon=True))
        threads[-1].start()
        wait_until(partial(is_longer, line, held), "it is in its slot")
    return threads


def test_one_that_is_alone_waits_for_a_fresh_one_on_the_device_and_fresh_ones_wait_for_it(worker):
    (alone,) = lost_twice(worker, "alone", 1)
    before = worker.hold_on_device(worker.job(question="before"))
    threads = [before, *wait_in_slots(worker, [alone], are_lost=True)]
    behind = jobs_of(worker, "behind", 2)
    threads += wait_in_slots(worker, behind, are_lost=False)
    assert not worker.store.get_job(alone.id).started_at, "what ends the worker now is none of its own"
    worker.engine.may_go_on.set()
    for thread in threads:
        thread.join()
    assert worker.engine.batches[:2] == [["before"], ["alone 0"]]
    assert {job.state for job in map(worker.store.get_job, (alone.id, *(job.id for job in behind)))} == {
        JobState.SUCCEEDED
    }


def test_what_waits_behind_others_is_let_go_when_it_is_cancelled_and_given_back_in_a_drain(worker):
    cancelled, given_back = lost_twice(worker, "alone", 2)
    before = worker.hold_on_device(worker.job(question="before"))
    first, second = wait_in_slots(worker, [cancelled, given_back], are_lost=True)
    worker.store.cancel(cancelled.id)
    first.join()
    worker.drain._has_begun.set()
    second.join()
    assert worker.engine.batches == [["before"]], "the device is busy all the time"
    ended = [worker.store.get_job(job.id) for job in (cancelled, given_back)]
    assert [(job.state, job.crashes) for job in ended] == [(JobState.CANCELLED, 2), (JobState.QUEUED, 2)]
    worker.engine.may_go_on.set()
    before.join()


def test_one_that_waits_behind_what_hangs_is_given_back_and_not_begun(slot_that_hangs):
    worker = slot_that_hangs
    (alone,) = lost_twice(worker, "alone", 1)
    hanging = threading.Thread(target=worker.answer, args=(worker.job(question=HANG),), daemon=True)
    hanging.start()
    wait_until(lambda: worker.engine.batches, "it hangs")
    (waiting,) = wait_in_slots(worker, [alone], are_lost=True)
    waiting.join()
    hanging.join()
    assert worker.engine.batches == [[HANG]]
    again = worker.store.get_job(alone.id)
    assert (again.state, again.crashes, again.attempts) == (JobState.QUEUED, 2, alone.attempts + 2)


def test_what_is_alone_after_a_second_crash_begins_one_after_the_other(worker):
    jobs = lost_twice(worker, "suspect", 3)
    worker.engine.may_go_on.clear()
    threads = [threading.Thread(target=answer, args=(worker, job, True)) for job in jobs]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(worker.answering._suspects._line) == len(jobs), "all are in their slots")
    wait_until(lambda: worker.engine.batches, "one is on the device")
    begun = [job for job in map(worker.store.get_job, (job.id for job in jobs)) if job.started_at]
    assert len(begun) == 1, "the others wait, and another crash is none of theirs"
    worker.engine.may_go_on.set()
    for thread in threads:
        thread.join()
    assert sorted(map(len, worker.engine.batches)) == [1, 1, 1]
