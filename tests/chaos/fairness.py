"""How long ten images take behind a hundred thousand: `scripts/fairness [--behind 100000] [--model nano]`."""

import argparse
import hashlib
import tempfile
import time
from pathlib import Path
from statistics import median

from rich.progress import track

from jobs.contract.models import Batch, Job
from jobs.contract.settings import Settings
from jobs.storage.blobs import BlobStore
from jobs.storage.connection import connect
from jobs.storage.queue import JobQueue
from jobs.storage.store import JobStore
from tests.chaos.servers import RedisServer
from tests.drawing import Scene
from tests.processes import Process, free_port, python, wait_until

PNG = Scene("white", (("red", "circle"),)).encode()
SHA256 = hashlib.sha256(PNG).hexdigest()
SMALL = 10
ROUNDS = 5


class Backend:
    """A Redis and one worker in `folder`."""

    def __init__(self, folder: Path, model: str) -> None:
        self._model = model
        self._server = RedisServer(folder)
        settings = Settings(redis_url=self._server.url, data=folder)
        self._store = JobStore(connect(self._server.url))
        self._queue = JobQueue(self._store)
        BlobStore(settings.blobs_url).put_image(SHA256, PNG)
        port = free_port()
        env = {
            "REDIS_URL": self._server.url,
            "EVA01_DATA": str(folder),
            "EVA01_WORKER_PORT": str(port),
            "EVA01_SLOTS": "8",
            # All jobs ask the same about one image, and each has to reach the engine.
            "EVA01_ANSWER_CACHE": "false",
        }
        command = python("worker", "--model", model)
        if model == "stub":
            command = python("tests.stub_worker", "0.05")
        self._worker = Process.start("worker", command, env, folder)
        self._worker.wait_until_ready(f"http://127.0.0.1:{port}/ready")

    def end(self) -> None:
        """End both."""
        self._worker.end()
        self._server.stop()

    def submit(self, count: int, what: str = "") -> Batch:
        """A batch of `count` jobs."""
        batch = self._store.create_batch(Batch(model=self._model))
        for n in track(range(count), what, disable=not what):
            job = Job(batch_id=batch.id, file=f"{n}", question="?", model=self._model, images=(SHA256,))
            self._store.create_job(job)
        return batch

    def seconds_for_small(self) -> float:
        """Seconds from the creation of a small batch until all its jobs are answered."""
        began_s = time.monotonic()
        batch = self.submit(SMALL)
        wait_until(lambda: not self._store.get_batch(batch.id).unfinished, "it is answered", 600)
        return time.monotonic() - began_s


def main() -> None:
    """Measure, and print one line."""
    parser = argparse.ArgumentParser(prog="scripts/fairness", description=__doc__)
    parser.add_argument("--behind", type=int, default=100_000)
    parser.add_argument("--model", default="stub", help="stub (0.05 s an image) or nano")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eva01-fairness-") as folder:
        backend = Backend(Path(folder), args.model)
        try:
            backend.seconds_for_small()
            idle_s = median(backend.seconds_for_small() for _ in range(ROUNDS))
            backend.submit(args.behind, f"{args.behind:,} jobs")
            behind_s = median(backend.seconds_for_small() for _ in range(ROUNDS))
        finally:
            backend.end()
    print(
        f"{args.model}: {SMALL} images take {idle_s:.2f} s on an idle system and {behind_s:.2f} s behind"
        f" {args.behind:,}: {behind_s / idle_s:.2f} times as long (medians of {ROUNDS})."
    )


if __name__ == "__main__":
    main()
