"""Heartbeats on a real server."""

import pytest

from jobs.contract import names
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


def test_a_worker_that_beats_is_up_and_one_that_leaves_is_not(fleet):
    one, other = worker("one"), worker("other", "ocr")
    fleet.beat(one, NANO, 5)
    fleet.beat(other, OCR, 5)
    assert fleet.workers() == [one, other]
    fleet.leave("one")
    assert fleet.workers() == [other]


def test_a_worker_that_falls_silent_is_forgotten(fleet, redis_client):
    fleet.beat(worker("one"), NANO, 0.001)
    wait_until(lambda: not redis_client.exists(names.worker_key("one")), "its beat is over", every_s=0.001)
    assert fleet.workers() == []
    assert redis_client.zcard(names.WORKERS) == 0


def test_a_model_stays_known_when_its_workers_are_gone(fleet):
    fleet.beat(worker("one"), NANO, 5)
    fleet.leave("one")
    assert fleet.models() == {"nano": NANO}
