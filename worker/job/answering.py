"""The life of one job in its slot.

    take ──► fetch ──► decode ──► see ──► prepare ──► generate ──► store ──► acknowledge
      │ │      └─────────┴─────────┴─────────┴────────────┴─► its error, stored like an answer
      │ └─► an earlier job has the answer ──────────────────────► store
      └─► nothing to do: the job was cancelled after its ticket went out

For an engine that reads whole files, decode to generate go round for each of their pages. For any other,
fetch to see go round for each image of a job, and each page that it asks about together, so that the pixels
of only one are held at a time.

Whatever happens, a job ends in the store with an answer or a reason, or its ticket goes back to the queue.

A job whose worker died is a suspect: it may be the cause, or, as when a node is taken away, it was only held
at the time. So suspects run together, apart from innocent jobs. If that crashes a worker again, each of them
has a worker to itself, and only the culprit crashes another; after `max_crashes` it fails for good.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, Generic

import redis

from jobs import log
from jobs.contract.asking.resolution import check_max_pixels
from jobs.contract.catalog import QUESTION
from jobs.contract.codes import Code
from jobs.contract.discreet import discreet
from jobs.contract.errors import Eva01Error, NotFound
from jobs.contract.models import Job, JobError, Note, Result
from jobs.contract.saying.lines import packed
from jobs.storage.store import JobStore
from jobs.storage.store.jobs import Came, Taken
from worker.device.base import Cancelled, Device, GivenBack, Suspected
from worker.device.reply import Reply
from worker.drain import Drain
from worker.engines.base import Answer, Engine, Prepared, Seen
from worker.engines.company import Company
from worker.job.cache import AnswerCache
from worker.job.decode.decoder import Decoded
from worker.job.decode.memory import give_back
from worker.job.decode.room import Room
from worker.job.ending import Ending
from worker.job.in_flight import Held
from worker.job.logprobs import Logprobs
from worker.job.pages import Looked, are_together, joined, made_ready
from worker.job.patience import Patience
from worker.job.places import placed
from worker.job.precedence import Precedence
from worker.job.preparation import Preparation
from worker.job.prompt import told
from worker.job.suspects import Suspects
from worker.job.telling import Telling
from worker.job.texts import Texts
from worker.job.thumbnails import Thumbnails
from worker.ops.metrics import ModelMetrics

logger = logging.getLogger(__name__)

#: The memory of an image of so many pixels goes back to the machine with the image.
_LARGE_PIXELS = 4_000_000


@dataclass(frozen=True)
class Answering(Generic[Seen, Prepared]):
    """Answers jobs; `answer` is called from many slots at once."""

    model: str
    store: JobStore
    preparation: Preparation[Seen]
    engine: Engine[Seen, Prepared]
    device: Device[Prepared]
    cache: AnswerCache
    thumbnails: Thumbnails
    texts: Texts
    drain: Drain
    patience: Patience
    ending: Ending
    metrics: ModelMetrics
    #: Crashes of its workers after which a job is not tried any more.
    max_crashes: int
    #: True when one answer is about all pages of a file; else a job without a page is about the first.
    reads_pages: bool
    #: Images that a job may be about, or pages where it is about those of a file together.
    max_images: int
    #: Where jobs with several images, or with more pixels than usual, wait until all may be ready together.
    ready: Room
    logprobs: Logprobs
    telling: Telling
    precedence: Precedence
    #: What the model is told, where QUESTION stands for what was asked.
    prompt: str = QUESTION
    _suspects: Suspects = field(default_factory=Suspects)

    def answer(self, ticket: str, *, is_redelivered: bool) -> None:
        """Answer the job that `ticket` stands for, or else the next that waits, and write what came of it.

        Raises GivenBack when the worker stops first; the job is queued again then.
        """
        taken = self._take(ticket, is_redelivered=is_redelivered)
        if taken is None:
            logger.info("Nothing waits any more; one ticket was left over.")
            return
        job = taken.job
        hidden = (job.question, *(text for turn in job.options.chat or () for text in turn.texts))
        with log.about(hidden=hidden, job_id=job.id, batch_id=job.batch_id, owner=job.owner):
            try:
                self._answer(taken)
            except Cancelled:
                self.metrics.count_cancellation("held")
                logger.info("Job %s of batch %s: cancelled before it had an answer.", job.id, job.batch_id)
            except GivenBack as error:
                is_suspect = isinstance(error, Suspected)
                self.ending.give_back(
                    job, self.store.take_back if is_suspect else self.store.give_back, error.reason
                )
                raise

    def _answer(self, taken: Taken) -> None:
        if taken.job.crashes >= self.max_crashes:
            self._quarantine(taken.job)
            return
        with self._suspects.turn(self._company(taken.job), lambda: self._check_due(taken.job)):
            self._run(taken)

    def _company(self, job: Job) -> Company:
        return Company.of(job.crashes, self.max_crashes)

    def _run(self, taken: Taken) -> None:
        if not self._begin(taken):
            return
        job = taken.job
        started_s = perf_counter()
        with self.precedence.asking(job.owner) if _is_single(job) else nullcontext():
            result = self._known(job) or self._result_of(job)
        self._give_way(job)
        with log.about(hidden=(result.answer or "",)):
            self.ending.store_result(job, result, self.cache.recipe(job))
        seconds = perf_counter() - started_s
        self.metrics.run_seconds.observe(seconds)
        outcome = f"failed: {result.error.code}" if result.error else "answered"
        outcome += " from an earlier job" if result.cached else ""
        logger.info("Job %s: %s in %.2f s.", job.id, outcome, seconds)

    # Begin

    def _take(self, ticket: str, *, is_redelivered: bool) -> Taken | None:
        self._check_open()
        came = Came.REDELIVERED if is_redelivered else Came.FRESH

        def take() -> Taken | None:
            nonlocal came
            now, came = came, Came.AGAIN
            return self.store.take(self.model, ticket, now)

        taken = self.patience.until_redis_answers(take)
        if taken and taken.is_resumed:
            job = taken.job
            self.metrics.count_redelivery("crash")
            logger.warning("Job %s of batch %s: its worker is gone.", job.id, job.batch_id)
        return taken

    def _check_open(self) -> None:
        """Raises GivenBack when nothing begins here any more."""
        if self.drain.has_begun or self.device.is_closed:
            raise GivenBack("the worker takes no more jobs")

    def _check_due(self, job: Job) -> None:
        """Called while the job waits for its turn; raises what `_check_open` and `_check_wanted` raise."""
        self._check_open()
        self._check_wanted(job)

    def _begin(self, taken: Taken) -> bool:
        self._check_open()
        if not taken.has_begun and not self._begin_now(taken.job):
            logger.info("Job %s: cancelled or finished meanwhile; nothing to do.", taken.job.id)
            return False
        self.metrics.count_begun(taken.job)
        return True

    def _begin_now(self, job: Job) -> bool:
        try:
            return self.patience.until_redis_answers(lambda: self.store.begin(job.id))
        except NotFound:
            return False

    def _quarantine(self, job: Job) -> None:
        message = (
            f"The worker, or the server that it asks, ended {job.crashes} times while it held this image."
            " Retry it by hand, alone."
        )
        result = Result(error=JobError(code=Code.POISON, message=message))
        if self.ending.finish(job, result, self.cache.recipe(job)):
            logger.error(
                "Job %s of batch %s: quarantined, its worker ended %d times.",
                job.id,
                job.batch_id,
                job.crashes,
            )
            self.metrics.count_quarantined()

    # Answer

    def _known(self, job: Job) -> Result | None:
        """An earlier job's answer; a failed job that is retried may find one, too."""
        return self.patience.until_redis_answers(lambda: self.cache.find(job))

    def _result_of(self, job: Job) -> Result:
        looked = Looked(job)
        try:
            _check_images(job)
            check_max_pixels(job.options.max_pixels, self.model, self.engine.max_pixels)
            answer = joined([*self._answers(looked)])
            # Now that nothing is held any more that others wait for.
            if failure := answer.failure():
                said = {"reasoning": answer.reasoning, "finish_reason": answer.finish_reason}
                return _failed(looked, failure, **said, usage=answer.usage)
            self._keep_logprobs(job, answer)
        except (GivenBack, Cancelled):
            raise
        except Eva01Error as error:
            return _failed(looked, error)
        except Exception as error:
            logger.exception("Job %s: an error that nobody foresaw.", job.id)
            message = looked.placed(f"The worker failed on this image: {discreet(error)}")
            return Result(error=JobError(code=Code.INTERNAL_ERROR, message=message), **looked.facts)
        finally:
            if looked.pixels >= _LARGE_PIXELS:
                give_back()
        return Result(
            answer=answer.text,
            reasoning=answer.reasoning,
            finish_reason=answer.finish_reason,
            lines=packed(answer.places),
            confidence=answer.confidence,
            field_confidence=answer.field_confidence,
            usage=answer.usage,
            **looked.facts,
        )

    def _answers(self, looked: Looked) -> Iterator[Answer]:
        """The answer about all images, or about each page of each in turn, so that only one is in memory."""
        if self.reads_pages:
            for place in range(len(looked.job.images)):
                yield from self._answers_about_pages(looked, place)
            return
        with self._made_ready(looked.job):
            if len(looked.job.images) > 1 or are_together(looked.job) or self.engine.is_elsewhere:
                yield self._answer_together(looked)
            else:
                yield self._answer_page(looked)
                self._note_unseen_pages(looked)

    def _made_ready(self, job: Job) -> AbstractContextManager[None]:
        """Room for what takes more than one usual image; one of many pixels counts as several."""
        pixels = self.engine.max_pixels
        amount = made_ready(job, self.max_images) * (pixels.weight(job.options.max_pixels) if pixels else 1)
        return self.ready.entered(amount, lambda: self._check_wanted(job)) if amount > 1 else nullcontext()

    def _answers_about_pages(self, looked: Looked, place: int) -> Iterator[Answer]:
        if place:
            looked.turn_to(place)
        yield self._answer_page(looked)
        if looked.job.page or looked.pages == 1:
            return
        with self.preparation.fetched(looked.job.images[place]):
            for page in range(2, looked.pages + 1):
                looked.page = page
                yield self._answer_page(looked)

    def _note_unseen_pages(self, looked: Looked) -> None:
        if looked.pages > 1 and not looked.job.page and not are_together(looked.job):
            looked.note(Note.FIRST_PAGE)

    def _answer_page(self, looked: Looked) -> Answer:
        """The answer about the page that is looked at now."""
        job = looked.job
        with self._decoded(looked) as decoded, self._seen(looked, decoded.value) as seen:
            reply = self._submit(job, self._prepare(job, [seen.value]))
            if decoded.is_maker:
                # Now, because until the device has answered this thread would have nothing to do.
                self._keep_beside(looked, decoded.value)
            return placed(reply.result(), decoded.value, looked.number)

    def _answer_together(self, looked: Looked) -> Answer:
        """The answer about all images at once, their first pages or all; its lines stand on no single one."""
        job = looked.job
        with ExitStack() as held:
            seen = []
            for place in range(len(job.images)):
                if place:
                    looked.turn_to(place)
                seen.append(held.enter_context(self._seen_alone(looked)).value)
                for page in range(2, looked.pages + 1 if are_together(job) else 2):
                    looked.page = page
                    seen.append(held.enter_context(self._seen_alone(looked)).value)
            pages = looked.number if len(seen) > len(job.images) else None
            looked.place = None
            prepared = self._prepare(job, seen)
        # What was prepared has all that the device needs: what was seen of each image is let go.
        del seen
        answer = self._submit(job, prepared).result()
        return replace(answer, places=(), usage=answer.usage.model_copy(update={"pages": pages}))

    @contextmanager
    def _seen_alone(self, looked: Looked) -> Iterator[Held[Seen]]:
        """Hold what the engine makes of an image, and its pixels no longer than that takes."""
        with ExitStack() as held:
            with self._decoded(looked) as decoded:
                self._note_unseen_pages(looked)
                seen = held.enter_context(self._seen(looked, decoded.value))
                if decoded.is_maker:
                    self._keep_beside(looked, decoded.value)
            yield seen

    @contextmanager
    def _decoded(self, looked: Looked) -> Iterator[Held[Decoded]]:
        """Hold the pixels of the page that is looked at now."""
        assert looked.place is not None
        image, job = looked.job.images[looked.place], looked.job
        self._give_way(job)
        how = (lambda: self._check_wanted(job), job.options.max_pixels, job.options.dpi)
        with self.preparation.decoded(image, looked.page, *how) as decoded:
            looked.see(decoded.value)
            yield decoded

    def _seen(self, looked: Looked, decoded: Decoded) -> AbstractContextManager[Held[Seen]]:
        assert looked.place is not None
        image, options = looked.job.images[looked.place], looked.job.options
        return self.preparation.seen(image, looked.page, decoded, options.max_pixels, options.dpi)

    def _check_wanted(self, job: Job) -> None:
        """Called while the job waits for room to decode in, and before anything is kept of its answer.

        Raises Cancelled when nobody wants its answer any more, and GivenBack when the worker stops.
        """
        self.drain.pause(0)
        try:
            is_cancelled = self.store.cancelled([job.id])
        except redis.RedisError:
            return
        if is_cancelled:
            raise Cancelled(f"job {job.id} was cancelled")

    def _prepare(self, job: Job, seen: Sequence[Seen]) -> Prepared:
        with self.metrics.stage("prepare"):
            return self.engine.prepare(seen, *told(self.prompt, job))

    def _submit(self, job: Job, prepared: Prepared) -> Reply:
        return self.device.submit(
            prepared,
            job.id,
            company=self._company(job),
            is_interactive=_is_single(job),
            owner=job.owner,
            # What is said of each page is put together later.
            hear=None if self.reads_pages else self.telling.hear(job),
        )

    def _give_way(self, job: Job) -> None:
        """Called where a job is about to use the cores for a while, unless it is answered elsewhere."""
        if not (_is_single(job) or self.engine.is_elsewhere):
            self.precedence.give_way(job.owner)

    def _keep_beside(self, looked: Looked, decoded: Decoded) -> None:
        """Keep what people may want to see beside the answer: a small version, and a PDF's own text."""
        assert looked.place is not None
        image, _, media_type = looked.job.about(looked.place)
        with self.metrics.stage("thumbnail"):
            self.thumbnails.keep(image, looked.page, decoded.image, media_type)
            self.texts.keep(image, looked.page, decoded.text)

    def _keep_logprobs(self, job: Job, answer: Answer) -> None:
        if answer.logprobs:
            # What is kept for a batch that was deleted long ago would stay for ever.
            self._check_wanted(job)
            self.logprobs.keep(job, answer.text, answer.logprobs())


def _is_single(job: Job) -> bool:
    """True for what somebody waits for, and no batch."""
    return job.batch_id is None


def _check_images(job: Job) -> None:
    if not job.images:
        raise NotFound("The job has no image. Send the file again.", code=Code.IMAGE_NOT_FOUND)


def _failed(looked: Looked, error: Eva01Error, **said: Any) -> Result:
    """That there is no answer; `said`: what was said in its place."""
    return Result(
        error=JobError(code=error.code, message=looked.placed(error.message)), **said, **looked.facts
    )
