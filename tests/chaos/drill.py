"""How long it takes to bring a lost Redis back: `scripts/drill [--images 10000]`."""

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.progress import track

from jobs.contract.models import Batch, Job, Result, Usage
from jobs.contract.settings import Settings
from jobs.storage.connection.client import connect
from jobs.storage.files.blobs import BlobStore
from jobs.storage.files.journal import Journal
from jobs.storage.store import JobStore
from jobs.storage.tickets.queue import JobQueue
from jobs.upkeep.restore import Restore, Restored
from tests.chaos.servers import RedisServer

#: Images in one request.
REQUEST = 100
ANSWER = Result(
    answer="A receipt. The total is 23.40.", width=1024, height=768, usage=Usage(visual_tokens=999)
)


class Backend:
    """A Redis and a folder of blobs."""

    def __init__(self, folder: Path) -> None:
        self._server = RedisServer(folder)
        settings = Settings(redis_url=self._server.url, data=folder)
        self.store = JobStore(connect(self._server.url))
        self._queue = JobQueue(self.store)
        self._journal = Journal(BlobStore(settings.blobs_url))

    def end(self) -> None:
        """End the server."""
        self._server.stop()

    def fill(self, images: int) -> Batch:
        """A batch of `images` jobs, every other one with an answer."""
        batch = self.store.create_batch(Batch(model="stub", name="drill"))
        self._journal.note_batch(batch)
        for first in track(range(0, images, REQUEST), "Filling", transient=True):
            jobs = [self._job(batch, n) for n in range(first, min(first + REQUEST, images))]
            self._journal.note_jobs(batch.id, jobs)
            with ThreadPoolExecutor(8) as threads:
                list(threads.map(self._answer, jobs[::2]))
        return batch

    def restore(self) -> Restored:
        """Bring back what Redis has lost."""
        *_, done = Restore(self.store, self._journal).run()
        return done

    def _job(self, batch: Batch, number: int) -> Job:
        job = Job(
            batch_id=batch.id, file=f"{number}.jpg", question="?", model="stub", images=(f"{number:064x}",)
        )
        job, _ = self.store.create_job(job)
        return job

    def _answer(self, job: Job) -> None:
        self.store.finish(job.id, ANSWER)
        self._journal.note_result(self.store.get_job(job.id))


def main() -> None:
    """Fill, wipe, restore, and print how long that took."""
    parser = argparse.ArgumentParser(prog="scripts/drill", description="How long a restore takes.")
    parser.add_argument("--images", type=int, default=10_000)
    images: int = parser.parse_args().images
    with tempfile.TemporaryDirectory(prefix="eva01-drill-") as folder:
        backend = Backend(Path(folder))
        try:
            batch = backend.fill(images)
            counts = backend.store.get_batch(batch.id).counts
            backend.store.redis.flushall()
            began_s = time.monotonic()
            done = backend.restore()
            seconds = time.monotonic() - began_s
            if backend.store.get_batch(batch.id).counts != counts:
                raise SystemExit("What came back is not what was there.")
        finally:
            backend.end()
    print(
        f"{done.jobs:,} images, {done.finished:,} of them finished, are back after {seconds:.1f} s:"
        f" {done.jobs / seconds:,.0f} images/s."
    )


if __name__ == "__main__":
    main()
