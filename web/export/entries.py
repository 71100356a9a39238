"""The entries of a zip that is written, of which its directory is made at the end: on disk, not in memory."""

import json
from collections.abc import Iterator
from typing import IO, Any, cast
from zipfile import ZipFile, ZipInfo

#: What the directory says of an entry, besides its name and time.
_KEPT = (
    *("compress_type", "create_version", "extract_version", "flag_bits", "external_attr"),
    *("CRC", "compress_size", "file_size", "header_offset"),
)


def keep_entries_in(archive: ZipFile, file: IO[bytes]) -> None:
    """Have `archive`, which is written, keep its entries in `file`: in memory each has half a kilobyte."""
    archive.filelist = cast(list[ZipInfo], _Entries(file))
    archive.NameToInfo = _NoNames()


class _Entries:
    """As much of a list as writing a zip takes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._count = 0

    def append(self, entry: ZipInfo) -> None:
        """One more."""
        kept = [getattr(entry, name) for name in _KEPT]
        self._file.write(json.dumps((entry.filename, entry.date_time, kept)).encode() + b"\n")
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[ZipInfo]:
        self._file.seek(0)
        for line in self._file:
            name, at, kept = json.loads(line)
            entry = ZipInfo(name, tuple(at))
            for attribute, value in zip(_KEPT, kept, strict=True):
                setattr(entry, attribute, value)
            yield entry


class _NoNames(dict[str, ZipInfo]):
    """Forgets each name: that they differ is seen to before."""

    def __setitem__(self, name: str, entry: Any) -> None:
        pass
