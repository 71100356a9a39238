"""Files of requests, one a line, that were sent to be read later; they belong to whoever sent them.

files/<owner>/<id>.json    what is known of one; written last, deleted first
files/<owner>/<id>.jsonl   itself
"""

import re
from collections.abc import Collection, Iterator
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import IO

from jobs.contract import names
from jobs.contract.asking.order import SentFile
from jobs.contract.codes import Code
from jobs.contract.errors import NotFound
from jobs.contract.models import ID_PATTERN, made_at, utc_now
from jobs.storage.files.blobs import BlobStore
from jobs.storage.unreadable import readable

#: Bytes that are read at a time.
PIECE_BYTES = 1024 * 1024


class SentFiles:
    """Keeps such files; every method raises Unavailable when the blob store is away."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def put(self, sent: SentFile, content: IO[bytes]) -> None:
        """Keep a file."""
        self._blobs.put_file(names.sent_content_path(sent.owner, sent.id), content)
        self._blobs.put(names.sent_path(sent.owner, sent.id), sent.model_dump_json().encode())

    def get(self, file_id: str, owners: Collection[str | None]) -> SentFile:
        """What is known of a file of one of `owners`.

        Raises NotFound, also for one whose time is over.
        """
        if re.fullmatch(ID_PATTERN, file_id):
            for sent in self._read_there(names.sent_path(owner, file_id) for owner in owners):
                return sent
        raise NotFound(f"There is no file file-{file_id}.", code=Code.FILE_NOT_FOUND)

    def of(self, owners: Collection[str | None]) -> list[SentFile]:
        """All files of `owners` whose time is not over, the latest first."""
        folders = map(names.sent_folder, owners)
        paths = [path for folder in folders for path in self._blobs.list(folder) if path.endswith(".json")]
        return sorted(self._read_there(paths), key=lambda sent: sent.id, reverse=True)

    def count(self, owner: str | None) -> int:
        """How many files an owner has."""
        return sum(path.endswith(".json") for path in self._blobs.list(names.sent_folder(owner)))

    def piece(self, sent: SentFile, start: int) -> bytes:
        """Up to PIECE_BYTES of a file from a place on; nothing at its end.

        Raises NotFound.
        """
        end = min(start + PIECE_BYTES, sent.size_bytes)
        path = names.sent_content_path(sent.owner, sent.id)
        return self._blobs.piece(path, start, end) if start < end else b""

    def give(self, sent: SentFile, owner: str) -> None:
        """Make a file another owner's.

        Raises NotFound.
        """
        given = sent.model_copy(update={"owner": owner})
        self._blobs.copy(
            names.sent_content_path(sent.owner, sent.id), names.sent_content_path(owner, sent.id)
        )
        self._blobs.put(names.sent_path(owner, sent.id), given.model_dump_json().encode())
        self.delete(sent)

    def delete(self, sent: SentFile) -> None:
        """Delete a file; one that is not there is no error."""
        self._delete(sent.owner, sent.id)

    def forget(self, *, sent_before: datetime, over_before: datetime, but: Collection[str]) -> None:
        """Delete all files that came before a time, or whose own was over before another, `but` those ids."""
        paths = [*map(PurePosixPath, self._blobs.list(names.SENT_FOLDER))]
        noted = self._read(str(path) for path in paths if path.suffix == ".json")
        over = {sent.id for sent in noted if sent.expires_at and sent.expires_at < over_before}
        for path in paths:
            came_at = made_at(path.stem)
            is_over = path.stem in over or (came_at is not None and came_at < sent_before)
            if is_over and path.stem not in but:
                self._delete(None if path.parent.name == "-" else path.parent.name, path.stem)

    def _delete(self, owner: str | None, file_id: str) -> None:
        self._blobs.delete([names.sent_path(owner, file_id)])
        self._blobs.delete([names.sent_content_path(owner, file_id)])

    def _read(self, paths: Collection[str] | Iterator[str]) -> Iterator[SentFile]:
        for path, text in self._blobs.get_many(paths):
            sent = readable("sent_file", path, partial(SentFile.model_validate_json, text))
            if sent:
                yield sent

    def _read_there(self, paths: Collection[str] | Iterator[str]) -> Iterator[SentFile]:
        now = utc_now()
        return (sent for sent in self._read(paths) if sent.expires_at is None or now < sent.expires_at)
