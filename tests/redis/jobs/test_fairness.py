"""A real worker with a large batch before it: a small one that comes later has its share."""

import pytest

from jobs.contract.models import Batch, Job, JobState
from tests.place import MODEL, SHA256, Place
from tests.processes import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.process]

#: What the stub worker holds at most.
SLOTS = 4


def submit(place: Place, count: int) -> Batch:
    batch = place.store.create_batch(Batch(model=MODEL))
    for n in range(count):
        place.store.create_job(
            Job(batch_id=batch.id, file=f"{n}.png", question="q", model=MODEL, images=(SHA256,))
        )
    return batch


def answered(place: Place, batch: Batch) -> int:
    return place.store.get_batch(batch.id).counts[JobState.SUCCEEDED]


def test_a_small_batch_behind_a_large_one_waits_for_its_share_and_no_longer(place):
    large = submit(place, 400)
    place.start_worker(takes_s=0.02, EVA01_SLOTS=str(SLOTS)).wait_until_ready()
    wait_until(lambda: answered(place, large) > 10, "the large batch is under way")
    small = submit(place, 10)
    before = answered(place, large)
    wait_until(lambda: answered(place, small) == 10, "the small batch is answered")
    # One turn each, what was in slots when it came, and what was answered before we looked.
    assert answered(place, large) - before <= 10 + SLOTS + 50
    assert answered(place, large) < 200
