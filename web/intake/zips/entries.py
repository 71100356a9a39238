"""The entries of a zip, one by one, none of them trusted: nothing is written under a name of theirs.

What the zip says that they unpack to is added up before they are, and each unpacks to that, or is refused.
"""

import hashlib
import stat
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path

from jobs.contract.asking.groups import GroupBy
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput, TooLarge
from jobs.contract.settings import Limits
from web.intake.grouping import Wanted, wanted_jobs
from web.intake.names.paths import is_litter, is_unsafe, shortened
from web.intake.names.zip_names import is_folder, names_of, path_of
from web.intake.outcomes import PassedOver
from web.intake.spool import Part, Spool
from web.intake.zips.archives import Archive

#: Entries that are unpacked at a time, and bytes after which no further one is.
_GROUP, _GROUP_BYTES = 250, 64 * 1024 * 1024
#: How a zip begins; the second when it is empty.
_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
#: Bytes that a zip may unpack to however small it is.
_ANY_BYTES = 256 * 1024 * 1024
#: Characters of a path in what is said of those behind it.
_SHOWN = 100
_ENCRYPTED = 0x1
#: What reading a damaged or unsupported entry raises.
_BROKEN = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, NotImplementedError, ValueError)


@dataclass(frozen=True)
class Entry:
    """One entry, or a file that came by itself: its path, and its content or the reason why it is refused."""

    path: str
    content: Part | None
    error: BadInput | None = None
    #: What one without content is known by.
    digest: str = ""


@dataclass(frozen=True)
class _Wanted:
    """An entry that is to be read, and what it is called."""

    info: zipfile.ZipInfo
    #: As the zip says it.
    name: str
    #: Under which it comes into a batch.
    path: str
    zip_sha256: str


def is_zip(part: Part) -> bool:
    """True when the content is a zip's."""
    part.seek(0)
    return part.read(4) in _SIGNATURES


def entry_groups(
    part: Part,
    limits: Limits,
    spool_folder: Path,
    passed_over: PassedOver,
    check: Callable[[], None],
    by: GroupBy | None = None,
    top: str = "",
) -> Iterator[list[Wanted[Entry]]]:
    """The jobs that a zip's entries make, in its order, some at a time.

    Their content lasts until the next are asked for. Each entry is a job, unless `by` puts some together;
    `top` is what one of those in no folder is called. One of more images than it may have is not unpacked.
    Folders are left out; hidden files and what file managers leave behind are counted in `passed_over`.
    `check` is called before each entry, and raises TooLarge where it must not be unpacked any more; before
    the next are read that ends it, and what is raised is about all the rest. Raises BadInput (`bad_zip`,
    `empty_zip`) and TooLarge (`too_many_entries`) before the first entry.
    """
    with _open(part, limits) as archive:
        wanted = _wanted(archive.infolist(), part.sha256, limits, passed_over)
        reader = _Reader(archive, part.size_bytes, limits, check)
        rest = deque(wanted_jobs([(file.path, file) for file in wanted], (), by, limits, top))
        while rest:
            _check_rest(rest, check)
            spool = Spool(spool_folder)
            try:
                yield reader.read_some(rest, spool)
            finally:
                spool.close()


def _wanted(
    infos: Sequence[zipfile.ZipInfo], zip_sha256: str, limits: Limits, passed_over: PassedOver
) -> list[_Wanted]:
    """The entries that are files, but for those that are passed over.

    Raises BadInput (`empty_zip`) when there is none.
    """
    files: list[_Wanted] = []
    litter: list[str] = []
    for info, name in zip(infos, names_of(infos), strict=True):
        if is_folder(info, name):
            continue
        if is_litter(path := path_of(name)):
            litter.append(path)
        else:
            files.append(_Wanted(info, name, path, zip_sha256))
    for path in litter:
        passed_over.note(shortened(path, limits.max_path_chars))
    if files:
        return files
    if litter:
        raise BadInput(
            f"There are only hidden files in the zip, such as {litter[0][:100]}, and they are passed over.",
            code=Code.EMPTY_ZIP,
        )
    raise BadInput("There is no file in the zip.", code=Code.EMPTY_ZIP)


def _check_rest(rest: Sequence[Wanted[_Wanted]], check: Callable[[], None]) -> None:
    """Raises TooLarge about all that are left: to refuse each of many by itself takes as long again."""
    try:
        check()
    except TooLarge as error:
        count, first = sum(len(job.files) for job in rest), rest[0].files[0].path
        files = "1 file" if count == 1 else f"{count:,} files"
        raise TooLarge(
            f"{files} of the zip, from {shortened(first, _SHOWN)} on, were not looked at. {error.message}",
            code=error.code,
        ) from error


class _Reader:
    """Reads entries, and counts how many bytes may still come."""

    def __init__(self, archive: Archive, zip_bytes: int, limits: Limits, check: Callable[[], None]) -> None:
        self._archive, self._limits, self._check = archive, limits, check
        self._most_bytes = min(limits.max_zip_bytes, max(_ANY_BYTES, limits.max_zip_ratio * zip_bytes))
        self._left_bytes = self._most_bytes

    def read_some(self, rest: deque[Wanted[_Wanted]], spool: Spool) -> list[Wanted[Entry]]:
        """Unpack the next of `rest` into a spool, and take them off; a job's entries come together."""
        some: list[Wanted[Entry]] = []
        count = 0
        while rest and count < _GROUP and spool.size_bytes < _GROUP_BYTES:
            job = rest.popleft()
            count += len(job.files)
            is_read = len(job.files) <= self._limits.max_images_per_job
            entries = [self._read(file, spool) if is_read else _refused(file) for file in job.files]
            some.append(Wanted(job.name, entries, job.names))
        return some

    def _read(self, file: _Wanted, spool: Spool) -> Entry:
        try:
            _refuse_unsafe(file)
            self._check()
            self._refuse_large(file.info)
            content = self._unpack(file.info, spool)
            if file.name.lower().endswith(".zip") and is_zip(content):
                raise BadInput("A zip in a zip is not unpacked. Send what is in it.", code=Code.NESTED_ZIP)
        except BadInput as error:
            return _refused(file, error)
        except _BROKEN as error:
            broken = BadInput(
                f"The zip entry cannot be unpacked ({error}). Pack it again.", code=Code.BAD_ZIP_ENTRY
            )
            return _refused(file, broken)
        return Entry(file.path, content)

    def _refuse_large(self, info: zipfile.ZipInfo) -> None:
        """Raises TooLarge by what the zip says that an entry unpacks to."""
        most_bytes = self._limits.max_zip_entry_bytes
        if info.file_size > most_bytes:
            raise TooLarge(
                f"The zip entry unpacks to {info.file_size:,} bytes; the limit is {most_bytes:,}"
                " (EVA01_MAX_ZIP_ENTRY_BYTES).",
                code=Code.IMAGE_TOO_LARGE,
            )
        if info.file_size > self._left_bytes:
            raise TooLarge(
                f"With this entry the zip unpacks to more than {self._most_bytes:,} bytes"
                " (EVA01_MAX_ZIP_BYTES, EVA01_MAX_ZIP_RATIO). Send it in another zip.",
                code=Code.ZIP_TOO_LARGE,
            )

    def _unpack(self, info: zipfile.ZipInfo, spool: Spool) -> Part:
        pieces = self._archive.pieces_of(info)
        self._left_bytes -= info.file_size
        content = spool.new_part()
        for piece in pieces:
            content.write(piece)
            self._check()
        return content


def _open(part: Part, limits: Limits) -> Archive:
    part.seek(0)
    try:
        return Archive(part, limits.max_zip_entries)
    except _BROKEN as error:
        raise BadInput(f"The zip cannot be read ({error}). Pack it again.", code=Code.BAD_ZIP) from error


def _refused(file: _Wanted, error: BadInput | None = None) -> Entry:
    said = f"{file.info.CRC} {file.info.file_size} {file.info.compress_size}"
    if not file.info.CRC:
        # One that is encrypted with AES has no checksum: what tells it from another is its place in its zip.
        said += f" {file.info.header_offset} {file.zip_sha256}"
    return Entry(file.path, None, error, hashlib.sha256(said.encode()).hexdigest())


def _refuse_unsafe(file: _Wanted) -> None:
    if is_unsafe(file.name):
        raise BadInput("The zip entry's path points out of the zip.", code=Code.UNSAFE_PATH)
    if stat.S_ISLNK(file.info.external_attr >> 16):
        raise BadInput("The zip entry is a link. Pack the file itself.", code=Code.UNSAFE_PATH)
    if file.info.flag_bits & _ENCRYPTED:
        raise BadInput("The zip entry is encrypted. Pack it without a password.", code=Code.ENCRYPTED_ENTRY)
