"""How long a few images take behind a hundred thousand: `scripts/fairness [--owners] [--behind 100000]`."""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from rich.progress import track

from jobs.contract.models import Batch, Job
from jobs.contract.settings import Settings
from jobs.storage.connection.client import connect
from jobs.storage.files.blobs import BlobStore
from jobs.storage.store import JobStore
from jobs.storage.tickets.queue import JobQueue
from tests.chaos.servers import RedisServer
from tests.files.drawing import Scene
from tests.processes import Process, free_port, python, wait_until

PNG = Scene("white", (("red", "circle"),)).encode()
SHA256 = hashlib.sha256(PNG).hexdigest()
SMALL = 10
ROUNDS = 5
#: Jobs that are made at a time, and batches of a flood.
_GROUP, _BATCHES = 500, 20


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
            command = python("tests.stubs.worker", "0.05")
        self._worker = Process.start("worker", command, env, folder)
        self._worker.wait_until_ready(f"http://127.0.0.1:{port}/ready")

    def end(self) -> None:
        """End both."""
        self._worker.end()
        self._server.stop()

    def submit(self, count: int, what: str = "", owner: str | None = None) -> Batch:
        """A batch of `count` jobs."""
        batch = self._store.create_batch(Batch(model=self._model, owner=owner))
        for first in track(range(0, count, _GROUP), what, disable=not what):
            numbers = range(first, min(first + _GROUP, count))
            self._store.create_jobs([self._job(f"{n}", owner, batch_id=batch.id) for n in numbers])
        return batch

    def flood(self, count: int, owner: str) -> None:
        """`count` jobs of an owner: a half in many batches, the other half single questions."""
        for _ in range(_BATCHES):
            self.submit(count // 2 // _BATCHES, owner=owner)
        for n in track(range(count // 2), f"{count:,} jobs of {owner}"):
            self._store.create_job(self._job(f"{n}", owner))

    def seconds_for_small(self, owner: str | None = None) -> float:
        """Seconds from the creation of a small batch until all its jobs are answered."""
        began_s = time.monotonic()
        batch = self.submit(SMALL, owner=owner)
        wait_until(lambda: not self._store.get_batch(batch.id).unfinished, "it is answered", 600)
        return time.monotonic() - began_s

    def seconds_for_one(self, owner: str | None = None) -> float:
        """Seconds from a single question to its answer."""
        began_s = time.monotonic()
        job, _ = self._store.create_job(self._job("single", owner))
        wait_until(lambda: self._store.get_job(job.id).state.is_finished, "it is answered", 600)
        return time.monotonic() - began_s

    def _job(self, file: str, owner: str | None, **fields: Any) -> Job:
        asked = {"file": file, "question": "?", "model": self._model, "images": (SHA256,), "owner": owner}
        return Job.model_validate(asked | fields)


def main() -> None:
    """Measure, and print a line for each."""
    parser = argparse.ArgumentParser(prog="scripts/fairness", description=__doc__)
    parser.add_argument("--behind", type=int, default=100_000)
    parser.add_argument("--model", default="stub", help="stub (0.05 s an image) or nano")
    parser.add_argument(
        "--owners", action="store_true", help="those that are waited behind are another owner's"
    )
    args = parser.parse_args()
    flooding, asking = ("anna", "ben") if args.owners else (None, None)
    with tempfile.TemporaryDirectory(prefix="eva01-fairness-") as folder:
        backend = Backend(Path(folder), args.model)
        measured: dict[str, Callable[[str | None], float]] = {
            f"{SMALL} images take": backend.seconds_for_small,
            "a single question takes": backend.seconds_for_one,
        }
        try:
            backend.seconds_for_small(asking)
            idle_s = [_median(measure, asking) for measure in measured.values()]
            if flooding:
                backend.flood(args.behind, flooding)
            else:
                backend.submit(args.behind, f"{args.behind:,} jobs")
            behind_s = [_median(measure, asking) for measure in measured.values()]
        finally:
            backend.end()
    whose = " of another owner" if flooding else ""
    for what, alone_s, waited_s in zip(measured, idle_s, behind_s, strict=True):
        print(
            f"{args.model}: {what} {alone_s:.2f} s on an idle system and {waited_s:.2f} s behind"
            f" {args.behind:,}{whose}: {waited_s / alone_s:.2f} times as long (medians of {ROUNDS})."
        )


def _median(measure: Callable[[str | None], float], owner: str | None) -> float:
    return median(measure(owner) for _ in range(ROUNDS))


if __name__ == "__main__":
    main()
