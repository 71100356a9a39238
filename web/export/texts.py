"""Answers as a zip of text files, each named after its image, sent while it is packed.

a/b.jpg     ──► a/b.jpg.txt
no answer   ──► a line of errors.csv
"""

import io
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

from jobs.contract.models import JobState, utc_now
from web.export.lines import Row, row
from web.export.names import FreeNames

_ERRORS = "errors.csv"
_ERROR_COLUMNS = ("file", "state", "error_code", "error_message", "id")
#: Bytes of the list of errors that are kept in memory; more of them go to a file.
_IN_MEMORY_BYTES = 1024 * 1024
#: Bytes packed before they are sent.
_CHUNK_BYTES = 64 * 1024
#: Permissions of an unpacked file: everybody reads, its owner writes.
_MODE = 0o100644 << 16


def text_zip(jobs: Iterable[Row], spool_folder: Path) -> Iterator[bytes]:
    """A zip with a UTF-8 text file for each answer, and `errors.csv` for the jobs that have none.

    Paths are kept, except for characters that file names cannot have; a name that is taken gets a number.
    """
    outlet = _Outlet()
    names = FreeNames(_ERRORS)
    with (
        zipfile.ZipFile(cast(IO[bytes], outlet), "w") as archive,
        tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES, mode="w+b", dir=str(spool_folder)) as errors,
    ):
        for job in jobs:
            if job["state"] == JobState.SUCCEEDED and job["answer"] is not None:
                at = datetime.fromisoformat(job["finished_at"] or job["created_at"])
                entry = _entry(names.take(job["file"], ".txt"), at.astimezone(UTC))
                archive.writestr(entry, job["answer"].encode("utf-8", "replace"))
            else:
                errors.write(_error_row(job).encode("utf-8", "replace"))
            yield from outlet.take(_CHUNK_BYTES)
        if errors.tell():
            yield from _pack_errors(archive, errors, outlet)
    yield from outlet.take(1)


def _pack_errors(
    archive: zipfile.ZipFile, errors: "tempfile.SpooledTemporaryFile[bytes]", outlet: "_Outlet"
) -> Iterator[bytes]:
    errors.seek(0)
    with archive.open(_entry(_ERRORS, utc_now()), "w", force_zip64=True) as entry:
        entry.write(row(_ERROR_COLUMNS).encode())
        while chunk := errors.read(_CHUNK_BYTES):
            entry.write(chunk)
            yield from outlet.take(_CHUNK_BYTES)


def _entry(name: str, at: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, at.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = _MODE
    return entry


def _error_row(job: Row) -> str:
    error = job["error"] or {}
    return row((job["file"], job["state"], error.get("code"), error.get("message"), job["id"]))


class _Outlet(io.RawIOBase):
    """A write-only buffer for ZipFile, emptied while it is written, so that the whole zip is never kept."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Append."""
        self._written += data
        return len(data)

    def take(self, least_bytes: int) -> Iterator[bytes]:
        """What was written since the last time, once it is `least_bytes` or more."""
        if len(self._written) >= least_bytes:
            yield bytes(self._written)
            self._written.clear()
