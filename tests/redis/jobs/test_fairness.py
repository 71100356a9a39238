"""A real worker: a small batch gets its share although a large one was queued before."""

import pytest

from jobs.contract.models import Batch, Job, JobState
from tests.processes import wait_until
from tests.worker_processes import MODEL, SHA256, WorkerProcesses

pytestmark = [pytest.mark.redis, pytest.mark.process]

#: What the stub worker holds at most.
SLOTS = 4


def submit(workers: WorkerProcesses, count: int) -> Batch:
    batch = workers.store.create_batch(Batch(model=MODEL))
    for n in range(count):
        workers.store.create_job(
            Job(batch_id=batch.id, file=f"{n}.png", question="q", model=MODEL, images=(SHA256,))
        )
    return batch


def answered(workers: WorkerProcesses, batch: Batch) -> int:
    return workers.store.get_batch(batch.id).counts[JobState.SUCCEEDED]


def test_a_small_batch_behind_a_large_one_waits_for_its_share_and_no_longer(workers):
    large = submit(workers, 400)
    workers.start_worker(takes_s=0.02, EVA01_SLOTS=str(SLOTS)).wait_until_ready()
    wait_until(lambda: answered(workers, large) > 10, "the large batch is under way")
    small = submit(workers, 10)
    before = answered(workers, large)
    wait_until(lambda: answered(workers, small) == 10, "the small batch is answered")
    # One job of each batch in turn, those in slots when it came, and those answered before the check.
    assert answered(workers, large) - before <= 10 + SLOTS + 50
    assert answered(workers, large) < 200
