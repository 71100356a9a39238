"""A folder as a batch, a number of times; each image is one outcome."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path

from eva01.client.client import Client
from eva01.client.models import Job
from scripts.stressing.outcome import Outcome


class Folders:
    """Sends a folder, `concurrency` batches at a time.

    A job's latency is the server's own: from its record to its end. The client retries by itself
    after a 429, so refusals are not counted here.
    """

    def __init__(self, client: Client, folder: Path, question: str, model: str | None) -> None:
        self._client = client
        self._folder = folder
        self._question = question
        self._model = model
        self._started_at = datetime.now(UTC)

    def send(self, times: int, concurrency: int) -> Iterator[Outcome]:
        """Yields the outcome of each image, one batch after the other.

        Raises ClientError.
        """
        self._started_at = datetime.now(UTC)
        with ThreadPoolExecutor(concurrency) as pool:
            for done in as_completed([pool.submit(self._send) for _ in range(times)]):
                yield from done.result()

    def _send(self) -> list[Outcome]:
        batch = self._client.create_batch(self._question, model=self._model, name="stress")
        uploads = list(self._client.upload_folder(batch.id, self._folder))
        self._client.close_batch(batch.id)
        self._client.wait(batch.id)
        jobs = list(self._client.results(batch.id))
        # A file that the server refused is a failed job of the batch; one that could not be sent is none.
        known = {job.file for job in jobs}
        unsent = [upload for upload in uploads if upload.error and upload.file not in known]
        outcomes = [Outcome(0, 0, upload.error.code) for upload in unsent if upload.error]
        return outcomes + [self._outcome(job) for job in jobs]

    def _outcome(self, job: Job) -> Outcome:
        created_at = job.created_at or self._started_at
        took_s = ((job.finished_at or created_at) - created_at).total_seconds()
        failure = "" if job.state == "succeeded" else job.error.code if job.error else job.state
        # The server's clock may differ from ours.
        return Outcome(max(0.0, (created_at - self._started_at).total_seconds()), took_s, failure)
