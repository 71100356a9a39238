"""A worker's slot around the stub engine, on a real server: for tests of single jobs."""

import hashlib
import threading
from pathlib import Path
from typing import Any

import redis

from jobs.contract.catalog import QUESTION
from jobs.contract.models import Job, Options
from jobs.contract.settings import Limits
from jobs.storage.files.blobs import BlobStore
from jobs.storage.files.journal import Journal
from jobs.storage.image_uses import ImageUses
from jobs.storage.store import JobStore
from jobs.storage.wire import Wire
from tests.files.drawing import Scene
from tests.processes import wait_until
from tests.stubs.engine import StubEngine
from worker.device.batcher import Batcher
from worker.drain import Drain
from worker.job.answering import Answering
from worker.job.cache import AnswerCache
from worker.job.decode.decoder import Decoder
from worker.job.decode.room import Room
from worker.job.ending import Ending
from worker.job.logprobs import Logprobs
from worker.job.patience import Patience
from worker.job.precedence import Precedence
from worker.job.preparation import Preparation
from worker.job.telling import Telling
from worker.job.texts import Texts
from worker.job.thumbnails import Thumbnails
from worker.ops.metrics import ModelMetrics
from worker.ops.trouble import Trouble

MODEL = "stub"
PNG = Scene("white", (("red", "circle"),)).encode()
THUMBNAIL_PX = 64
#: The longest answer when a job does not say, in tokens.
MAX_NEW_TOKENS = 512
#: Bytes of the logprobs of one answer.
MAX_LOGPROBS_BYTES = 2000
#: Images of jobs with several that may be ready together.
READY_IMAGES = 4


class Slot:
    """Everything a slot needs, around the stub engine."""

    def __init__(
        self, redis_client: "redis.Redis", folder: Path, *, reads_pages: bool = False, timeout_s: float = 60
    ) -> None:
        self.store = JobStore(redis_client)
        self.blobs = BlobStore(folder.as_uri(), patience_s=0.2)
        self.engine = StubEngine()
        self.drain = Drain(drain_s=1)
        self.metrics = ModelMetrics(MODEL)
        self.batcher = Batcher(
            self.engine,
            self.metrics,
            10_000,
            on_crash=lambda: None,
            timeout_s=timeout_s,
            unwanted=self.store.cancelled,
        )
        self.batcher.start()
        self.journal = Journal(self.blobs)
        self.logprobs = Logprobs(self.journal, MAX_LOGPROBS_BYTES)
        decoder = Decoder(Limits(), self.engine.enough_pixels)
        self.preparation = Preparation(self.blobs, decoder, self.engine, self.metrics)
        self.precedence = Precedence()
        patience, telling = Patience(self.drain, Trouble()), Telling(Wire(redis_client))
        self.answering = Answering(
            model=MODEL,
            store=self.store,
            preparation=self.preparation,
            engine=self.engine,
            device=self.batcher,
            cache=self.cache(),
            thumbnails=Thumbnails(self.blobs, ImageUses(redis_client), THUMBNAIL_PX),
            texts=Texts(self.blobs, ImageUses(redis_client)),
            drain=self.drain,
            patience=patience,
            ending=Ending(self.store, self.journal, self.metrics, patience),
            metrics=self.metrics,
            max_crashes=2,
            reads_pages=reads_pages,
            max_images=Limits().max_images_per_job,
            ready=Room(READY_IMAGES),
            logprobs=self.logprobs,
            telling=telling,
            precedence=self.precedence,
        )

    def cache(self, identity: str = "", *, is_on: bool = True, prompt: str = QUESTION) -> AnswerCache:
        """An answer cache as a worker has it; `identity` defaults to the engine's."""
        identity = identity or self.engine.identity
        pixels = self.engine.max_pixels
        usual = Options(
            max_new_tokens=MAX_NEW_TOKENS, max_pixels=pixels and pixels.default, dpi=Limits().pdf_dpi
        )
        return AnswerCache(self.store, self.logprobs, self.metrics, identity, usual, prompt, is_on=is_on)

    def job(self, data: bytes | None = PNG, question: str = "what?", **fields: Any) -> Job:
        sha256 = hashlib.sha256(data or b"").hexdigest()
        if data is not None:
            self.blobs.put_image(sha256, data)
        job, _ = self.store.create_job(
            Job(file="a.png", question=question, model=MODEL, images=(sha256,), **fields)
        )
        return job

    def job_about(self, *contents: bytes, question: str = "what?", **fields: Any) -> Job:
        """A job about several images, called 1.png and so on."""
        images = tuple(hashlib.sha256(data).hexdigest() for data in contents)
        for sha256, data in zip(images, contents, strict=True):
            self.blobs.put_image(sha256, data)
        files = tuple(f"{number}.png" for number in range(1, len(contents) + 1))
        asked = {"file": "views", "question": question, "model": MODEL, "images": images, "files": files}
        job, _ = self.store.create_job(Job.model_validate(asked | fields))
        return job

    def answer(self, job: Job, ticket: str = "ticket", *, is_redelivered: bool = False) -> Job:
        self.answering.answer(ticket, is_redelivered=is_redelivered)
        return self.store.get_job(job.id)

    def hold_on_device(self, job: Job) -> threading.Thread:
        """Answer in a thread, up to where the engine has the job and waits for `may_go_on`."""
        self.engine.may_go_on.clear()
        thread = threading.Thread(target=self.answer, args=(job,), daemon=True)
        thread.start()
        wait_until(lambda: self.engine.batches, "the engine has the job", every_s=0.005)
        return thread
