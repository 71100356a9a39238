"""The value that KEDA reads from Redis is the number of open jobs: with a real Redis and a real worker."""

import signal
from collections.abc import Mapping

import pytest
import redis

from jobs.contract.models import Batch, Job, JobState
from tests.manifests.rendering import Object, of_kind, render
from tests.processes import wait_until
from tests.worker_processes import MODEL, QUESTIONS, SHA256, WorkerProcesses

pytestmark = [pytest.mark.redis, pytest.mark.process]

#: The command with which KEDA's scaler gets a key's length, by the key's type.
LENGTHS = {"list": "llen", "hash": "hlen", "set": "scard", "zset": "zcard"}
SLOTS = 4


class Keda:
    """Reads the triggers of a ScaledObject as KEDA does, for the model of the tests' worker."""

    def __init__(self, client: "redis.Redis", fleet: Object) -> None:
        self._client = client
        self._spec = fleet["spec"]
        self._model = fleet["metadata"]["labels"]["eva01.dev/model"]

    def readings(self) -> Mapping[str, int]:
        """Each trigger's value."""
        return {one["name"]: self._length(one["metadata"]["listName"]) for one in self._spec["triggers"]}

    def open_jobs(self) -> int:
        """The formula's value. A sum has the same syntax in KEDA and in Python."""
        formula = self._spec["advanced"]["scalingModifiers"]["formula"]
        return int(eval(formula, {}, dict(self.readings())))

    def is_active(self) -> bool:
        """True when at least one worker should run."""
        return self.open_jobs() > int(self._spec["advanced"]["scalingModifiers"]["activationTarget"])

    def _length(self, key: str) -> int:
        key = key.replace(f":{self._model}:", f":{MODEL}:")
        kind = str(self._client.type(key))
        return 0 if kind == "none" else int(getattr(self._client, LENGTHS[kind])(key))


@pytest.fixture
def keda(workers: WorkerProcesses) -> Keda:
    """The fleet with the GPUs; test_scaling.py sees to it that the others read the same."""
    (fleet,) = (
        one
        for one in of_kind(render("keda"), "ScaledObject")
        if one["metadata"]["name"] == "worker-qwen2-5-vl-7b"
    )
    return Keda(workers.client, fleet)


def enqueue_in_batch(workers: WorkerProcesses, batch: Batch, file: str) -> Job:
    job, _ = workers.store.create_job(
        Job(batch_id=batch.id, file=file, question="q", model=MODEL, images=(SHA256,))
    )
    return job


def unfinished(workers: WorkerProcesses, jobs: list[Job]) -> int:
    return sum(not workers.state(job).is_finished for job in jobs)


def test_the_formula_follows_the_work_from_the_first_ticket_to_the_last_answer(workers, keda):
    assert not keda.is_active()
    jobs = [workers.enqueue(question) for question in QUESTIONS[:SLOTS]]
    batch = workers.store.create_batch(Batch(model=MODEL))
    jobs += [enqueue_in_batch(workers, batch, f"{number}.png") for number in range(3)]
    assert keda.readings() == {"interactive": SLOTS, "bulk": 3, "held": 0}
    assert keda.open_jobs() == len(jobs)

    # A worker that does not finish, and more jobs than it has slots: some are queued, some are held.
    slow = workers.start_worker(takes_s=60, EVA01_SLOTS=str(SLOTS)).wait_until_ready()
    wait_until(lambda: keda.readings()["held"] == SLOTS, "all slots hold jobs")
    assert keda.readings() == {"interactive": 0, "bulk": 3, "held": SLOTS}
    assert keda.open_jobs() == unfinished(workers, jobs) == len(jobs)

    # A second worker takes the rest: the queues are empty, and both workers are busy.
    other = workers.start_worker(takes_s=60, EVA01_SLOTS=str(SLOTS)).wait_until_ready()
    wait_until(lambda: keda.readings()["held"] == len(jobs), "all jobs are held")
    assert keda.readings() == {"interactive": 0, "bulk": 0, "held": len(jobs)}
    assert keda.open_jobs() == unfinished(workers, jobs) == len(jobs)
    assert keda.is_active()

    # One stops and gives its jobs back, the other dies holding its jobs: every job is still counted.
    for _ in range(2):
        slow.process.send(signal.SIGTERM)
        slow.wait_until_it_says("Stopping")
    assert slow.exit_code() == 0
    other.process.send(signal.SIGKILL)
    other.exit_code()
    assert keda.open_jobs() == unfinished(workers, jobs) == len(jobs)

    # The lease is short, so that another worker takes over the dead one's jobs.
    workers.start_worker(takes_s=0.05, EVA01_LEASE_S="2").wait_until_ready()
    wait_until(lambda: unfinished(workers, jobs) == 0, "all jobs are finished")
    assert {workers.state(job) for job in jobs} == {JobState.SUCCEEDED}
    wait_until(lambda: keda.open_jobs() == 0, "the last ticket is let go of")
    assert not keda.is_active()


def test_what_is_cancelled_keeps_no_worker(workers, keda):
    job = workers.enqueue(QUESTIONS[0])
    assert keda.is_active()
    workers.store.cancel(job.id)
    workers.queue.drop_surplus(MODEL)
    assert keda.readings() == {"interactive": 0, "bulk": 0, "held": 0}
