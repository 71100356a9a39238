"""Files that are here already, told by their hashes: they become jobs of a batch without being sent."""

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain

from jobs.contract.models import Job
from jobs.contract.names import file_path
from jobs.contract.settings import Limits
from jobs.flow.accept import Accepting
from jobs.formats.images import FORMATS
from jobs.storage.image_uses import Kind
from web.access.caller import caller
from web.intake.asking import check_images
from web.intake.files import Intake, Kept, kept_question
from web.intake.grouping import named, names_in
from web.intake.names.paths import normalise
from web.intake.outcomes import FileOutcome, KnownFile, KnownJob
from web.services import Services

#: Formats whose files may have several pages.
_OF_PAGES = {FORMATS["TIFF"], FORMATS["PDF"]}
#: Jobs whose images are looked for at the same time: a bucket takes some time to answer for each.
_AT_A_TIME = 16


def asked_about(files: Sequence[KnownFile], jobs: Sequence[KnownJob], limits: Limits) -> list[Kept]:
    """The jobs that files make which are perhaps here; raises TooLarge (`too_many_images`)."""
    return [*map(_of_file, files), *(_of_job(job, limits) for job in jobs)]


def _of_file(file: KnownFile) -> Kept:
    return Kept(normalise(file.file), (file.sha256,), (), file.question.strip(), file.page)


def _of_job(job: KnownJob, limits: Limits) -> Kept:
    paths = [normalise(one.file) for one in job.files]
    path = named(job.file, paths)
    check_images(path, len(paths), limits)
    return Kept(path, tuple(one.sha256 for one in job.files), names_in(path, paths), job.question.strip())


def take_known(
    serving: Services, accepting: Accepting, intake: Intake, asked: Sequence[Kept]
) -> list[FileOutcome]:
    """Take those jobs that the batch has already, or all of whose images the caller's owners have sent.

    A path under which the batch has other images says nothing: the file is one of its own. Gives what became
    of each, in their order; `unknown` must be sent. Raises what stops the whole request: BadInput for a page
    that there is not, Conflict for a batch that takes no more files, Unavailable, redis.RedisError.
    """
    there = serving.feed.jobs_of_files(accepting.batch.id, [one.path for one in asked])
    present = [job if job and _is_whole(job, one) else None for one, job in zip(asked, there, strict=True)]
    accepting.keep([job for job in present if job])
    wanting = [one for one, job in zip(asked, present, strict=True) if not job]
    taken = _take_images(serving, intake, wanting, caller().owners)
    batch = accepting.batch
    told = (
        [_outcome(job, one.question or batch.question)] if job else next(taken)
        for one, job in zip(asked, present, strict=True)
    )
    return [*chain(*told)]


def _take_images(
    serving: Services, intake: Intake, asked: Sequence[Kept], owners: Collection[str | None]
) -> Iterator[list[FileOutcome]]:
    """What became of each of some jobs that the batch has not."""
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        for start in range(0, len(asked), _AT_A_TIME):
            yield from _take_some(serving, intake, asked[start : start + _AT_A_TIME], owners, threads)


def _take_some(
    serving: Services,
    intake: Intake,
    asked: Sequence[Kept],
    owners: Collection[str | None],
    threads: ThreadPoolExecutor,
) -> list[list[FileOutcome]]:
    longest = serving.limits.max_path_chars
    with serving.image_uses.using(*{image for one in asked for image in one.images}):
        kinds = threads.map(partial(_kinds, serving, owners, intake.sees_all_pages), asked)
        here = {
            place: (one, found)
            for place, (one, found) in enumerate(zip(asked, kinds, strict=True))
            if found and intake.may_be_one(found) and max(map(len, _names(one))) <= longest
        }
        taken = dict(zip(here, intake.take_kept(list(here.values())), strict=True))
    return [taken.get(place) or [_unknown(one)] for place, one in enumerate(asked)]


def _names(one: Kept) -> tuple[str, ...]:
    return file_path(one.path, one.page), *one.names


def _unknown(one: Kept) -> FileOutcome:
    return FileOutcome(file=one.path, files=[*one.names] or None, state="unknown")


def _outcome(job: Job, asked: str) -> FileOutcome:
    kept, files = kept_question(job, asked), [*job.files] or None
    return FileOutcome(
        file=job.file, files=files, state="accepted", page=job.page, job_id=job.id, kept_question=kept
    )


def _is_whole(job: Job, asked: Kept) -> bool:
    """True for the job of these very images and page, unless further pages of one may be missing."""
    is_only_page = job.page is None and (job.pages or 1) == 1 and asked.page == 1
    return job.images == asked.images and (job.page == asked.page or is_only_page)


def _kinds(
    serving: Services, owners: Collection[str | None], is_counted: bool, asked: Kept
) -> list[Kind] | None:
    """What images are, which are claimed; None unless jobs of `owners` have all, and the blob store, too.

    With `is_counted` the pages of each have to be known, even of several.
    """
    kinds = []
    for image in asked.images:
        kind = serving.image_uses.kind(image, owners)
        if kind is None or not serving.blobs.has_image(image):
            return None
        kinds.append(kind)
    # Of a TIFF that version 0.1.0 took, or of what came with others, nobody knows the pages: it is sent.
    uncounted = [kind for kind in kinds if kind.pages is None and kind.media_type in _OF_PAGES]
    return None if uncounted and (is_counted or len(kinds) == 1) else kinds
