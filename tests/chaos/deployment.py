"""A whole EVA-01 for fault injection: Redis, a failing blob store, web, and workers behind proxies."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import redis

from eva01 import Client
from jobs.contract import names
from jobs.contract.models import Batch, JobState
from jobs.storage.connection.client import connect
from jobs.storage.store import JobStore
from tests import plain
from tests.chaos.buckets import FaultyBuckets
from tests.chaos.pictures import QUESTION, Picture
from tests.chaos.proxy import Proxy
from tests.chaos.sender import Sender
from tests.chaos.servers import Server
from tests.processes import Process, free_port, python, wait_until

ROOT = Path(__file__).parents[2]
#: Seconds after which a silent worker's jobs go to others: shorter than the default, so that a run is short.
LEASE_S = 6.0
#: Jobs that a worker holds.
SLOTS = 8
#: Batches among which the images are divided.
BATCHES = 3
#: Longest wait for anything here, in seconds: a machine under load is slow.
PATIENCE_S = 300.0

_ENV = {
    "PYTHONPATH": str(ROOT),
    "EVA01_LEASE_S": str(LEASE_S),
    "EVA01_SLOTS": str(SLOTS),
    "EVA01_HEARTBEAT_S": "1",
    "EVA01_REDIS_TIMEOUT_S": "2",
    "EVA01_DRAIN_S": "5",
    "EVA01_HOUSEKEEPING_S": "2",
    "EVA01_BLOB_PATIENCE_S": "20",
    # Workers are killed many times here, so no image must be quarantined for it.
    "EVA01_MAX_CRASHES": "1000",
}


@dataclass
class Site:
    """One of the workers with its proxy to Redis, which stays when the worker's process is replaced."""

    number: int
    proxy: Proxy
    process: Process
    port: int

    @property
    def is_ready(self) -> bool:
        """True when the worker is ready."""
        try:
            return plain.get(f"http://127.0.0.1:{self.port}/ready", timeout=2).status_code == 200
        except httpx.TransportError:
            return False


@dataclass
class Deployment:
    """All processes, and the images that are sent to them; started by `begin`, ended by `end`."""

    folder: Path
    pictures: list[Picture]
    server: Server
    model: str = "stub"
    workers: int = 2
    seed: int = 0
    #: Longest time from the last fault until all is answered, in seconds.
    patience_s: float = 120.0
    sites: list[Site] = field(default_factory=list)
    #: Jobs that were held by the targets of faults, when these struck.
    at_risk: int = 0

    def __post_init__(self) -> None:
        self._started_s = time.monotonic()
        self._processes: list[Process] = []
        self._web_port = free_port()

    # Begin and end

    def begin(self) -> None:
        """Start everything, and make the batches."""
        self.redis = connect(self.server.url)
        self.store = JobStore(self.redis)
        self.buckets = FaultyBuckets(seed=self.seed)
        self.start_web()
        for number in range(self.workers):
            proxy = Proxy(self.server.port)
            port = free_port()
            self.sites.append(Site(number, proxy, self._start_worker(number, proxy, port), port))
        wait_until(lambda: all(site.is_ready for site in self.sites), "the workers are ready", PATIENCE_S)
        with self.client() as client:
            made = [client.create_batch(QUESTION, model=self.model) for _ in range(BATCHES)]
        self.batch_ids = [batch.id for batch in made]
        self.sender = Sender(self.url, self.batch_ids, self.pictures)

    def end(self) -> None:
        """End everything, Redis last; safe after a begin that failed half way."""
        for process in reversed(self._processes):
            _end(process)
        for site in self.sites:
            site.proxy.end()
        if hasattr(self, "buckets"):
            self.buckets.end()
        if hasattr(self, "redis"):
            self.redis.close()
        self.server.stop()

    # What there is

    @property
    def url(self) -> str:
        """Where web answers."""
        return f"http://127.0.0.1:{self._web_port}"

    @property
    def seconds(self) -> float:
        """Since the deployment was made."""
        return time.monotonic() - self._started_s

    @property
    def expected(self) -> dict[str, str]:
        """The right answer for each file that was sent."""
        return {picture.name: picture.answer(self.model) for picture in self.pictures}

    def client(self) -> Client:
        """A client of web, with patience for restarts."""
        return Client(self.url, patience_s=PATIENCE_S)

    def batches(self) -> list[Batch]:
        """The batches with their counters, read from Redis."""
        return [self.store.get_batch(batch_id) for batch_id in self.batch_ids]

    def answered(self) -> int:
        """Images that have an answer; 0 while Redis is away."""
        try:
            return sum(batch.counts[JobState.SUCCEEDED] for batch in self.batches())
        except redis.RedisError:
            return 0

    def accepted(self) -> int:
        """Images that have a job; 0 while Redis is away."""
        try:
            return sum(batch.total for batch in self.batches())
        except redis.RedisError:
            return 0

    def is_idle(self) -> bool:
        """True when nothing is being sent, and all that was sent is answered."""
        return not self.sender.is_busy and self.accepted() == self.answered() > 0

    def held(self) -> int:
        """Jobs that the workers hold; 0 while Redis is away."""
        try:
            return int(self.redis.hlen(names.held_key(self.model)))
        except redis.RedisError:
            return 0

    def settle(self) -> None:
        """Send what is left, and wait until all is answered and nobody holds anything, or patience ends."""
        self.sender.wait()
        with self.client() as client:
            for batch_id in self.batch_ids:
                client.close_batch(batch_id)
        # The verdicts name what is still open then.
        with suppress(AssertionError):
            wait_until(self._is_settled, "all is answered and let go of", self.patience_s)

    def _is_settled(self) -> bool:
        return not self.held() and all(batch.is_done for batch in self.batches())

    # What can be done to it

    @contextmanager
    def risk(self, workers: int) -> Iterator[None]:
        """Add to `at_risk` the jobs that `workers` workers hold when the block strikes them."""
        before = self.held()
        yield
        self.at_risk += min(max(before, self.held()), workers * SLOTS)

    def replace_worker(self, site: Site) -> None:
        """Start a new process for a worker that is ending or has ended."""
        site.port = free_port()
        site.process = self._start_worker(site.number, site.proxy, site.port)

    def start_web(self) -> None:
        """Start web, and wait until it is ready."""
        env = {"EVA01_PORT": str(self._web_port), "EVA01_DATA": str(self.folder), **self.buckets.env}
        self.web = self._start("web", python("web"), {"REDIS_URL": self.server.url, **env})
        self.web.wait_until_ready(f"{self.url}/ready")

    def kill_web(self) -> None:
        """Kill web and all its children with SIGKILL."""
        self.web.send_all(signal.SIGKILL)
        self.web.wait()

    def _start_worker(self, number: int, proxy: Proxy, port: int) -> Process:
        env = {
            "REDIS_URL": self.server.url_through(proxy),
            "EVA01_WORKER_PORT": str(port),
            "EVA01_DATA": str(self.folder),
            **self.buckets.env,
        }
        return self._start(f"worker-{number}", self._worker_command, env)

    def _start(self, name: str, command: list[str], env: dict[str, str]) -> Process:
        process = Process.start(name, command, {**_ENV, **env}, self.folder)
        self._processes.append(process)
        return process

    @property
    def _worker_command(self) -> list[str]:
        if self.model == "stub":
            return [sys.executable, "-m", "tests.stubs.worker", "0.2"]
        return python("worker", "--model", self.model)


def _end(process: Process) -> None:
    if process.popen.poll() is None:
        # A process under SIGSTOP handles no other signal.
        process.send(signal.SIGCONT)
    process.end()
