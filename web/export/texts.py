"""Answers as a zip of text files, each named after its image, sent while it is packed.

a/b.jpg     ──► a/b.jpg.txt
no answer   ──► a line of errors.csv
cut short   ──► a.jpg.txt, and a line of cut_short.csv
"""

import hashlib
import io
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

from jobs.contract.models import FinishReason, JobState, utc_now
from web.export.lines import Row, row

_ERRORS, _CUT = "errors.csv", "cut_short.csv"
_ERROR_COLUMNS = ("file", "state", "error_code", "error_message", "id")
_CUT_COLUMNS = ("file", "output_tokens", "id")
#: Bytes of each list that are kept in memory; more of them go to a file.
_IN_MEMORY_BYTES = 1024 * 1024
#: Bytes packed before they are sent.
_CHUNK_BYTES = 64 * 1024
#: Characters that some file system forbids in names.
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*]+')
#: Bytes of one part of a path: file systems allow 255, and `.txt` and a number follow.
_PART_BYTES = 200
#: Permissions of an unpacked file: everybody reads, its owner writes.
_MODE = 0o100644 << 16


def text_zip(jobs: Iterable[Row], spool_folder: Path) -> Iterator[bytes]:
    """A zip with a UTF-8 text file for each answer, and `errors.csv` for the jobs that have none.

    `cut_short.csv` lists the answers that are cut at the longest that was allowed, if there are any.
    Paths are kept, except for characters that file names cannot have; a name that is taken gets a number.
    """
    outlet = _Outlet()
    taken: set[str] = set()
    with (
        zipfile.ZipFile(cast(IO[bytes], outlet), "w") as archive,
        _spooled(spool_folder) as errors,
        _spooled(spool_folder) as cut,
    ):
        for job in jobs:
            if job["state"] == JobState.SUCCEEDED and job["answer"] is not None:
                at = datetime.fromisoformat(job["finished_at"] or job["created_at"])
                entry = _entry(_free_name(job["file"], taken), at.astimezone(UTC))
                archive.writestr(entry, job["answer"].encode("utf-8", "replace"))
                if job["finish_reason"] == FinishReason.LENGTH:
                    cut.write(_cut_row(job).encode("utf-8", "replace"))
            else:
                errors.write(_error_row(job).encode("utf-8", "replace"))
            yield from outlet.take(_CHUNK_BYTES)
        for name, columns, lines in ((_ERRORS, _ERROR_COLUMNS, errors), (_CUT, _CUT_COLUMNS, cut)):
            if lines.tell():
                lines.seek(0)
                with archive.open(_entry(name, utc_now()), "w", force_zip64=True) as packed:
                    packed.write(row(columns).encode())
                    while chunk := lines.read(_CHUNK_BYTES):
                        packed.write(chunk)
                        yield from outlet.take(_CHUNK_BYTES)
    yield from outlet.take(1)


def _spooled(folder: Path) -> "tempfile.SpooledTemporaryFile[bytes]":
    return tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES, mode="w+b", dir=str(folder))


def _entry(name: str, at: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, at.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = _MODE
    return entry


def _error_row(job: Row) -> str:
    error = job["error"] or {}
    return row((job["file"], job["state"], error.get("code"), error.get("message"), job["id"]))


def _cut_row(job: Row) -> str:
    return row((job["file"], (job["usage"] or {}).get("output_tokens"), job["id"]))


def _free_name(file: str, taken: set[str]) -> str:
    """A name that no other entry has, not even one that differs only in case."""
    path, number = _harmless(file), 1
    name = f"{path}.txt"
    while name.casefold() in taken:
        number += 1
        name = f"{path} ({number}).txt"
    taken.add(name.casefold())
    return name


def _harmless(file: str) -> str:
    """The path without parts that leave its folder, or that cannot be names of files."""
    parts = [_part(part) for part in file.replace("\\", "/").split("/")]
    return "/".join(part for part in parts if part) or "unnamed"


def _part(part: str) -> str:
    name = _FORBIDDEN.sub("_", part).strip(" ").rstrip(".")
    if len(name.encode("utf-8", "replace")) <= _PART_BYTES:
        return name
    digest = hashlib.sha256(part.encode("utf-8", "replace")).hexdigest()[:16]
    return f"{name.encode('utf-8', 'replace')[: _PART_BYTES - 17].decode('utf-8', 'ignore')}…{digest}"


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
