"""The journal: what was accepted, and what came of it, in the blob store. Redis can be rebuilt from it.

    batches/<batch>/batch.json              a batch, written anew at each change of its own
    batches/<batch>/manifest/<part>.jsonl   the jobs of one request, written before its response
    batches/<batch>/answers/<job>.json      a finished job
    batches/<batch>/logprobs/<job>.json     how likely each token of its answer was, where that was asked for
    jobs/<job>.json  answers/<job>.json  logprobs/<job>.json   the same for a job without a batch
    shares/<digest>.json                    a link to a batch
    deleted/<day>/<batch>                   that a batch was deleted, for a Redis that comes back older

Parts and jobs are named by ids, so they sort by time. Records are written whole and read leniently: fields
that a newer version has written are kept, and what cannot be read is said and passed over.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import partial
from pathlib import PurePosixPath
from typing import TypeVar

from pydantic import BaseModel
from pydantic_core import from_json, to_json

from jobs.contract import names
from jobs.contract.access.shares import FLEETING_SHARE, Share
from jobs.contract.models import FLEETING_BATCH, Batch, Fleeting, Job, new_id
from jobs.contract.saying.logprobs import SaidToken
from jobs.storage.files.blobs import BlobStore
from jobs.storage.store.records import upgraded
from jobs.storage.unreadable import readable

_FLEETING_JOB = set(Fleeting.model_fields)
_Record = TypeVar("_Record", bound=BaseModel)


class Journal:
    """Notes batches, jobs, answers and links, and reads them again.

    A job without a batch has None for its batch. Every method raises Unavailable when the blob store is away;
    noting something twice changes nothing.
    """

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        #: Records that were read and could not be.
        self.passed_over = 0

    # Noting

    def note_batch(self, batch: Batch) -> None:
        """Keep a batch as it is now."""
        self._blobs.put(names.batch_path(batch.id), _as_json(batch, FLEETING_BATCH))

    def note_jobs(self, batch_id: str | None, jobs: Iterable[Job]) -> None:
        """Keep the jobs of one request, in the order they came."""
        if batch_id is None:
            for job in jobs:
                self._blobs.put(names.manifest_path(None, job.id), _as_json(job, _FLEETING_JOB))
        else:
            manifest = self.manifest(batch_id)
            manifest.add(jobs)
            manifest.put()

    def manifest(self, batch_id: str) -> "Manifest":
        """What one request brings into a batch, to be kept at its end."""
        return Manifest(self._blobs, batch_id)

    def note_result(self, job: Job) -> None:
        """Keep a finished job; one that runs again already is left out."""
        if job.state.is_finished:
            self._blobs.put(names.answer_path(job.batch_id, job.id), _as_json(job, _FLEETING_JOB))

    def note_logprobs(self, job: Job, answer: str, content: bytes) -> None:
        """Keep how likely each token of a job's answer was, as JSON.

        It is noted before the answer: a job that has one and asked for this has this as well.
        """
        kept = b'{"answer":%b,"content":%b}' % (to_json(answer), content)
        self._blobs.put(names.logprobs_path(job.batch_id, job.id), kept)

    def drop_results(self, jobs: Iterable[Job]) -> None:
        """Forget how these jobs ended, because they run again."""
        self._blobs.delete(names.answer_path(job.batch_id, job.id) for job in jobs)

    def note_share(self, share: Share) -> None:
        """Keep a link as it is now."""
        self._blobs.put(names.share_path(share.digest), _as_json(share, FLEETING_SHARE))

    def forget_shares(self, digests: Iterable[str]) -> None:
        """Delete all that is noted of links."""
        self._blobs.delete(map(names.share_path, digests))

    def note_deleted(self, batch_id: str, day: date) -> None:
        """Keep that a batch is deleted, which happened on `day`."""
        self._blobs.put(names.deleted_path(day.isoformat(), batch_id), b"")

    def forget_deleted(self, before: date) -> None:
        """Delete what is noted of batches that were deleted on earlier days."""
        for folder in self._blobs.list_folders(names.DELETED_FOLDER):
            if PurePosixPath(folder).name < before.isoformat():
                self._blobs.delete(self._blobs.list(folder))

    def unlist_batches(self, batch_ids: Iterable[str]) -> None:
        """Delete the records of batches: without it none is restored, whatever else is noted of it."""
        self._blobs.delete(map(names.batch_path, batch_ids))

    def forget_batch(self, batch_id: str) -> None:
        """Delete all that is noted of a batch."""
        self.unlist_batches([batch_id])
        self._blobs.delete(self._blobs.list(names.batch_folder(batch_id)))

    def forget_jobs(self, job_ids: Iterable[str]) -> None:
        """Delete all that is noted of jobs without a batch."""
        places = (names.manifest_path, names.answer_path, names.logprobs_path)
        self._blobs.delete(place(None, job_id) for job_id in job_ids for place in places)

    # Reading

    def batches(self, since: datetime | None = None) -> Iterator[Batch]:
        """All batches, oldest first; with `since`, those that could grow after that."""
        folders = sorted(self._blobs.list_folders(names.BATCHES_FOLDER))
        paths = (names.batch_path(PurePosixPath(folder).name) for folder in folders)
        for path, text in self._blobs.get_many(paths):
            batch = self._parsed(Batch, path, text)
            if batch and (since is None or _could_grow(batch, since)):
                yield batch

    def has_batch(self, batch_id: str) -> bool:
        """True when a batch's record is noted: unless it is deleted, also where Redis does not know it."""
        return self._blobs.has(names.batch_path(batch_id))

    def singles(self) -> Iterator[str]:
        """The ids of the accepted jobs without a batch, in no order."""
        for path in self._blobs.list(names.manifest_folder(None)):
            yield PurePosixPath(path).stem

    def has_single(self, job_id: str) -> bool:
        """True when a job without a batch is noted as accepted."""
        return self._blobs.has(names.manifest_path(None, job_id))

    def deleted(self) -> Iterator[str]:
        """The ids of deleted batches, in the order of the days on which they were."""
        for path in self._blobs.list(names.DELETED_FOLDER):
            yield PurePosixPath(path).name

    def jobs(self, batch_id: str | None, since: datetime | None = None) -> Iterator[Job]:
        """The accepted jobs of a batch in the order they came; with `since`, those of requests after that.

        A job whose file was sent again is there again, as it was then.
        """
        folder = names.manifest_folder(batch_id)
        after = f"{folder}/{earliest_id(since)}" if since else None
        for path, text in self._blobs.get_many(sorted(self._blobs.list(folder, after))):
            for line in text.splitlines():
                if job := self._parsed(Job, path, line):
                    yield job

    def answered(self, batch_id: str | None) -> Iterator[str]:
        """The ids of the finished jobs, in no order."""
        for path in self._blobs.list(names.answers_folder(batch_id)):
            yield PurePosixPath(path).stem

    def results(self, batch_id: str | None, job_ids: Iterable[str]) -> Iterator[Job]:
        """Finished jobs, in the order of `job_ids`; those that are not noted as finished are left out."""
        for path, text in self._blobs.get_many(names.answer_path(batch_id, job_id) for job_id in job_ids):
            if job := self._parsed(Job, path, text):
                yield job

    def logprobs(self, batch_id: str | None, answers: Mapping[str, str | None]) -> dict[str, list[SaidToken]]:
        """How likely each token of jobs' answers was, by their ids, as far as it is noted.

        `answers` are what the jobs say now, if they do: what is noted of another, which a worker gave that
        was too late, is of no job.
        """
        said = {
            names.logprobs_path(batch_id, job_id): (job_id, answer)
            for job_id, answer in answers.items()
            if answer
        }
        found: dict[str, list[SaidToken]] = {}
        for path, text in self._blobs.get_many(said):
            job_id, answer = said[path]
            content = readable("journal_logprobs", path, partial(_content_of, text, answer))
            if content is not None:
                found[job_id] = content
        return found

    def shares(self) -> Iterator[Share]:
        """All links, in no order."""
        for path, text in self._blobs.get_many(self._blobs.list(names.SHARES_FOLDER)):
            if share := self._parsed(Share, path, text):
                yield share

    def _parsed(self, kind: type[_Record], path: str, text: bytes) -> _Record | None:
        def read() -> _Record:
            fields = json.loads(text)
            return kind.model_validate(upgraded(fields) if kind is Job else fields)

        record = readable(f"journal_{kind.__name__.lower()}", path, read)
        self.passed_over += record is None
        return record


class Manifest:
    """The jobs of one request in the order they came, as lines: these take far less memory than the jobs."""

    def __init__(self, blobs: BlobStore, batch_id: str) -> None:
        self._blobs, self._batch_id = blobs, batch_id
        self._lines: list[bytes] = []

    def add(self, jobs: Iterable[Job]) -> None:
        """Remember jobs as they are now."""
        self._lines += [_as_json(job, _FLEETING_JOB) for job in jobs]

    def put(self) -> None:
        """Keep them, if there are any."""
        if self._lines:
            self._blobs.put(names.manifest_path(self._batch_id, new_id()), b"\n".join(self._lines))


def earliest_id(since: datetime) -> str:
    """What sorts before every id that was made after `since`."""
    return f"{int(since.timestamp() * 1000):012x}"


def _could_grow(batch: Batch, since: datetime) -> bool:
    changes = [batch.closed_at or since, *(mark.at for mark in batch.marks)]
    return max(changes) >= since


def _content_of(text: bytes, answer: str) -> list[SaidToken] | None:
    """What is noted of an answer's tokens; None when it is of another answer.

    Raises ValueError, LookupError or TypeError for what cannot be read.
    """
    kept = from_json(text)
    if not isinstance(kept["content"], list):
        raise TypeError("the content is no list")
    return kept["content"] if kept["answer"] == answer else None


def _as_json(record: BaseModel, fleeting: set[str]) -> bytes:
    return record.model_dump_json(exclude=fleeting, exclude_none=True).encode()
