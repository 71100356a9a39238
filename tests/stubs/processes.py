"""A Redis for one test with stub workers, all as real processes."""

import hashlib
import sys
import time
from pathlib import Path
from typing import Any, cast

from jobs.contract import names
from jobs.contract.models import Job, JobState
from jobs.contract.settings import Settings
from jobs.storage.connection.client import connect
from jobs.storage.files.blobs import BlobStore
from jobs.storage.store import JobStore
from jobs.storage.tickets.queue import JobQueue
from tests import plain
from tests.files.drawing import Scene
from tests.processes import Process, free_port, redis_answers, wait_until
from tests.tools import VALKEY

MODEL = "stub"
ROOT = Path(__file__).parents[2]
PNG = Scene("white", (("red", "circle"),)).encode()
SHA256 = hashlib.sha256(PNG).hexdigest()
#: More jobs than a worker's four slots.
QUESTIONS = [f"question {n}" for n in range(12)]
ANSWERS = [f"(480, 320) {question}" for question in QUESTIONS]


class Running:
    """A worker's process and address."""

    def __init__(self, process: Process, url: str) -> None:
        self.process = process
        self.url = url

    def wait_until_ready(self) -> "Running":
        self.process.wait_until_ready(f"{self.url}/ready")
        return self

    def wait_until_it_says(self, words: str, times: int = 1) -> None:
        wait_until(lambda: self.times_said(words) >= times, f"the worker says {words!r}")

    def answers_200(self, path: str) -> bool:
        return plain.get(f"{self.url}{path}").status_code == 200

    def times_said(self, words: str) -> int:
        return self.process.output().count(words)

    def assert_it_says(self, words: str, times: int = 1) -> None:
        """Wait for its log to say it so often: a worker writes what it has done after others can see it."""
        self.wait_until_it_says(words, times)
        assert self.times_said(words) == times, self.process.output()

    def exit_code(self) -> int:
        return self.process.wait()


class WorkerProcesses:
    """A Redis of its own, a folder of images, and workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.settings = Settings(
            redis_url=f"redis://127.0.0.1:{self.port}/0", blobs=(folder / "blobs").as_uri()
        )
        self.processes: list[Process] = []
        self.client = connect(self.settings.redis_url)
        self.store = JobStore(self.client)
        self.queue = JobQueue(self.store)
        BlobStore(self.settings.blobs_url).put_image(SHA256, PNG)

    def start_redis(self) -> Process:
        command = [VALKEY.needed(), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.folder), "--save", "", "--appendonly", "yes"]
        process = self._start("redis", command, {})
        wait_until(lambda: redis_answers(self.port), "the server answers")
        return process

    def start_worker(
        self, takes_s: float = 0.1, *, is_rolling: bool = False, is_loading: bool = False, **env: str
    ) -> Running:
        command = [sys.executable, "-m", "tests.stubs.worker", str(takes_s)]
        command += ["rolling"] * is_rolling + ["loading"] * is_loading
        return self.run(command, **env)

    def run(self, command: list[str], **env: str) -> Running:
        """Start a worker by its command."""
        port = free_port()
        known = {
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": self.settings.redis_url,
            "EVA01_BLOBS": self.settings.blobs,
            "EVA01_WORKER_PORT": str(port),
            "EVA01_HEARTBEAT_S": "0.3",
            # All jobs ask about one image, and each has to reach the engine.
            "EVA01_ANSWER_CACHE": "false",
        }
        process = self._start(f"worker-{port}", command, {**known, **env})
        return Running(process, f"http://127.0.0.1:{port}")

    def _start(self, name: str, command: list[str], env: dict[str, str]) -> Process:
        process = Process.start(name, command, env, self.folder)
        self.processes.append(process)
        return process

    def end(self) -> None:
        """Close the connections, and end all processes, the latest first."""
        self.client.close()
        for process in reversed(self.processes):
            process.end()

    def enqueue(self, question: str) -> Job:
        job, _ = self.store.create_job(Job(file="a.png", question=question, model=MODEL, images=(SHA256,)))
        return job

    def state(self, job: Job) -> JobState:
        return self.store.get_job(job.id).state

    def held(self) -> int:
        return self.queue.depth(MODEL).held

    def has_lost_its_leases(self, lease_s: float) -> bool:
        """True when all that is held was renewed too long ago."""
        return time.time() - self.last_renewed_s() > lease_s

    def last_renewed_s(self) -> float:
        """When the last lease was renewed, in seconds since 1970; 0 when nothing is held."""
        latest = cast(Any, self.client.zrange(names.held_index_key(MODEL), -1, -1, withscores=True))
        return latest[0][1] if latest else 0.0

    def wait_for_answers(self, jobs: list[Job]) -> list[str | None]:
        wait_until(lambda: all(self.state(job).is_finished for job in jobs), "all jobs are finished")
        return [self.store.get_job(job.id).answer for job in jobs]

    def assert_nothing_is_lost(self, jobs: list[Job]) -> None:
        """Every unfinished job is queued again, and so is its message; no worker holds anything."""
        states = [self.state(job) for job in jobs]
        assert set(states) <= {JobState.SUCCEEDED, JobState.QUEUED}
        depth = self.queue.depth(MODEL)
        assert (depth.held, depth.waiting) == (0, states.count(JobState.QUEUED))
