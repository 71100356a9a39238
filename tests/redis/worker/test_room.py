"""Slots that wait for room to decode in: a cancel and a stop end the wait, and nobody else's."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobs.contract.models import JobState
from tests.processes import wait_until
from worker.device.base import GivenBack
from worker.job.decode.room import BYTES_A_PIXEL

pytestmark = pytest.mark.redis


@pytest.fixture
def full(slot):
    """The slot's room, and an event: it is full until that is set."""
    room = slot.preparation._decoder._room
    may_leave, is_full = threading.Event(), threading.Event()

    def fill() -> None:
        with room.taken(room._pixels * BYTES_A_PIXEL, lambda: None):
            is_full.set()
            assert may_leave.wait(60)

    thread = threading.Thread(target=fill)
    thread.start()
    assert is_full.wait(30)
    yield room, may_leave
    may_leave.set()
    thread.join()


def test_a_job_that_is_cancelled_while_it_waits_for_room_ends_and_its_image_is_decoded_for_another(
    slot, full
):
    room, may_leave = full
    first, second = slot.job(question="one?"), slot.job(question="two?")
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(slot.answer, first, "one")
        wait_until(lambda: len(room._line) == 1, "the first waits")
        other = threads.submit(slot.answer, second, "two")
        shared = slot.preparation._decoded._shared
        wait_until(lambda: [held.holders for held in shared.values()] == [2], "the second waits for it")
        slot.store.cancel(first.id)
        assert one.result(30).state is JobState.CANCELLED
        wait_until(lambda: len(room._line) == 1, "the second waits for room")
        may_leave.set()
        assert other.result(30).state is JobState.SUCCEEDED


def test_a_worker_that_stops_gives_back_what_waits_for_room(slot, full):
    room, _ = full
    job = slot.job()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(slot.answer, job)
        wait_until(lambda: len(room._line) == 1, "it waits")
        slot.drain._is_ending.set()
        with pytest.raises(GivenBack):
            waiting.result(30)
    assert slot.store.get_job(job.id).state is JobState.QUEUED
