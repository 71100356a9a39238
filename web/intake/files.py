"""Files and zips into a batch: a job for each file, each page of one, or several; also for what is refused.

A file that the batch has already makes no second job; another file of a path that it has is called otherwise.
Files are taken some at a time, because each way to Redis costs as much for one as for many.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256 as new_sha256
from itertools import chain, groupby
from typing import cast

from werkzeug.datastructures import FileStorage

from jobs.contract.asking.pages import Pages
from jobs.contract.catalog import ModelCard
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput
from jobs.contract.models import Job, JobError, JobState, utc_now
from jobs.contract.names import file_path, page_path
from jobs.contract.settings import MOST_IMAGES
from jobs.flow.accept import Accepting
from jobs.formats.images import not_an_image
from jobs.storage.image_uses import Kind
from jobs.storage.store.jobs import ITSELF, Source
from web.http.problems import count_refusal
from web.intake.asking import (
    are_seen_together,
    check_images,
    check_page,
    check_pages,
    check_question,
    check_room,
    pages_counted,
    sees_all_pages,
)
from web.intake.forms import Address, check_sent
from web.intake.grouping import Said, Wanted, about_image, wanted_jobs
from web.intake.names.paths import normalise, sent_path, shortened
from web.intake.outcomes import LONGEST_PATH, FileOutcome, PassedOver
from web.intake.spool import Part
from web.intake.uploads import Image, checked_image, kept_images
from web.intake.zips.entries import Entry, entry_groups, is_zip
from web.services import Services

#: Jobs that are made at a time, or a file's.
_AT_A_TIME = 250


@dataclass(frozen=True)
class Kept:
    """A job about images that are in the blob store, and claimed."""

    path: str
    images: tuple[str, ...]
    #: What they are called; none for one that is called as the job.
    names: tuple[str, ...] = ()
    #: What to ask; empty for the batch's question.
    question: str = ""
    page: int | None = None


@dataclass(frozen=True)
class Checked:
    """A job's files that were looked at: images with their question, or the reason why they are refused."""

    path: str
    question: str = ""
    images: tuple[Image, ...] = ()
    #: What they are called; none for one that is called as the job.
    names: tuple[str, ...] = ()
    error: BadInput | None = None
    #: What those that are refused are known by when they come again.
    digest: str = ""

    @property
    def most_jobs(self) -> int:
        """How many jobs it makes at most; those about several images count as many."""
        return max(len(self.images), *((image.pages or 1) for image in self.images), 1)


class Intake:
    """Takes files for one open batch.

    `check` is called before each file, and raises BadInput when no more of them are to be looked at: these
    are refused one by one. `spend` is told what processes of their own have taken, in seconds of CPU. Its
    methods raise what stops the whole request: Conflict for a batch that takes no more files, Unavailable,
    redis.RedisError.
    """

    def __init__(
        self,
        services: Services,
        accepting: Accepting,
        card: ModelCard,
        said: Said,
        check: Callable[[], None],
        spend: Callable[[float], None],
    ) -> None:
        self._services, self._accepting, self._card = services, accepting, card
        self._check, self._spend = check, spend
        self._said, self._limits = said, services.limits
        #: True when a job is about all pages of its files.
        self.sees_all_pages = sees_all_pages(card, accepting.batch.options)
        #: True when a model that looks at one image is asked about all pages of a file at once.
        self.sees_together = are_seen_together(card, accepting.batch.options)
        self._questions = {
            normalise(path): question
            for path, question in said.questions.items()
            if len(path) <= LONGEST_PATH
        }
        #: Paths with a question of their own under which nothing came so far, in order.
        self.unused_questions = dict.fromkeys(self._questions)
        #: What zips had in them that became no job.
        self.passed_over = PassedOver()

    def take(self, files: Iterable[FileStorage]) -> Iterator[FileOutcome]:
        """Take the files of a form, each an image, or a zip with all that is in it.

        What was fetched from an address is an image, whatever it is called. Raises what `wanted_jobs` raises,
        before anything is taken.
        """
        named = [(sent_path(sent), sent) for sent in files]
        loose = [(path, place) for place, (path, sent) in enumerate(named) if not _is_packed(path, sent)]
        jobs = wanted_jobs(loose, self._said.jobs, self._said.group_by, self._limits)
        begin = {min(job.files): job for job in jobs}
        order = [place for place in range(len(named)) if place in begin or _is_packed(*named[place])]
        for is_loose, places in groupby(order, begin.__contains__):
            if is_loose:
                some = (begin[place] for place in places)
                yield from self._take_all(self._checked(_came(job, named)) for job in some)
            else:
                for place in places:
                    yield from self._take_zip(*named[place])

    def may_be_one(self, kinds: Sequence[Kind]) -> bool:
        """True unless a job about images of these kinds would see more pages at once than it may."""
        pages = sum(kind.pages or 1 for kind in kinds)
        return not self.sees_together or pages <= self._limits.max_images_per_job

    def take_kept(self, kept: Sequence[tuple[Kept, Sequence[Kind]]]) -> list[list[FileOutcome]]:
        """Take jobs about images of these kinds, which are in the blob store, and claimed.

        Raises BadInput (`invalid_field`) for a page that there is not.
        """
        return self._accept([self._jobs_of_kept(job, kinds) for job, kinds in kept])

    def _take_all(self, files: Iterable[Checked], source: Source = ITSELF) -> Iterator[FileOutcome]:
        """Take files of one `source`, a zip or none, as they are looked at, some at a time."""
        some: list[Checked] = []
        jobs = 0
        for file in files:
            some.append(file)
            jobs += file.most_jobs
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
            folder, by, top = self._services.spool_folder, self._said.group_by, path[: -len(".zip")]
            is_row_taken = False
            for some in entry_groups(part, limits, folder, self.passed_over, self._check, by, top):
                for outcome in self._take_all(map(self._checked, some), source):
                    is_row_taken |= outcome.is_new and outcome.state == "accepted"
                    yield outcome
            if not is_row_taken:
                yield from self._row_of_zip(source)
        except BadInput as error:
            yield from self._take([Checked(path, error=error, digest=part.sha256)])

    def _row_of_zip(self, zipped: Source) -> list[FileOutcome]:
        """The zip's own row, which an earlier request has left: it was refused, and is still in the batch."""
        row = self._services.feed.refused_file(self._accepting.batch.id, *zipped)
        self._accepting.keep([row] if row else [])
        return [_outcome(row, row, is_new=False)] if row else []

    def _checked(self, job: Wanted[Entry]) -> Checked:
        """Look at a job's files; where one is refused, all are: it never is about fewer than were sent."""
        try:
            check_images(job.name, len(job.files), self._limits)
            question = self._question_of(job.name)
            images = self._images(job.files)
            if self.sees_together:
                check_pages(job.name, sum(image.pages or 1 for image in images), self._limits)
        except BadInput as error:
            return Checked(job.name, error=error, digest=_digest(job.files))
        return Checked(job.name, question, images, job.names)

    def _question_of(self, path: str) -> str:
        self._check_path(path)
        own = self._questions and self._questions.get(normalise(path))
        return check_question(self._card, own or self._accepting.batch.question, self._limits)

    def _check_path(self, path: str) -> None:
        limit = self._limits.max_path_chars
        if len(path) > limit:
            raise BadInput(
                f"The path has {len(path):,} characters; the limit is {limit:,} (EVA01_MAX_PATH_CHARS).",
                code=Code.PATH_TOO_LONG,
            )

    def _images(self, entries: Sequence[Entry]) -> tuple[Image, ...]:
        """A job's images; raises BadInput, which names one where there are several."""
        if len(entries) == 1:
            return (self._image(entries[0]),)
        paths = [entry.path for entry in entries]
        images = []
        for place, entry in enumerate(entries):
            with about_image(place, paths):
                images.append(self._image(entry))
        return tuple(images)

    def _image(self, entry: Entry) -> Image:
        if entry.content is None:
            raise entry.error or not_an_image()
        self._check()
        self._check_path(entry.path)
        return checked_image(self._services, entry.content, self._accepting.batch.options.dpi, self._spend)

    def _take(self, files: Sequence[Checked], source: Source = ITSELF) -> list[FileOutcome]:
        """Take files of one `source`, a zip or none."""
        for file in files if self.unused_questions else ():
            self.unused_questions.pop(normalise(file.path), None)
        with kept_images(self._services, [*chain(*(file.images for file in files))]):
            taken = self._accept([self._jobs_of(file, source) for file in files], source)
        told = zip(files, taken, strict=True)
        count_refusal(*(file.error for file, (outcome, *_) in told if file.error and outcome.is_new))
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
        if not file.images:
            return [self._job_of_refused(file, source)]
        sha256s = tuple(image.sha256 for image in file.images)
        kinds = [Kind(image.media_type, image.pages) for image in file.images]
        return self._jobs_about(file.path, sha256s, kinds, files=file.names, question=file.question)

    def _jobs_of_kept(self, job: Kept, kinds: Sequence[Kind]) -> list[Job]:
        page = check_page(job.page, kinds[0].pages)
        fields = {"files": job.names} | ({"question": job.question} if job.question else {})
        if page is None:
            return self._jobs_about(job.path, job.images, kinds, **fields)
        called = page_path(file_path(job.path, page), page)
        return [self._job(called, **_of_images(job.images, kinds), page=page, **fields)]

    def _jobs_about(
        self, path: str, images: tuple[str, ...], kinds: Sequence[Kind], **fields: object
    ) -> list[Job]:
        """A job for images; or one for each page of a single one, as is asked for or suits the model."""
        same = {**_of_images(images, kinds), **fields}
        pages, wanted = kinds[0].pages or 1, self._accepting.batch.options.pages
        is_one = wanted is Pages.TOGETHER if wanted else self._card.reads_pages
        if pages == 1 or is_one or len(images) > 1:
            whole = pages_counted([kind.pages for kind in kinds]) if self.sees_all_pages else None
            return [self._job(path, **same, counts_as=whole)]
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


def _came(job: Wanted[int], named: Sequence[tuple[str, FileStorage]]) -> Wanted[Entry]:
    """A job with its files as they came."""
    return Wanted(job.name, [_entry(*named[place]) for place in job.files], job.names)


def _entry(path: str, sent: FileStorage) -> Entry:
    part = cast(Part, sent.stream)
    try:
        check_sent(sent)
    except BadInput as error:
        return Entry(path, None, error, part.sha256)
    return Entry(path, part)


def _digest(files: Sequence[Entry]) -> str:
    """What the files of a refused job are known by: what its images would be, where they may be so many."""
    digests = (entry.content.sha256 if entry.content else entry.digest for entry in files)
    joined = ",".join(digests)
    return joined if len(files) <= MOST_IMAGES else new_sha256(joined.encode()).hexdigest()


def _of_images(images: tuple[str, ...], kinds: Sequence[Kind]) -> dict[str, object]:
    """A job says how many pages its file has where it is one."""
    pages = kinds[0].pages if len(images) == 1 else None
    return {"images": images, "media_types": tuple(kind.media_type for kind in kinds), "pages": pages}


def _outcome(asked: Job, job: Job, is_new: bool) -> FileOutcome:
    """What became of a file: its own refusal, though it may have been taken meanwhile."""
    return FileOutcome(
        file=job.file,
        files=[*job.files] or None,
        sent_as=job.sent_as,
        state="rejected" if asked.is_refused else "accepted",
        page=job.page,
        job_id=job.id,
        is_new=is_new,
        kept_question=kept_question(job, asked.question) if not asked.is_refused else None,
        error=asked.error,
    )
