"""What can break: each fault has a name, and strikes the deployment once."""

import random
import signal
import time
from dataclasses import dataclass
from typing import Protocol

from tests.chaos.deployment import LEASE_S, PATIENCE_S, Deployment, Site
from tests.processes import wait_until


class Fault(Protocol):
    """Something that breaks; what it breaks it also mends or replaces, as a cluster would."""

    @property
    def name(self) -> str:
        """What it is called in a report."""

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        """Break something, chosen by `rng`."""


@dataclass(frozen=True)
class KillWorker:
    """A worker ends without a word; another takes its place."""

    name: str = "SIGKILL a worker"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        place = a_worker_at_work(deployment, rng)
        with deployment.risk(workers=1):
            place.process.send(signal.SIGKILL)
            place.process.wait()
        deployment.replace_worker(place)


@dataclass(frozen=True)
class StopWorker:
    """A worker stands still for longer than its lease, and goes on as if nothing had been."""

    for_s: float = 40.0

    @property
    def name(self) -> str:
        return f"SIGSTOP a worker for {self.for_s:.0f} s"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        place = a_worker_at_work(deployment, rng)
        with deployment.risk(workers=1):
            place.process.send(signal.SIGSTOP)
        time.sleep(self.for_s)
        place.process.send(signal.SIGCONT)


@dataclass(frozen=True)
class TermStorm:
    """Every worker is told to stop, one after another, and replaced at once."""

    name: str = "SIGTERM every worker"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        for place in rng.sample(deployment.places, len(deployment.places)):
            wait_until_at_work(deployment, place)
            leaving = place.process
            with deployment.risk(workers=1):
                leaving.send(signal.SIGTERM)
            deployment.replace_worker(place)
            code = leaving.wait(PATIENCE_S)
            assert code == 0, f"a worker that was told to stop ended with {code}:\n{leaving.output()[-5000:]}"


@dataclass(frozen=True)
class KillRedis:
    """Redis ends without a word, and comes back with what its file holds."""

    away_s: float = 3.0
    name: str = "SIGKILL Redis"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        wait_for_work(deployment)
        with deployment.risk(workers=deployment.workers):
            deployment.server.kill()
        time.sleep(rng.uniform(0, self.away_s))
        deployment.server.start()


@dataclass(frozen=True)
class FailOver:
    """The master ends without a word, its replica takes over, and the old master comes back as a replica."""

    name: str = "SIGKILL the Redis that is master"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        wait_for_work(deployment)
        with deployment.risk(workers=deployment.workers):
            deployment.server.kill()
        deployment.server.start()


@dataclass(frozen=True)
class RestartRedis:
    """Redis is stopped gently, and comes back at once."""

    name: str = "restart Redis"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        wait_for_work(deployment)
        with deployment.risk(workers=deployment.workers):
            deployment.server.stop()
        deployment.server.start()


@dataclass(frozen=True)
class KillWeb:
    """Web ends without a word in the middle of an upload, and comes back; the client sends again."""

    files: int = 40
    name: str = "SIGKILL web during an upload"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        before = deployment.accepted()
        deployment.sender.send(self.files)
        some = rng.randint(1, max(1, self.files // 3))
        wait_until(
            lambda: deployment.accepted() >= before + some or not deployment.sender.is_busy,
            "some are accepted",
        )
        deployment.kill_web()
        deployment.start_web()


@dataclass(frozen=True)
class Stall:
    """The connections between a worker and Redis stay open, and nothing comes through."""

    for_s: float = LEASE_S * 1.5

    @property
    def name(self) -> str:
        return f"stall a worker's connection to Redis for {self.for_s:.0f} s"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        place = a_worker_at_work(deployment, rng)
        with deployment.risk(workers=1):
            place.proxy.stall()
        time.sleep(self.for_s)
        place.proxy.let_through()


@dataclass(frozen=True)
class Reset:
    """The connections between a worker and Redis are cut."""

    name: str = "reset a worker's connections to Redis"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        place = a_worker_at_work(deployment, rng)
        with deployment.risk(workers=1):
            place.proxy.reset()


@dataclass(frozen=True)
class Delay:
    """Everything between a worker and Redis comes late."""

    delay_s: float = 0.2
    for_s: float = 5.0

    @property
    def name(self) -> str:
        return f"delay a worker's connection to Redis by {self.delay_s * 1000:.0f} ms for {self.for_s:.0f} s"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        place = a_worker_at_work(deployment, rng)
        with deployment.risk(workers=1):
            place.proxy.delay(self.delay_s)
        time.sleep(self.for_s)
        place.proxy.let_through()


def a_worker_at_work(deployment: Deployment, rng: random.Random) -> Site:
    """A worker that takes jobs, while some are held."""
    place = rng.choice(deployment.places)
    wait_until_at_work(deployment, place)
    return place


def wait_until_at_work(deployment: Deployment, place: Site) -> None:
    """Wait until the worker takes jobs, and some are held."""
    wait_until(lambda: place.is_ready, f"worker {place.number} is ready", PATIENCE_S)
    wait_for_work(deployment)


def wait_for_work(deployment: Deployment) -> None:
    """Wait until jobs are held, unless there is nothing left to do."""
    wait_until(lambda: deployment.held() or deployment.is_idle(), "jobs are held", PATIENCE_S)
