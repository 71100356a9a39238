"""Files and zips into a batch: a job for each file, or each page of one; also for one that is refused.

A file that the batch has already makes no second job; another file of a path that it has is called otherwise.
Files are taken some at a time, because each way to Redis costs as much for one as for many.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import cast

from werkzeug.datastructures import FileStorage

from jobs.contract.catalog import ModelCard
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from jobs.contract.models import Job, JobError, JobState, utc_now
from jobs.contract.names import file_path, page_path
from jobs.flow.accept import Accepting
from jobs.formats.images import not_an_image
from jobs.storage.image_uses import Kind
from jobs.storage.store.jobs import ITSELF, Source
from web.http.problems import count_refusal
from web.intake.asking import check_page, check_question, check_room
from web.intake.forms import Address, check_sent
from web.intake.names.paths import normalise, sent_path, shortened
from web.intake.outcomes import LONGEST_PATH, FileOutcome, KnownFile, PassedOver
from web.intake.spool import Part
from web.intake.uploads import Image, checked_image, kept_images
from web.intake.zips import Entry, entry_groups, is_zip
from web.services import Services

#: Jobs that are made at a time, or a file's.
_AT_A_TIME = 64


@dataclass(frozen=True)
class Checked:
    """A file that was looked at: an image with its question, or the reason why it is refused."""

    path: str
    question: str = ""
    image: Image | None = None
    error: BadInput | None = None
    #: What one that is refused is known by when it comes again.
    digest: str = ""


class Intake:
    """Takes files for one open batch; `questions` maps paths to questions that replace the batch's.

    `check` is called before each file, and raises BadInput when no more of them are to be looked at: these
    are refused one by one. Its methods raise what stops the whole request: Conflict for a batch that takes no
    more files, Unavailable, redis.RedisError.
    """

    def __init__(
        self,
        services: Services,
        accepting: Accepting,
        card: ModelCard,
        questions: Mapping[str, str],
        check: Callable[[], None],
    ) -> None:
        self._services, self._accepting, self._card, self._check = services, accepting, card, check
        self._questions = {
            normalise(path): question for path, question in questions.items() if len(path) <= LONGEST_PATH
        }
        #: Paths with a question of their own under which nothing came so far, in order.
        self.unused_questions = dict.fromkeys(self._questions)
        #: What zips had in them that became no job.
        self.passed_over = PassedOver()

    def take(self, files: Iterable[FileStorage]) -> Iterator[FileOutcome]:
        """Take the files of a form, each an image, or a zip with all that is in it.

        What was fetched from an address is an image, whatever it is called.
        """
        named = ((sent_path(sent), sent) for sent in files)
        for is_packed, some in groupby(named, lambda one: _is_packed(*one)):
            if is_packed:
                for path, sent in some:
                    yield from self._take_zip(path, sent)
            else:
                yield from self._take_all(self._checked_sent(path, sent) for path, sent in some)

    def take_kept(self, files: Sequence[tuple[KnownFile, Kind]]) -> list[list[FileOutcome]]:
        """Take files with their kinds, whose images are in the blob store, and claimed.

        Raises BadInput (`invalid_field`) for a page that there is not.
        """
        return self._accept([self._jobs_of_kept(file, kind) for file, kind in files])

    def _take_all(self, files: Iterable[Checked], source: Source = ITSELF) -> Iterator[FileOutcome]:
        """Take files of one `source`, a zip or none, as they are looked at, some at a time."""
        some: list[Checked] = []
        jobs = 0
        for file in files:
            some.append(file)
            jobs += (file.image and file.image.pages) or 1
            if jobs >= _AT_A_TIME:
                yield from self._take(some, source)
                some, jobs = [], 0
        yield from self._take(some, source)

    def _take_zip(self, path: str, sent: FileStorage) -> Iterator[FileOutcome]:
        part = cast(Part, sent.stream)
        limits = self._services.limits
        source = Source(shortened(path, limits.max_path_chars), part.sha256)
        try:
            check_sent(sent)
            if not is_zip(part):
                raise BadInput("The file is named .zip and is none. Pack it again.", code=Code.BAD_ZIP)
            self._check()
            folder = self._services.spool_folder
            is_row_taken = False
            for entries in entry_groups(part, limits, folder, self.passed_over, self._check):
                for outcome in self._take_all(map(self._checked_entry, entries), source):
                    is_row_taken |= outcome.is_new and outcome.state == "accepted"
                    yield outcome
            if not is_row_taken:
                yield from self._row_of_zip(source)
        except BadInput as error:
            yield from self._take([self._refused(path, part, error)])

    def _row_of_zip(self, zipped: Source) -> list[FileOutcome]:
        """The zip's own row, which an earlier request has left: it was refused, and is still in the batch."""
        row = self._services.feed.refused_file(self._accepting.batch.id, *zipped)
        self._accepting.keep([row] if row else [])
        return [_outcome(row, row, is_new=False)] if row else []

    def _checked_sent(self, path: str, sent: FileStorage) -> Checked:
        part = cast(Part, sent.stream)
        try:
            check_sent(sent)
        except BadInput as error:
            return self._refused(path, part, error)
        return self._checked(path, part)

    def _checked_entry(self, entry: Entry) -> Checked:
        if entry.content:
            return self._checked(entry.path, entry.content)
        return Checked(entry.path, error=entry.error or not_an_image(), digest=entry.digest)

    def _refused(self, path: str, part: Part, error: BadInput) -> Checked:
        return Checked(path, error=error, digest=part.sha256)

    def _checked(self, path: str, part: Part) -> Checked:
        limit = self._services.limits.max_path_chars
        try:
            self._check()
            if len(path) > limit:
                raise BadInput(
                    f"The path has {len(path):,} characters; the limit is {limit:,} (EVA01_MAX_PATH_CHARS).",
                    code=Code.PATH_TOO_LONG,
                )
            own = self._questions.get(normalise(path), "")
            question = check_question(
                self._card, own or self._accepting.batch.question, self._services.limits
            )
            return Checked(path, question, checked_image(self._services, part))
        except BadInput as error:
            return self._refused(path, part, error)

    def _take(self, files: Sequence[Checked], source: Source = ITSELF) -> list[FileOutcome]:
        """Take files of one `source`, a zip or none."""
        for file in files:
            self.unused_questions.pop(normalise(file.path), None)
        with kept_images(self._services, [file.image for file in files if file.image]):
            taken = self._accept([self._jobs_of(file, source) for file in files], source)
        for file, outcomes in zip(files, taken, strict=True):
            if file.error and outcomes[0].is_new:
                count_refusal(file.error)
        return [*chain(*taken)]

    def _accept(self, files: Sequence[Sequence[Job]], source: Source = ITSELF) -> list[list[FileOutcome]]:
        """Make the jobs of some files; gives what became of each file's."""
        jobs = [*chain(*files)]
        if len(jobs) > len(files):
            # Many pages may be far more than there was room for when the request came.
            check_room(self._services, self._card.name, self._accepting.batch.owner)
        made = iter(self._accepting.add(jobs, source))
        return [[_outcome(asked, *next(made)) for asked in jobs_] for jobs_ in files]

    def _jobs_of(self, file: Checked, source: Source) -> list[Job]:
        if image := file.image:
            kind = Kind(image.media_type, image.pages)
            return self._jobs_about(file.path, image.sha256, kind, question=file.question)
        return [self._job_of_refused(file, source)]

    def _jobs_of_kept(self, file: KnownFile, kind: Kind) -> list[Job]:
        path, page = normalise(file.file), check_page(file.page, kind.pages)
        question = {"question": file.question.strip()} if file.question.strip() else {}
        if page is None:
            return self._jobs_about(path, file.sha256, kind, **question)
        called = page_path(file_path(path, page), page)
        return [self._job(called, **_of_image(file.sha256, kind), page=page, **question)]

    def _jobs_about(self, path: str, sha256: str, kind: Kind, **fields: object) -> list[Job]:
        """A job for a file; or one for each of its pages, where the model looks at one at a time."""
        same = {**_of_image(sha256, kind), **fields}
        pages = kind.pages or 1
        if pages == 1 or self._card.reads_pages:
            return [self._job(path, **same)]
        return [self._job(page_path(path, page), page=page, **same) for page in range(1, pages + 1)]

    def _job_of_refused(self, file: Checked, source: Source) -> Job:
        error = file.error or not_an_image()
        return self._job(
            shortened(file.path, self._services.limits.max_path_chars),
            state=JobState.FAILED,
            is_refused=True,
            refused_sha256=file.digest,
            source=source.path or None,
            error=JobError(code=error.code, message=error.message),
            finished_at=utc_now(),
        )

    def _job(self, file: str, **fields: object) -> Job:
        batch = self._accepting.batch
        common = {"batch_id": batch.id, "file": file, "model": batch.model, "owner": batch.owner}
        asked = {"question": batch.question, "options": batch.options}
        return Job.model_validate(common | asked | fields)


def _is_packed(path: str, sent: FileStorage) -> bool:
    return path.lower().endswith(".zip") and not isinstance(sent, Address)


def kept_question(job: Job, asked: str) -> str | None:
    """The question of a job that the batch has, where it is not the one that its file came with now."""
    return job.question if job.question != asked else None


def _of_image(sha256: str, kind: Kind) -> dict[str, object]:
    return {"images": (sha256,), "media_types": (kind.media_type,), "pages": kind.pages}


def _outcome(asked: Job, job: Job, is_new: bool) -> FileOutcome:
    """What became of a file: its own refusal, though it may have been taken meanwhile."""
    return FileOutcome(
        file=job.file,
        sent_as=job.sent_as,
        state="rejected" if asked.is_refused else "accepted",
        page=job.page,
        job_id=job.id,
        is_new=is_new,
        kept_question=kept_question(job, asked.question) if not asked.is_refused else None,
        error=asked.error,
    )
