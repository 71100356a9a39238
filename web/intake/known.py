"""Files that are here already, told by their hashes: they become jobs of a batch without being sent."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from jobs.flow.accept import Accepting
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

    A path under which the batch has another image says nothing: the file is one of its own. Gives what became
    of each, in their order; `unknown` must be sent. Raises what stops the whole request: Conflict for a batch
    that takes no more files, Unavailable, redis.RedisError.
    """
    there = serving.feed.jobs_of_files(accepting.batch.id, [normalise(file.file) for file in files])
    present = [
        job if job and job.images == (file.sha256,) and job.page == file.page else None
        for file, job in zip(files, there, strict=True)
    ]
    accepting.keep([job for job in present if job])
    wanting = [file for file, job in zip(files, present, strict=True) if not job]
    taken = _take_images(serving, intake, wanting)
    return [
        FileOutcome(file=job.file, state="accepted", job_id=job.id) if job else next(taken) for job in present
    ]


def _take_images(serving: Services, intake: Intake, files: Sequence[KnownFile]) -> Iterator[FileOutcome]:
    """What became of each of some files that the batch has not."""
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        for start in range(0, len(files), _AT_A_TIME):
            yield from _take_some(serving, intake, files[start : start + _AT_A_TIME], threads)


def _take_some(
    serving: Services, intake: Intake, files: Sequence[KnownFile], threads: ThreadPoolExecutor
) -> list[FileOutcome]:
    longest = serving.limits.max_path_chars
    paths = [normalise(file.file) for file in files]
    with serving.image_uses.using(*{file.sha256 for file in files}):
        kinds = threads.map(partial(_media_type, serving), files)
        here = {
            place: (file, kind)
            for place, (path, file, kind) in enumerate(zip(paths, files, kinds, strict=True))
            if kind and len(path) <= longest
        }
        taken = dict(zip(here, intake.take_kept(list(here.values())), strict=True))
    return [taken.get(place) or FileOutcome(file=path, state="unknown") for place, path in enumerate(paths)]


def _media_type(serving: Services, file: KnownFile) -> str | None:
    """What an image that is claimed is, when a job has it and the blob store, too."""
    media_type = serving.image_uses.media_type(file.sha256)
    return media_type if media_type and serving.blobs.has_image(file.sha256) else None
