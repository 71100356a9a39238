"""Heartbeats on a real server."""

import pytest

from jobs.contract import names
from jobs.contract.asking.pixels import PixelRange
from jobs.contract.catalog import NANO, OCR
from jobs.contract.models import WorkerInfo, WorkerState, utc_now
from jobs.storage.fleet import Fleet
from tests.processes import wait_until

pytestmark = pytest.mark.redis


@pytest.fixture
def fleet(redis_client) -> Fleet:
    return Fleet(redis_client)


def worker(name: str, model: str = "nano") -> WorkerInfo:
    return WorkerInfo(
        id=name, model=model, state=WorkerState.READY, slots=8, device="cpu", started_at=utc_now()
    )


def choosing(*takes: int) -> PixelRange:
    return PixelRange(least=takes[0], default=takes[1], most=takes[2])


def test_one_may_choose_the_pixels_that_all_workers_which_are_ready_take(fleet):
    def beat(name: str, pixels: PixelRange | None, state: WorkerState = WorkerState.READY) -> None:
        info = worker(name).model_copy(update={"max_pixels": pixels, "state": state})
        fleet.beat(info, NANO.model_copy(update={"max_pixels": pixels}), 5)

    def offered() -> PixelRange | None:
        return fleet.cards(["nano", "ocr"])["nano"].max_pixels

    assert offered() is None
    beat("large", choosing(4, 100, 400))
    assert offered() == choosing(4, 100, 400)
    beat("new", None, WorkerState.LOADING)
    assert offered() == choosing(4, 100, 400), "one that is loading does not know yet"
    beat("small", choosing(9, 50, 200))
    assert offered() == choosing(9, 50, 200)
    beat("of an earlier version", None)
    assert offered() is None, "it would answer at its own"
    for name in ("of an earlier version", "large", "small", "new"):
        fleet.leave(name, "nano")
        fleet.beat(worker("other", "ocr"), OCR, 5)
    assert fleet.cards(["nano"])["nano"].max_pixels is None, "what the last one said"
    beat("large", choosing(4, 100, 400))
    fleet.leave("large", "nano")
    assert offered() == choosing(4, 100, 400), "asleep, it takes what it took"


def test_a_worker_that_beats_is_up_and_one_that_leaves_is_not(fleet):
    one, other = worker("one"), worker("other", "ocr")
    fleet.beat(one, NANO, 60)
    fleet.beat(other, OCR, 60)
    assert fleet.workers() == [one, other]
    fleet.leave("one", "nano")
    assert fleet.workers() == [other]


def test_a_worker_that_falls_silent_is_forgotten(fleet, redis_client):
    fleet.beat(worker("one"), NANO, 0.001)
    wait_until(lambda: not redis_client.exists(names.worker_key("one")), "its beat is over", every_s=0.001)
    assert fleet.workers() == []
    assert redis_client.zcard(names.WORKERS) == 0


def test_a_model_stays_known_when_its_workers_are_gone(fleet):
    fleet.beat(worker("one"), NANO, 60)
    fleet.leave("one", "nano")
    assert fleet.models() == {"nano": NANO}


def loading(name: str, model: str = "nano") -> WorkerInfo:
    return worker(name, model).model_copy(update={"state": WorkerState.LOADING})


def test_the_most_workers_that_were_ready_at_once_are_known(fleet):
    assert fleet.ready_of_late("nano") == 0
    fleet.beat(loading("one"), NANO, 60)
    fleet.beat(worker("other", "ocr"), OCR, 60)
    assert fleet.ready_of_late("nano") == 0
    for name in ("one", "two", "three"):
        fleet.beat(worker(name), NANO, 60)
    assert fleet.ready_of_late("nano") == 3
    # All leave: a fleet at zero still knows what it was.
    for name in ("one", "two", "three"):
        fleet.leave(name, "nano")
    fleet.beat(loading("four"), NANO, 60)
    assert fleet.ready_of_late("nano") == 3


def test_a_worker_that_starts_again_and_again_counts_once(fleet, redis_client):
    for number in range(20):
        fleet.beat(worker(f"start {number}"), NANO, 60)
        fleet.leave(f"start {number}", "nano")
    assert fleet.ready_of_late("nano") == 1
    # Killed without a word, it counts no longer than its last beat.
    fleet.beat(worker("killed"), NANO, 0.001)
    wait_until(lambda: not redis_client.exists(names.worker_key("killed")), "its beat is over", every_s=0.001)
    fleet.beat(worker("next"), NANO, 0.001)
    assert fleet.ready_of_late("nano") == 1


def test_how_many_were_ready_is_forgotten_in_time(fleet, redis_client):
    late_key = names.ready_of_late_key("nano")
    for name in ("one", "two", "three"):
        fleet.beat(worker(name), NANO, 5, of_late_s=100)
    fleet.leave("three", "nano")
    # A minute ago there were three, and long ago there were five.
    now_ms = redis_client.time()[0] * 1000
    redis_client.zadd(late_key, {"3": now_ms - 60_000, "4": now_ms - 101_000, "5": now_ms - 200_000})
    fleet.beat(worker("one"), NANO, 5, of_late_s=100)
    assert redis_client.zrange(late_key, 0, -1) == ["3", "1", "2"]
    # Who loads forgets as well; and without anybody who beats, Redis does.
    redis_client.zadd(late_key, {"3": now_ms - 101_000})
    fleet.beat(loading("four"), NANO, 5, of_late_s=100)
    assert fleet.ready_of_late("nano") == 2
    assert 0 < redis_client.pttl(late_key) <= 100_000
