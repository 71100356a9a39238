"""Redis Sentinel: after a failover, clients find the new master without a change of settings."""

import signal
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest
import redis
from redis.sentinel import SentinelConnectionPool

from jobs.contract.models import Batch, Job, JobState
from jobs.contract.settings import Settings
from jobs.storage.connection.client import connect
from jobs.storage.store import JobStore
from jobs.storage.tickets.queue import JobQueue
from tests.processes import Process, free_port, redis_answers, wait_until
from tests.stubs.processes import ANSWERS, MODEL, QUESTIONS, SHA256, WorkerProcesses
from tests.tools import VALKEY

pytestmark = [pytest.mark.redis, pytest.mark.process]

PASSWORD, SENTINEL_PASSWORD = "p@ss", "s&cret"
MASTER = "main"


class SentinelProcesses(WorkerProcesses):
    """A master, its replica, and a sentinel; the first sentinel in the address does not exist."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.replica_port, self.sentinel_port, away = free_port(), free_port(), free_port()
        self.settings = Settings(
            redis_url=f"redis+sentinel://:p%40ss@127.0.0.1:{away},127.0.0.1:{self.sentinel_port}"
            f"/{MASTER}/1?sentinel_password=s%26cret",
            blobs=self.settings.blobs,
        )
        self.client = connect(self.settings.redis_url, self.settings.redis_timeout_s)
        self.store = JobStore(self.client)
        self.queue = JobQueue(self.store)
        self.sentinel = redis.Redis(port=self.sentinel_port, password=SENTINEL_PASSWORD)

    def start(self) -> "SentinelProcesses":
        """Start all three, and wait until the sentinel would let the replica take over."""
        self.master = self._start_server("master", self.port)
        self._start_server("replica", self.replica_port, "--replicaof", f"127.0.0.1 {self.port}")
        with redis.Redis(port=self.replica_port, password=PASSWORD) as replica:
            wait_until(lambda: replica.info()["master_link_status"] == "up", "the replica has the data")
        self._start_sentinel()
        wait_until(lambda: self._is_replica_known(), "the sentinel knows the replica")
        return self

    def wait_until_replicated(self) -> None:
        """Wait until the replica has everything that was written before."""
        with redis.Redis(port=self.port, password=PASSWORD) as master:
            master.incr("replicated")
            wait_until(lambda: master.wait(1, 1000) == 1, "the replica has what was written")

    def wait_until_it_writes_to(self, port: int) -> None:
        """Wait until the store's client has found the master at `port` through the sentinel."""
        pool = self.client.connection_pool
        assert isinstance(pool, SentinelConnectionPool)
        wait_until(lambda: self._writes() and pool.master_address == ("127.0.0.1", port), f"writes to {port}")

    def fail_over(self) -> None:
        """Make the replica the master, and the old one its replica, as the sentinel does seconds later."""
        new = self.replica_port
        wait_until(lambda: self._is_failed_over_to(new), "there is a new master", every_s=0.5)
        with redis.Redis(port=self.port, password=PASSWORD) as old:
            old.replicaof("127.0.0.1", new)

    def enqueue_with_retries(self, question: str) -> Job:
        """Retry the creation of a job until it succeeds, as a client does after a 503."""
        job = Job(file="a.png", question=question, model=MODEL, images=(SHA256,))

        def is_enqueued() -> bool:
            try:
                self.store.create_job(job)
            except redis.RedisError:
                return False
            return True

        wait_until(is_enqueued, "the job is enqueued")
        return job

    def _writes(self) -> bool:
        try:
            self.store.create_batch(Batch(question="?", model=MODEL))
        except redis.RedisError:
            return False
        return True

    def _is_failed_over_to(self, port: int) -> bool:
        """Ask the sentinel for a failover unless one has been done, or is under way."""
        if self._master_port() == port:
            return True
        with suppress(redis.ResponseError):
            self.sentinel.execute_command("SENTINEL", "FAILOVER", MASTER)
        return False

    def _master_port(self) -> int:
        known = cast(dict[str, dict[str, Any]], self.sentinel.sentinel_masters())
        return int(known[MASTER]["port"])

    def _is_replica_known(self) -> bool:
        try:
            known = self.sentinel.sentinel_slaves(MASTER)
        except redis.ResponseError:
            return False
        return [replica["master-link-status"] for replica in known] == ["ok"]

    def _start_server(self, name: str, port: int, *more: str) -> Process:
        folder = self.folder / name
        folder.mkdir()
        command = [VALKEY.needed(), "--port", str(port), "--bind", "127.0.0.1"]
        command += ["--dir", str(folder), "--save", "", "--repl-diskless-sync-delay", "0"]
        command += ["--requirepass", PASSWORD, "--masterauth", PASSWORD, *more]
        return self._start_listening(name, command, port)

    def _start_sentinel(self) -> None:
        """Start it; a server that a busy machine keeps from answering for some seconds is not down."""
        config = self.folder / "sentinel.conf"
        config.write_text(
            f"""
            port {self.sentinel_port}
            bind 127.0.0.1
            dir {self.folder}
            requirepass {SENTINEL_PASSWORD}
            sentinel monitor {MASTER} 127.0.0.1 {self.port} 1
            sentinel auth-pass {MASTER} {PASSWORD}
            sentinel down-after-milliseconds {MASTER} 5000
            sentinel failover-timeout {MASTER} 5000
            """
        )
        command = [VALKEY.needed(), str(config), "--sentinel"]
        self._start_listening("sentinel", command, self.sentinel_port)

    def _start_listening(self, name: str, command: list[str], port: int) -> Process:
        process = self._start(name, command, {})
        wait_until(lambda: redis_answers(port), f"the {name} answers")
        return process


@pytest.fixture
def workers(tmp_path):
    made = SentinelProcesses(tmp_path).start()
    yield made
    made.sentinel.close()
    pool = made.client.connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    for sentinel in pool.sentinel_manager.sentinels:
        sentinel.close()
    made.end()


def test_a_master_that_is_killed_is_replaced_for_store_queue_and_worker(workers):
    worker = workers.start_worker(takes_s=1).wait_until_ready()
    before = workers.enqueue(QUESTIONS[0])
    assert workers.wait_for_answers([before]) == ANSWERS[:1]
    meanwhile = workers.enqueue(QUESTIONS[1])
    wait_until(lambda: workers.state(meanwhile) is JobState.RUNNING, "the job runs")
    workers.wait_until_replicated()
    workers.master.send(signal.SIGKILL)
    workers.master.wait()
    workers.wait_until_it_writes_to(workers.replica_port)
    after = workers.enqueue_with_retries(QUESTIONS[2])
    assert workers.wait_for_answers([before, meanwhile, after]) == ANSWERS[:3]
    assert worker.process.popen.poll() is None
    assert worker.times_said("Traceback") == 0, worker.process.output()


def test_what_is_connected_to_a_master_that_becomes_a_replica_goes_to_the_new_one(workers):
    worker = workers.start_worker().wait_until_ready()
    workers.wait_until_it_writes_to(workers.port)
    workers.fail_over()
    with pytest.raises(redis.ConnectionError, match="The previous master is now a slave"):
        workers.store.create_batch(Batch(question="?", model=MODEL))
    workers.wait_until_it_writes_to(workers.replica_port)
    job = workers.enqueue_with_retries(QUESTIONS[0])
    assert workers.wait_for_answers([job]) == ANSWERS[:1]
    assert worker.process.popen.poll() is None
    assert worker.times_said("Traceback") == 0, worker.process.output()
