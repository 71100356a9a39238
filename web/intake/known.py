"""Files that are here already, told by their hashes: they become jobs of a batch without being sent."""

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain

from jobs.contract.models import Job
from jobs.contract.names import file_path
from jobs.flow.accept import Accepting
from jobs.formats.images import FORMATS
from jobs.storage.image_uses import Kind
from web.access.caller import caller
from web.intake.files import Intake, kept_question
from web.intake.names.paths import normalise
from web.intake.outcomes import FileOutcome, KnownFile
from web.services import Services

#: Images that are looked for at the same time: a bucket takes some time to answer for each.
_AT_A_TIME = 16


def take_known(
    serving: Services, accepting: Accepting, intake: Intake, files: Sequence[KnownFile]
) -> list[FileOutcome]:
    """Take those of `files` that the batch has already, or whose image the caller's owners have sent.

    A path under which the batch has another image says nothing: the file is one of its own. Gives what became
    of each, in their order; `unknown` must be sent. Raises what stops the whole request: BadInput for a page
    that there is not, Conflict for a batch that takes no more files, Unavailable, redis.RedisError.
    """
    there = serving.feed.jobs_of_files(accepting.batch.id, [normalise(file.file) for file in files])
    present = [job if job and _is_whole(job, file) else None for file, job in zip(files, there, strict=True)]
    accepting.keep([job for job in present if job])
    wanting = [file for file, job in zip(files, present, strict=True) if not job]
    taken = _take_images(serving, intake, wanting, caller().owners)
    batch = accepting.batch
    told = (
        [_outcome(job, file.question.strip() or batch.question)] if job else next(taken)
        for file, job in zip(files, present, strict=True)
    )
    return [*chain(*told)]


def _take_images(
    serving: Services, intake: Intake, files: Sequence[KnownFile], owners: Collection[str | None]
) -> Iterator[list[FileOutcome]]:
    """What became of each of some files that the batch has not."""
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        for start in range(0, len(files), _AT_A_TIME):
            yield from _take_some(serving, intake, files[start : start + _AT_A_TIME], owners, threads)


def _take_some(
    serving: Services,
    intake: Intake,
    files: Sequence[KnownFile],
    owners: Collection[str | None],
    threads: ThreadPoolExecutor,
) -> list[list[FileOutcome]]:
    longest = serving.limits.max_path_chars
    paths = [normalise(file.file) for file in files]
    with serving.image_uses.using(*{file.sha256 for file in files}):
        kinds = threads.map(partial(_kind, serving, owners), files)
        here = {
            place: (file, kind)
            for place, (path, file, kind) in enumerate(zip(paths, files, kinds, strict=True))
            if kind and len(file_path(path, file.page)) <= longest
        }
        taken = dict(zip(here, intake.take_kept(list(here.values())), strict=True))
    return [taken.get(place) or [FileOutcome(file=path, state="unknown")] for place, path in enumerate(paths)]


def _outcome(job: Job, asked: str) -> FileOutcome:
    kept = kept_question(job, asked)
    return FileOutcome(file=job.file, state="accepted", page=job.page, job_id=job.id, kept_question=kept)


def _is_whole(job: Job, file: KnownFile) -> bool:
    """True for the job of this very image and page, unless further pages of it may be missing."""
    is_only_page = job.page is None and (job.pages or 1) == 1 and file.page == 1
    return job.images == (file.sha256,) and (job.page == file.page or is_only_page)


def _kind(serving: Services, owners: Collection[str | None], file: KnownFile) -> Kind | None:
    """What an image that is claimed is, when a job of one of `owners` has it and the blob store, too."""
    kind = serving.image_uses.kind(file.sha256, owners)
    if kind is None or (kind.pages is None and kind.media_type == FORMATS["TIFF"]):
        # Of a TIFF that version 0.1.0 took nobody has counted the pages: it is sent again.
        return None
    return kind if serving.blobs.has_image(file.sha256) else None
