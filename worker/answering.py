"""The life of one job in its slot.

    begin ──► fetch ──► decode ──► prepare ──► generate ──► store ──► acknowledge
      │         └─────────┴──────────┴────────────┴─► its error, stored like an answer
      └─► nothing to do: finished, cancelled, or another worker's

Whatever happens, a job ends in the store with an answer or a reason, or its message goes back to the queue.

A job whose worker is gone is a suspect: it may be what took the worker down, or it may just have been
there. Suspects run one at a time, so that of those that were there together only the culprit is counted
again; after `max_crashes` it is not tried any more.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import TypeVar

import redis
from PIL import Image

from jobs.blobs import BlobStore
from jobs.errors import Eva01Error, NotFound
from jobs.models import Job, JobError, JobState, Result
from jobs.store import JobStore
from worker.batcher import Batcher, GivenBack
from worker.decode import Decoder
from worker.drain import Drain
from worker.engines.base import Answer, Engine
from worker.metrics import ModelMetrics

logger = logging.getLogger(__name__)
_T = TypeVar("_T")

#: Seconds between tries to reach Redis; the last is repeated.
_PAUSES_S = (0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Answering:
    """Answers jobs; `answer` is called from many slots at once."""

    store: JobStore
    blobs: BlobStore
    decoder: Decoder
    engine: Engine
    batcher: Batcher
    drain: Drain
    metrics: ModelMetrics
    #: How often a job may take its worker down.
    max_crashes: int
    _one_suspect: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, job_id: str, *, is_redelivered: bool) -> None:
        """Answer one job, and write what came of it.

        Raises GivenBack when the worker stops first; the job is queued again then.
        """
        crashes = self._crashes(job_id) if is_redelivered else 0
        if crashes >= self.max_crashes:
            self._quarantine(job_id, crashes)
        elif crashes:
            with self._one_suspect:
                self._answer(job_id)
        else:
            self._answer(job_id)

    def _answer(self, job_id: str) -> None:
        job = self._begin(job_id)
        if job is None:
            return
        started_s = perf_counter()
        try:
            result = self._result_of(job)
        except GivenBack:
            self._give_back(job)
            raise
        self._store_result(job, result)
        seconds = perf_counter() - started_s
        self.metrics.run_seconds.observe(seconds)
        said = f"failed: {result.error.code}" if result.error else "answered"
        logger.info("Job %s: %s in %.2f s.", job.id, said, seconds)

    # Begin

    def _crashes(self, job_id: str) -> int:
        """How often the job's worker was gone, this time included if it was; 0 for one that is no more."""

        def count() -> int:
            if self.store.take_back(job_id):
                self.metrics.count_redelivery("crash")
                logger.warning("Job %s: its worker is gone; it is tried again.", job_id)
            return self.store.get_job(job_id).crashes

        try:
            return self._until_redis_answers(count)
        except NotFound:
            return 0

    def _quarantine(self, job_id: str, crashes: int) -> None:
        message = f"The worker ended {crashes} times while it held this image. Retry it by hand, alone."
        result = Result(error=JobError(code="poison", message=message))
        if self._until_redis_answers(lambda: self._finish(job_id, result)):
            logger.error("Job %s: not tried again, its worker ended %d times.", job_id, crashes)
            self.metrics.count_quarantined()
            self.metrics.count_finished(JobState.FAILED, None)

    def _begin(self, job_id: str) -> Job | None:
        if self.drain.has_begun:
            raise GivenBack("the worker takes no more jobs")
        is_again = False

        def begin() -> Job | None:
            nonlocal is_again
            if is_again:
                # Redis went away before its reply came, so the job may be ours already: the message is.
                self.store.give_back(job_id)
            is_again = True
            return self.store.begin(job_id)

        try:
            job = self._until_redis_answers(begin)
        except NotFound:
            logger.info("Job %s: its record has expired.", job_id)
            return None
        if job is None:
            logger.info("Job %s: finished, cancelled, or held elsewhere; nothing to do.", job_id)
            return None
        self.metrics.count_begun(job)
        return job

    # Answer

    def _result_of(self, job: Job) -> Result:
        size: dict[str, int] = {}
        try:
            with self.metrics.stage("fetch"):
                data = self._fetch(job)
            with self.metrics.stage("decode"):
                decoded = self.decoder.decode(data)
            size = {"width": decoded.width, "height": decoded.height}
            answer = self._ask(job, decoded.image)
        except GivenBack:
            raise
        except Eva01Error as error:
            return Result(error=JobError(code=error.code, message=error.message), **size)
        except Exception as error:
            logger.exception("Job %s: an error that nobody foresaw.", job.id)
            message = f"The worker failed on this image: {type(error).__name__}: {error}"
            return Result(error=JobError(code="internal_error", message=message), **size)
        return Result(answer=answer.text, usage=answer.usage, **size)

    def _fetch(self, job: Job) -> bytes:
        if job.image is None:
            raise NotFound("The job has no image. Send the file again.", code="image_not_found")
        return self.blobs.get_image(job.image)

    def _ask(self, job: Job, image: Image.Image) -> Answer:
        with self.metrics.stage("prepare"):
            prepared = self.engine.prepare(image, job.question, job.options)
        return self.batcher.submit(prepared).result()

    # End

    def _store_result(self, job: Job, result: Result) -> None:
        with self.metrics.stage("store"):
            is_ours = self._until_redis_answers(lambda: self._finish(job.id, result))
        if is_ours:
            state = JobState.FAILED if result.error else JobState.SUCCEEDED
            self.metrics.count_finished(state, result.usage)

    def _finish(self, job_id: str, result: Result) -> bool:
        try:
            return self.store.finish(job_id, result)
        except NotFound:
            logger.info("Job %s: its record has expired meanwhile.", job_id)
            return False

    def _give_back(self, job: Job) -> None:
        """Queue the job again; if Redis is away, its message comes back all the same, and says so."""
        try:
            self.store.give_back(job.id)
        except (redis.RedisError, NotFound):
            logger.warning("Job %s: could not be marked as queued; its message goes back.", job.id)
        else:
            self.metrics.count_redelivery("drain")
            logger.info("Job %s: given back.", job.id)

    # Waiting

    def _until_redis_answers(self, call: Callable[[], _T]) -> _T:
        """Call until Redis answers.

        Raises GivenBack when the worker stops first.
        """
        tries = 0
        while True:
            try:
                return call()
            except redis.RedisError as error:
                if isinstance(error, redis.ResponseError) and tries == 0:
                    # It is there and refuses, as when its memory is full: the heartbeat may not notice.
                    logger.error("Redis refuses to note a job: %s. Trying again until it does.", error)
                self.drain.pause(_PAUSES_S[min(tries, len(_PAUSES_S) - 1)])
                tries += 1
