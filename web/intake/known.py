"""Files that are here already, told by their hashes: they become jobs of a batch without being sent."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain

from jobs.contract.images import FORMATS
from jobs.contract.models import Job
from jobs.contract.pages import file_path
from jobs.flow.accept import Accepting
from jobs.storage.image_uses import Kind
from web.intake.files import Intake
from web.intake.outcomes import FileOutcome, KnownFile
from web.intake.paths import normalise
from web.services import Services

#: Images that are looked for at the same time: a bucket takes some time to answer for each.
_AT_A_TIME = 16


def take_known(
    serving: Services, accepting: Accepting, intake: Intake, files: Sequence[KnownFile]
) -> list[FileOutcome]:
    """Take those of `files` that the batch has already, or whose image is in the blob store.

    Gives what became of each, in their order; `unknown` must be sent. Raises what stops the whole request:
    Conflict for a batch that takes no more files, Unavailable, redis.RedisError.
    """
    present = serving.feed.jobs_of_files(accepting.batch.id, [normalise(file.file) for file in files])
    accepting.keep(list(present.values()))
    outcomes: list[FileOutcome] = []
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        for start in range(0, len(files), _AT_A_TIME):
            some = files[start : start + _AT_A_TIME]
            outcomes += _take_some(serving, intake, some, present, threads)
    return outcomes


def _take_some(
    serving: Services,
    intake: Intake,
    files: Sequence[KnownFile],
    present: dict[str, Job],
    threads: ThreadPoolExecutor,
) -> list[FileOutcome]:
    wanting = [file for file in files if not _is_whole(present.get(normalise(file.file)), file.page)]
    taken = _take_images(serving, intake, wanting, threads) if wanting else {}
    return [*chain(*(taken.get(file.file) or [_outcome(normalise(file.file), present)] for file in files))]


def _take_images(
    serving: Services, intake: Intake, files: Sequence[KnownFile], threads: ThreadPoolExecutor
) -> dict[str, list[FileOutcome]]:
    """What became of those whose image is here, by the name under which they are asked for."""
    longest = serving.limits.max_path_chars
    with serving.image_uses.using(*{file.sha256 for file in files}):
        kinds = threads.map(partial(_kind, serving), files)
        here = {
            file.file: (file, kind)
            for file, kind in zip(files, kinds, strict=True)
            if kind and len(file_path(normalise(file.file), file.page)) <= longest
        }
        return dict(zip(here, intake.take_kept(list(here.values())), strict=True))


def _outcome(path: str, present: dict[str, Job]) -> FileOutcome:
    job = present.get(path)
    if job is None or job.is_refused:
        return FileOutcome(file=path, state="unknown")
    return FileOutcome(file=job.file, state="accepted", page=job.page, job_id=job.id)


def _is_whole(job: Job | None, page: int | None) -> bool:
    """False for a refused file, whose place a good image takes, and for one whose pages may be missing."""
    return job is not None and not job.is_refused and job.page in (None, page)


def _kind(serving: Services, file: KnownFile) -> Kind | None:
    """What an image that is claimed is, when a job has it and the blob store, too."""
    kind = serving.image_uses.kind(file.sha256)
    if kind is None or (kind.pages is None and kind.media_type == FORMATS["TIFF"]):
        # Of a TIFF that version 0.1.0 took nobody has counted the pages: it is sent again.
        return None
    return kind if serving.blobs.has_image(file.sha256) else None
