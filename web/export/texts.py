"""Answers as a zip of text files, each named after its image, sent while it is packed.

a/b.jpg     ──► a/b.jpg.txt
no answer   ──► a line of errors.csv
cut short   ──► a.jpg.txt, or a line of errors.csv with what was said; and a line of cut_short.csv
"""

import io
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

from jobs.contract.models import FinishReason, JobState, utc_now
from web.export.entries import keep_entries_in
from web.export.lines import row
from web.export.names import FreeNames
from web.export.table import Row

_ERRORS, _CUT = "errors.csv", "cut_short.csv"
_ERROR_COLUMNS = ("file", "state", "error_code", "error_message", "id")
_CUT_COLUMNS = ("file", "output_tokens", "id")
#: Bytes of each spool that are kept in memory; more of them go to a file.
_IN_MEMORY_BYTES = 1024 * 1024
#: Bytes packed before they are sent.
_CHUNK_BYTES = 64 * 1024
#: Permissions of an unpacked file: everybody reads, its owner writes.
_MODE = 0o100644 << 16


def text_zip(jobs: Iterable[Row], spool_folder: Path) -> Iterator[bytes]:
    """A zip with a UTF-8 text file for each answer, and `errors.csv` for the jobs that have none.

    `cut_short.csv` lists the answers that are cut at the longest that was allowed, if there are any, those
    included that failed by that.
    Paths are kept, except for characters that file names cannot have; a name that is taken gets a number.
    What grows with the number of jobs goes to files in `spool_folder`, but for some bytes a name.
    """
    with (
        _spool(spool_folder) as errors,
        _spool(spool_folder) as cut,
        _spool(spool_folder) as entries,
        _spool(spool_folder) as packed,
    ):
        outlet = _Outlet(packed)
        with zipfile.ZipFile(cast(IO[bytes], outlet), "w") as archive:
            keep_entries_in(archive, entries)
            yield from _pack_answers(jobs, archive, errors, cut, outlet)
            yield from _pack_list(_ERRORS, _ERROR_COLUMNS, errors, archive, outlet)
            yield from _pack_list(_CUT, _CUT_COLUMNS, cut, archive, outlet)
        yield from outlet.take(1)


def _spool(folder: Path) -> AbstractContextManager[IO[bytes]]:
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES, dir=str(folder))  # noqa: SIM115 (for a `with`)
    return cast(AbstractContextManager[IO[bytes]], file)


def _pack_answers(
    jobs: Iterable[Row], archive: zipfile.ZipFile, errors: IO[bytes], cut: IO[bytes], outlet: "_Outlet"
) -> Iterator[bytes]:
    names = FreeNames(_ERRORS, _CUT)
    for job in jobs:
        if job["state"] == JobState.SUCCEEDED and job["answer"] is not None:
            at = datetime.fromisoformat(job["finished_at"] or job["created_at"])
            entry = _entry(names.take(job["file"], ".txt"), at.astimezone(UTC))
            archive.writestr(entry, job["answer"].encode("utf-8", "replace"))
        else:
            errors.write(_error_row(job).encode("utf-8", "replace"))
        if job["finish_reason"] == FinishReason.LENGTH:
            cut.write(_cut_row(job).encode("utf-8", "replace"))
        yield from outlet.take(_CHUNK_BYTES)


def _pack_list(
    name: str, columns: Sequence[str], lines: IO[bytes], archive: zipfile.ZipFile, outlet: "_Outlet"
) -> Iterator[bytes]:
    """Pack a list of jobs as CSV, unless it is empty."""
    if not lines.tell():
        return
    lines.seek(0)
    with archive.open(_entry(name, utc_now()), "w", force_zip64=True) as packed:
        packed.write(row(columns).encode())
        while chunk := lines.read(_CHUNK_BYTES):
            packed.write(chunk)
            yield from outlet.take(_CHUNK_BYTES)


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


class _Outlet(io.RawIOBase):
    """A write-only file for ZipFile, emptied while it is written, so that the whole zip is never kept."""

    def __init__(self, spool: IO[bytes]) -> None:
        self._spool = spool

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Append."""
        return self._spool.write(data)

    def take(self, least_bytes: int) -> Iterator[bytes]:
        """What was written since the last time, once it is `least_bytes` or more."""
        if self._spool.tell() < least_bytes:
            return
        self._spool.seek(0)
        while chunk := self._spool.read(_CHUNK_BYTES):
            yield chunk
        self._spool.seek(0)
        self._spool.truncate()
