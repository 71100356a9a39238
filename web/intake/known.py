"""Files that are here already, told by their hashes: they become jobs of a batch without being sent."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

from jobs.contract.models import Batch, Job
from web.intake.files import Intake
from web.intake.outcomes import FileOutcome, KnownFile
from web.intake.paths import normalise
from web.services import Services

#: Images that are looked for at the same time: a bucket takes some time to answer for each.
_AT_A_TIME = 16


def take_known(
    serving: Services, batch: Batch, intake: Intake, files: Sequence[KnownFile]
) -> list[FileOutcome]:
    """Take those of `files` that the batch has already, or whose image is in the blob store.

    Gives what became of each, in their order; `unknown` must be sent. Raises what stops the whole request:
    Conflict for a batch that takes no more files, Unavailable, redis.RedisError.
    """
    present = serving.feed.jobs_of_files(batch.id, [normalise(file.file) for file in files])
    intake.jobs += present.values()
    outcomes = []
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
    wanting = [file for file in files if not _has_image(present.get(normalise(file.file)))]
    with ExitStack() as claims:
        for sha256 in {file.sha256 for file in wanting}:
            claims.enter_context(serving.image_uses.using(sha256))
        kinds = threads.map(partial(_media_type, serving), wanting)
        taken = {
            file.file: _take(serving, intake, file, kind) for file, kind in zip(wanting, kinds, strict=True)
        }
    return [taken.get(file.file) or _accepted(present[normalise(file.file)]) for file in files]


def _take(serving: Services, intake: Intake, file: KnownFile, media_type: str | None) -> FileOutcome:
    path = normalise(file.file)
    if media_type is None or len(path) > serving.limits.max_path_chars:
        return FileOutcome(file=path, state="unknown")
    return intake.take_kept(path, file.sha256, media_type)


def _accepted(job: Job) -> FileOutcome:
    return FileOutcome(file=job.file, state="accepted", job_id=job.id)


def _has_image(job: Job | None) -> bool:
    """False also for a file that was refused: a good image takes its place."""
    return job is not None and job.image is not None


def _media_type(serving: Services, file: KnownFile) -> str | None:
    """What an image that is claimed is, when a job has it and the blob store, too."""
    media_type = serving.image_uses.media_type(file.sha256)
    return media_type if media_type and serving.blobs.has_image(file.sha256) else None
