"""The faults: each has a name, and strikes the deployment once per call."""

import random
import signal
import time
from dataclasses import dataclass
from typing import Protocol

from tests.chaos.deployment import LEASE_S, PATIENCE_S, Deployment, Site
from tests.processes import wait_until


class Fault(Protocol):
    """A fault; it also restarts or replaces what it has broken, as a cluster would."""

    @property
    def name(self) -> str:
        """Its name in a report."""

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        """Break something, with the target drawn from `rng`."""


@dataclass(frozen=True)
class KillWorker:
    """A worker gets SIGKILL, and is replaced."""

    name: str = "SIGKILL a worker"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        site = a_worker_at_work(deployment, rng)
        with deployment.risk(workers=1):
            site.process.send(signal.SIGKILL)
            site.process.wait()
        deployment.replace_worker(site)


@dataclass(frozen=True)
class StopWorker:
    """A worker is suspended for longer than its lease, and then continues."""

    for_s: float = 40.0

    @property
    def name(self) -> str:
        return f"SIGSTOP a worker for {self.for_s:.0f} s"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        site = a_worker_at_work(deployment, rng)
        with deployment.risk(workers=1):
            site.process.send(signal.SIGSTOP)
        time.sleep(self.for_s)
        site.process.send(signal.SIGCONT)


@dataclass(frozen=True)
class TermStorm:
    """Every worker is told to stop, one after another, and replaced at once."""

    name: str = "SIGTERM every worker"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        for site in rng.sample(deployment.sites, len(deployment.sites)):
            wait_until_at_work(deployment, site)
            leaving = site.process
            with deployment.risk(workers=1):
                leaving.send(signal.SIGTERM)
            deployment.replace_worker(site)
            code = leaving.wait(PATIENCE_S)
            assert code == 0, f"a worker that was told to stop ended with {code}:\n{leaving.output()[-5000:]}"


@dataclass(frozen=True)
class KillRedis:
    """Redis gets SIGKILL, and restarts with the data of its append-only file."""

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
    """The master gets SIGKILL, its replica takes over, and the old master comes back as a replica."""

    name: str = "SIGKILL the Redis that is master"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        wait_for_work(deployment)
        with deployment.risk(workers=deployment.workers):
            deployment.server.kill()
        deployment.server.start()


@dataclass(frozen=True)
class RestartRedis:
    """Redis is stopped by SIGTERM, and restarts at once."""

    name: str = "restart Redis"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        wait_for_work(deployment)
        with deployment.risk(workers=deployment.workers):
            deployment.server.stop()
        deployment.server.start()


@dataclass(frozen=True)
class KillWeb:
    """Web gets SIGKILL in the middle of an upload, and restarts; the client sends again."""

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
    """The connections between a worker and Redis stay open, and no data passes."""

    for_s: float = LEASE_S * 1.5

    @property
    def name(self) -> str:
        return f"stall a worker's connection to Redis for {self.for_s:.0f} s"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        site = a_worker_at_work(deployment, rng)
        with deployment.risk(workers=1):
            site.proxy.stall()
        time.sleep(self.for_s)
        site.proxy.let_through()


@dataclass(frozen=True)
class Reset:
    """The connections between a worker and Redis are cut."""

    name: str = "reset a worker's connections to Redis"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        site = a_worker_at_work(deployment, rng)
        with deployment.risk(workers=1):
            site.proxy.reset()


@dataclass(frozen=True)
class Delay:
    """All data between a worker and Redis is delayed."""

    delay_s: float = 0.2
    for_s: float = 5.0

    @property
    def name(self) -> str:
        return f"delay a worker's connection to Redis by {self.delay_s * 1000:.0f} ms for {self.for_s:.0f} s"

    def strike(self, deployment: Deployment, rng: random.Random) -> None:
        site = a_worker_at_work(deployment, rng)
        with deployment.risk(workers=1):
            site.proxy.delay(self.delay_s)
        time.sleep(self.for_s)
        site.proxy.let_through()


def a_worker_at_work(deployment: Deployment, rng: random.Random) -> Site:
    """A worker that takes jobs, while some are held."""
    site = rng.choice(deployment.sites)
    wait_until_at_work(deployment, site)
    return site


def wait_until_at_work(deployment: Deployment, site: Site) -> None:
    """Wait until the worker takes jobs, and some are held."""
    wait_until(lambda: site.is_ready, f"worker {site.number} is ready", PATIENCE_S)
    wait_for_work(deployment)


def wait_for_work(deployment: Deployment) -> None:
    """Wait until jobs are held, unless there is nothing left to do."""
    wait_until(lambda: deployment.held() or deployment.is_idle(), "jobs are held", PATIENCE_S)
