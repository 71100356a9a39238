"""Files and zips into a batch: a job for each file, also for one that is refused, so nothing is lost.

A path that the batch has already makes no second job.
"""

from collections.abc import Iterator, Mapping
from typing import cast

from werkzeug.datastructures import FileStorage

from jobs.contract.catalog import ModelCard
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from jobs.contract.images import not_an_image
from jobs.contract.metrics import JOBS_TOTAL
from jobs.contract.models import Batch, Job, JobError, JobState, utc_now
from web.http.problems import count_refusal
from web.intake.asking import check_question
from web.intake.outcomes import FileOutcome
from web.intake.paths import normalise, sent_path, shortened
from web.intake.spool import Part
from web.intake.uploads import kept_image
from web.intake.zips import Entry, entries, is_zip
from web.services import Services


class Intake:
    """Takes files for one open batch; `questions` maps paths to questions that replace the batch's.

    `jobs` are those of all files it has taken, new or not, in the order they came. Its methods raise what
    stops the whole request: Conflict for a batch that takes no more files, Unavailable, redis.RedisError.
    """

    def __init__(
        self, services: Services, batch: Batch, card: ModelCard, questions: Mapping[str, str]
    ) -> None:
        self._services, self._batch, self._card = services, batch, card
        self.jobs: list[Job] = []
        self._questions = {normalise(path): question for path, question in questions.items()}

    def take(self, sent: FileStorage) -> Iterator[FileOutcome]:
        """Take one file of a form: an image, or all that is in a zip."""
        path, part = sent_path(sent), cast(Part, sent.stream)
        if not path.lower().endswith(".zip"):
            yield self._take_image(path, part)
        elif is_zip(part):
            yield from self._take_zip(path, part)
        else:
            error = BadInput("The file is named .zip and is none. Pack it again.", code=Code.BAD_ZIP)
            yield self._reject(path, error)

    def take_kept(self, path: str, sha256: str, media_type: str) -> FileOutcome:
        """Take a file whose image is in the blob store, and claimed."""
        return self._accept(self._job(path, image=sha256, media_type=media_type))

    def _take_zip(self, path: str, part: Part) -> Iterator[FileOutcome]:
        try:
            for entry in entries(part, self._services.limits, self._services.spool_folder):
                yield self._take_entry(entry)
        except BadInput as error:
            yield self._reject(path, error)

    def _take_entry(self, entry: Entry) -> FileOutcome:
        if entry.content is None:
            return self._reject(entry.path, entry.error or not_an_image())
        return self._take_image(entry.path, entry.content)

    def _take_image(self, path: str, part: Part) -> FileOutcome:
        limit = self._services.limits.max_path_chars
        try:
            if len(path) > limit:
                raise BadInput(
                    f"The path has {len(path):,} characters; the limit is {limit:,} (EVA01_MAX_PATH_CHARS).",
                    code=Code.PATH_TOO_LONG,
                )
            question = self._question(path)
            with kept_image(self._services, part) as kept:
                fields = {"question": question, "image": kept.sha256, "media_type": kept.media_type}
                return self._accept(self._job(path, **fields))
        except BadInput as error:
            return self._reject(path, error)

    def _question(self, path: str) -> str:
        own = self._questions.get(path, "")
        return check_question(self._card, own or self._batch.question, self._services.limits)

    def _accept(self, job: Job) -> FileOutcome:
        job, is_new = self._create(job)
        if is_new:
            self._services.queue.enqueue(job)
            JOBS_TOTAL.labels(job.model, JobState.QUEUED).inc()
        return FileOutcome(file=job.file, state="accepted", job_id=job.id, is_new=is_new)

    def _reject(self, path: str, error: BadInput) -> FileOutcome:
        reason = JobError(code=error.code, message=error.message)
        file = shortened(path, self._services.limits.max_path_chars)
        refused = self._job(file, state=JobState.FAILED, error=reason, finished_at=utc_now())
        job, is_new = self._create(refused)
        if is_new:
            JOBS_TOTAL.labels(job.model, JobState.FAILED).inc()
            count_refusal(error)
        return FileOutcome(file=job.file, state="rejected", job_id=job.id, is_new=is_new, error=reason)

    def _create(self, job: Job) -> tuple[Job, bool]:
        job, is_new = self._services.store.create_job(job)
        self.jobs.append(job)
        return job, is_new

    def _job(self, file: str, **fields: object) -> Job:
        common = {"batch_id": self._batch.id, "file": file, "model": self._batch.model}
        asked = {"question": self._batch.question, "options": self._batch.options}
        return Job.model_validate(common | asked | fields)
