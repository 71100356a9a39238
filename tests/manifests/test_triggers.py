"""What KEDA reads from Redis and makes of it is what is needed: with a real Redis and real workers."""

import math
import signal
from collections.abc import Callable, Mapping

import pytest
import redis

from jobs.contract import names
from jobs.contract.models import Batch, Job, JobState
from jobs.contract.settings import Settings
from jobs.storage.tickets.abandoned import Abandoned
from jobs.upkeep.reconciler import Reconciler
from tests.manifests.formulas import value
from tests.manifests.rendering import Object, of_kind, render
from tests.processes import wait_until
from tests.stubs.processes import MODEL, QUESTIONS, SHA256, Running, WorkerProcesses

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
        """What waits and what is held."""
        return sum(count for name, count in self.readings().items() if name != "ready")

    def value(self) -> float:
        """The formula's value, in jobs."""
        found = value(self._modifiers["formula"], self.readings())
        assert found is not None
        return found

    def wish(self) -> int:
        """How many workers the autoscaler makes of it."""
        wanted = math.ceil(self.value() / self.target)
        return min(wanted, int(self._spec["maxReplicaCount"]))

    def is_active(self) -> bool:
        """True when at least one worker should run."""
        return self.value() > int(self._modifiers["activationTarget"])

    @property
    def target(self) -> int:
        """Jobs that one worker may be given."""
        return int(self._modifiers["target"])

    @property
    def _modifiers(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self._spec["advanced"]["scalingModifiers"]
        return found

    def _length(self, key: str) -> int:
        key = key.replace(f":{self._model}:", f":{MODEL}:")
        kind = str(self._client.type(key))
        return 0 if kind == "none" else int(getattr(self._client, LENGTHS[kind])(key))


def fleet(name: str) -> Object:
    """The fleet of that name; test_scaling.py sees to it that all read the same."""
    (found,) = (one for one in of_kind(render("keda"), "ScaledObject") if one["metadata"]["name"] == name)
    return found


@pytest.fixture
def keda(workers: WorkerProcesses) -> Keda:
    """The fleet with the GPUs."""
    return Keda(workers.client, fleet("worker-qwen2-5-vl-7b"))


@pytest.fixture
def small(workers: WorkerProcesses) -> Keda:
    """The fleet whose workers have as few slots as those of this test."""
    found = fleet("worker-ocr")
    assert found["metadata"]["annotations"]["eva01.dev/slots"] == str(SLOTS)
    return Keda(workers.client, found)


def job_of(batch: Batch, file: str) -> Job:
    return Job(batch_id=batch.id, file=file, question="q", model=MODEL, images=(SHA256,))


def enqueue_in_batch(workers: WorkerProcesses, batch: Batch, file: str) -> Job:
    job, _ = workers.store.create_job(job_of(batch, file))
    return job


def unfinished(workers: WorkerProcesses, jobs: list[Job]) -> int:
    return sum(not workers.state(job).is_finished for job in jobs)


def wait_until_read(keda: Keda, wanted: Mapping[str, int]) -> None:
    """Wait until all triggers read this: a worker is counted with its next beat, and may hold jobs before."""
    wait_until(lambda: keda.readings() == wanted, f"the triggers read {wanted}")


def test_the_formula_follows_the_work_from_the_first_ticket_to_the_last_answer(workers, keda):
    assert not keda.is_active()
    jobs = [workers.enqueue(question) for question in QUESTIONS[:SLOTS]]
    batch = workers.store.create_batch(Batch(model=MODEL))
    jobs += [enqueue_in_batch(workers, batch, f"{number}.png") for number in range(3)]
    assert keda.readings() == {"interactive": SLOTS, "bulk": 3, "held": 0, "ready": 0}
    assert keda.open_jobs() == len(jobs)

    # A worker that does not finish, and more jobs than it has slots: some are queued, some are held.
    slow = workers.start_worker(takes_s=60, EVA01_SLOTS=str(SLOTS)).wait_until_ready()
    wait_until_read(keda, {"interactive": 0, "bulk": 3, "held": SLOTS, "ready": 1})
    assert keda.open_jobs() == unfinished(workers, jobs) == len(jobs)

    # A second worker takes the rest: the queues are empty, and both workers are busy.
    other = workers.start_worker(takes_s=60, EVA01_SLOTS=str(SLOTS)).wait_until_ready()
    wait_until_read(keda, {"interactive": 0, "bulk": 0, "held": len(jobs), "ready": 2})
    assert keda.open_jobs() == unfinished(workers, jobs) == len(jobs)
    assert keda.is_active()

    # One stops and gives its jobs back, the other dies holding its jobs: every job is still counted.
    for _ in range(2):
        slow.process.send(signal.SIGTERM)
        slow.wait_until_it_says("Stopping")
    assert slow.exit_code() == 0
    # It has a slot for one of them: who is killed between taking a ticket and noting it has lost it.
    wait_until(lambda: keda.readings()["held"] == SLOTS, "the other has taken one of them")
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
    assert keda.readings() == {"interactive": 0, "bulk": 0, "held": 0, "ready": 0}


#: More jobs than four workers should have, by the target of the small fleet.
MANY = 300


def let_many_wait(workers: WorkerProcesses, keda: Keda) -> None:
    batch = workers.store.create_batch(Batch(model=MODEL))
    workers.store.create_jobs([job_of(batch, f"{number}.png") for number in range(MANY)])
    assert keda.open_jobs() == MANY > 4 * keda.target


def start_slow(workers: WorkerProcesses, of_late_s: float = 3600) -> Running:
    """A worker that holds what it takes for longer than a test lasts."""
    return workers.start_worker(takes_s=60, EVA01_SLOTS=str(SLOTS), EVA01_READY_OF_LATE_S=str(of_late_s))


def kill(workers: WorkerProcesses, *killed: Running) -> None:
    """Kill workers without a word, and wait until nobody counts them as there."""
    for worker in killed:
        worker.process.send(signal.SIGKILL)
        worker.exit_code()
    # A worker's name has its process: of those who live, a late beat may not be there at one look.
    marks = [f"-{worker.process.popen.pid}-" for worker in killed]
    wait_until(
        lambda: not any(mark in key for key in alive(workers) for mark in marks), "they are counted no longer"
    )


def alive(workers: WorkerProcesses) -> list[str]:
    return [str(key) for key in workers.client.keys(names.worker_key("*"))]


def test_a_fleet_of_which_nobody_becomes_ready_stays_at_its_first_worker(workers, small):
    let_many_wait(workers, small)
    assert (small.is_active(), small.wish()) == (True, 1)
    # It loads for ever, as one whose weights never come: it beats, and is none that is ready.
    loading = workers.start_worker(is_loading=True)
    wait_until(lambda: workers.client.zcard(names.WORKERS) == 1, "it beats")
    assert small.readings()["ready"] == 0
    assert (small.is_active(), small.wish()) == (True, 1)
    kill(workers, loading)


def test_each_start_lets_as_many_more_come_and_that_outlives_restarts_and_a_fleet_at_zero(workers, small):
    redis_server = workers.processes[0]
    let_many_wait(workers, small)
    first = start_slow(workers).wait_until_ready()
    wait_until(lambda: small.wish() == 2, "two may be there")
    second = start_slow(workers).wait_until_ready()
    wait_until(lambda: small.wish() == 4, "four may be there")

    # A worker that comes and goes, again and again, is not counted each time.
    kill(workers, first)
    for _ in range(2):
        again = start_slow(workers).wait_until_ready()
        kill(workers, again)
    assert small.wish() == 4

    # Nobody is left: the next burst may begin with as many, and not with one.
    kill(workers, second)
    assert alive(workers) == []
    assert (small.is_active(), small.wish()) == (True, 4)

    redis_server.send(signal.SIGTERM)
    redis_server.wait()
    workers.start_redis()
    assert (small.is_active(), small.wish()) == (True, 4)


def test_what_was_ready_long_ago_is_forgotten(workers, small):
    let_many_wait(workers, small)
    worker = start_slow(workers, of_late_s=1).wait_until_ready()
    wait_until(lambda: small.wish() == 2, "one is ready")
    kill(workers, worker)
    wait_until(lambda: small.wish() == 1, "that is forgotten")
    assert small.is_active()


def test_no_worker_that_is_full_is_sent_away_while_its_queue_is_short(workers, small):
    batch = workers.store.create_batch(Batch(model=MODEL))
    jobs = [enqueue_in_batch(workers, batch, f"{number}.png") for number in range(2 * SLOTS)]
    full = [start_slow(workers) for _ in range(2)]
    for worker in full:
        worker.wait_until_ready()
    wait_until(lambda: small.readings()["held"] == len(jobs), "both are full")
    # By its target one worker would be enough for these jobs; and nobody waits.
    assert small.open_jobs() == len(jobs) < small.target
    assert small.wish() == len(full)
    kill(workers, *full)


#: Shorter than the default, so that a test sees it run out.
LEASE_S = 2


def start_short(workers: WorkerProcesses) -> Running:
    """One that holds what it takes for longer than a test lasts, by a lease that is short."""
    return workers.start_worker(takes_s=60, EVA01_SLOTS=str(SLOTS), EVA01_LEASE_S=str(LEASE_S))


def hold_all(workers: WorkerProcesses, small: Keda, count: int) -> list[Running]:
    """So many workers, all of them full."""
    full = [start_short(workers) for _ in range(count)]
    for worker in full:
        worker.wait_until_ready()
    wait_until(lambda: small.readings()["held"] == count * SLOTS, "all are full")
    return full


def keep_house_until(workers: WorkerProcesses, wanted: Callable[[], bool], what: str) -> None:
    """Do what web does about tickets, again and again, and no worker."""
    abandoned = Abandoned(workers.client, Settings(lease_s=LEASE_S))
    reconciler = Reconciler(workers.store, workers.queue)

    def is_wanted() -> bool:
        abandoned.give_back(MODEL)
        reconciler.look(MODEL)
        return wanted()

    wait_until(is_wanted, what)


def test_a_fleet_that_died_as_a_whole_is_wanted_no_more_than_the_brake_lets(workers, small):
    let_many_wait(workers, small)
    full = hold_all(workers, small, 3)
    # As an hour later: of those who are there now nobody has become ready.
    kill(workers, *full)
    workers.client.delete(names.ready_of_late_key(MODEL))
    # Held ÷ slots stands outside the brake: three are wanted for what nobody holds any more.
    assert small.readings()["held"] == 3 * SLOTS
    assert small.wish() == 3
    # One that loads for ever gives nothing back, and is no reason for more.
    loading = workers.start_worker(is_loading=True, EVA01_LEASE_S=str(LEASE_S))
    wait_until(lambda: len(alive(workers)) == 1, "it beats")
    keep_house_until(workers, lambda: small.readings()["held"] == 0, "what the dead held waits again")
    assert small.open_jobs() == MANY
    assert (small.is_active(), small.wish()) == (True, 1)
    kill(workers, loading)

    # The next worker that comes goes on where they were.
    workers.start_worker(takes_s=0.01, EVA01_LEASE_S=str(LEASE_S)).wait_until_ready()
    wait_until(lambda: small.open_jobs() == 0, "all are answered")
    (batch,) = workers.store.batch_ids()
    assert {job.state for job in workers.store.results(batch)} == {JobState.SUCCEEDED}


def test_a_fleet_that_died_with_jobs_that_nobody_wants_goes_to_zero(workers, small):
    jobs = [workers.enqueue(question) for question in QUESTIONS[:SLOTS]]
    kill(workers, *hold_all(workers, small, 1))
    for job in jobs:
        workers.store.cancel(job.id)
    assert small.is_active()
    keep_house_until(workers, lambda: small.open_jobs() == 0, "nothing is left of them")
    assert not small.is_active()


def test_busy_workers_stay_wanted_for_many_leases_and_after_redis_was_emptied(workers, small):
    for question in QUESTIONS[: 2 * SLOTS]:
        workers.enqueue(question)
    full = hold_all(workers, small, 2)
    began = workers.client.time()[0]
    seen: set[int] = set()

    def has_looked_for_long() -> bool:
        seen.add(small.wish())
        return workers.client.time()[0] - began > 3 * LEASE_S

    keep_house_until(workers, has_looked_for_long, "three leases are over")
    assert seen == {len(full)}
    assert workers.client.llen(names.interactive_queue(MODEL)) == 0

    # Emptied, and filled again as `eva01 restore` does, while both are still busy with what was there before.
    workers.client.flushall()
    let_many_wait(workers, small)
    wait_until(lambda: small.wish() == 2 * len(full), "who is ready is known with the next beat")
    kill(workers, *full)
