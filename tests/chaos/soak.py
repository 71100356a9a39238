"""A soak: images come twice as fast as they can be answered, for any length of time.

web has to answer 429 when the queue is full; accepted jobs are answered in the time that a full queue takes;
and the memory of web, worker and Redis does not grow with time. Batches are deleted once they are answered,
as a deployment's retention does.
"""

import io
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

from PIL import Image

from eva01.client.models import Job
from jobs.contract.models import Batch
from jobs.storage.connection.client import connect
from tests import plain
from tests.chaos.servers import RedisServer
from tests.processes import PATIENCE_S, Process, free_port, python, wait_until

MIB = 1024 * 1024
#: Jobs that may wait: ten seconds of work.
MAX_QUEUED = 200
#: Seconds that the stub engine takes for an image.
TAKES_S = 0.05
#: Images in one request.
FILES = 10
#: Jobs in a batch; then it is closed and another is begun.
BATCH_JOBS = 300


@dataclass(frozen=True)
class Sample:
    """Memory at one moment, in MiB."""

    at_s: float
    web: float
    worker: float
    redis: float


@dataclass
class Soaked:
    """The measurements of a soak."""

    offered: int = 0
    accepted: int = 0
    refused: int = 0
    #: Seconds from acceptance to answer, of each answered job.
    waits_s: list[float] = field(default_factory=list)
    failed: int = 0
    #: Seconds from the first image until all were answered.
    took_s: float = 0.0
    samples: list[Sample] = field(default_factory=list)

    def wait_s(self, share: float) -> float:
        """The wait that `share` of the answered jobs did not exceed."""
        return sorted(self.waits_s)[int(share * (len(self.waits_s) - 1))]

    def memory(self, who: str, quarter: int) -> float:
        """Mean memory of `web`, `worker` or `redis` in one quarter of the run (0–3), in MiB."""
        size = len(self.samples) // 4
        return mean(getattr(sample, who) for sample in self.samples[quarter * size : (quarter + 1) * size])


class Soak:
    """A Redis, a web and a worker in `folder`; `run` soaks them."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._redis_server = RedisServer(folder)
        self._redis = connect(self._redis_server.url)
        self._url = f"http://127.0.0.1:{free_port()}"
        worker_url = f"http://127.0.0.1:{free_port()}"
        env = {
            "REDIS_URL": self._redis_server.url,
            "EVA01_DATA": str(folder),
            "EVA01_PORT": self._url.rpartition(":")[2],
            "EVA01_WORKER_PORT": worker_url.rpartition(":")[2],
            "EVA01_MAX_QUEUED": str(MAX_QUEUED),
            "EVA01_HOUSEKEEPING_S": "1",
            "EVA01_BLOB_PATIENCE_S": "1",
            "EVA01_MODELS": "stub",
        }
        self._web = Process.start("web", python("web"), env, folder)
        command = python("tests.stubs.worker", str(TAKES_S))
        self._worker = Process.start("worker", command, env, folder)
        self._web.wait_until_ready(f"{self._url}/ready")
        self._worker.wait_until_ready(f"{worker_url}/ready")
        self._http = plain.Client(base_url=self._url)
        self._seen = Soaked()
        self._is_over = threading.Event()

    def end(self) -> None:
        """End all processes."""
        self._http.close()
        self._worker.end()
        self._web.end()
        self._redis.close()
        self._redis_server.stop()

    def run(self, seconds: float) -> Soaked:
        """Send twice what can be answered for so long, then wait for the rest."""
        watching = threading.Thread(target=self._watch, daemon=True)
        watching.start()
        began_s, batches = time.monotonic(), [self._new_batch()]
        while (passed_s := time.monotonic() - began_s) < seconds:
            # An open loop: the rate does not depend on the answers.
            due = 2 * passed_s / TAKES_S
            if self._seen.offered >= due:
                time.sleep(0.02)
                continue
            if self._send(batches[-1]) >= BATCH_JOBS:
                self._close(batches[-1])
                batches.append(self._new_batch())
            batches = self._finish(batches[:-1]) + batches[-1:]
        self._close(batches[-1])
        # Jobs sent at twice the answering rate need the same time again after the last one.
        patience_s = 2 * seconds + PATIENCE_S
        wait_until(lambda: self._are_finished(batches), "all is answered", patience_s, every_s=0.2)
        self._seen.took_s = time.monotonic() - began_s
        self._is_over.set()
        watching.join()
        return self._seen

    # Sending

    def _new_batch(self) -> str:
        made = self._http.post("/api/batches", json={"question": "what?", "model": "stub"})
        return str(made.raise_for_status().json()["id"])

    def _send(self, batch_id: str) -> int:
        """Send some images; gives how many jobs the batch has."""
        files = [("files", (f"{self._seen.offered + n}.png", self._picture())) for n in range(FILES)]
        self._seen.offered += FILES
        response = self._http.post(f"/api/batches/{batch_id}/files", files=files)
        if response.status_code == 429:
            self._seen.refused += FILES
        else:
            self._seen.accepted += len(response.raise_for_status().json()["files"])
        return int(self._http.get(f"/api/batches/{batch_id}").json()["total"])

    def _picture(self) -> bytes:
        """A small image unlike all others."""
        file = io.BytesIO()
        Image.frombytes("RGB", (32, 32), self._random.randbytes(32 * 32 * 3)).save(file, "PNG")
        return file.getvalue()

    def _close(self, batch_id: str) -> None:
        self._http.post(f"/api/batches/{batch_id}/close").raise_for_status()

    # Looking

    def _are_finished(self, batch_ids: list[str]) -> bool:
        batch_ids[:] = self._finish(batch_ids)
        return not batch_ids

    def _finish(self, batch_ids: list[str]) -> list[str]:
        """Note how long the jobs of finished batches took, and delete these; gives the others."""
        return [batch_id for batch_id in batch_ids if not self._finish_one(batch_id)]

    def _finish_one(self, batch_id: str) -> bool:
        batch = Batch.model_validate(self._json(f"/api/batches/{batch_id}"), extra="ignore")
        if not batch.is_done:
            return False
        for record in self._json(f"/api/batches/{batch_id}/results?limit=1000")["jobs"]:
            job = Job.model_validate(record)
            if job.answer is None or job.finished_at is None or job.created_at is None:
                self._seen.failed += 1
            else:
                self._seen.waits_s.append((job.finished_at - job.created_at).total_seconds())
        self._http.delete(f"/api/batches/{batch_id}").raise_for_status()
        return True

    def _json(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._http.get(path).raise_for_status().json()
        return answer

    def _watch(self) -> None:
        began_s = time.monotonic()
        while not self._is_over.wait(1):
            info = self._redis.info("memory")
            sample = Sample(
                time.monotonic() - began_s,
                self._web.rss_bytes() / MIB,
                self._worker.rss_bytes() / MIB,
                info["used_memory"] / MIB,
            )
            self._seen.samples.append(sample)
