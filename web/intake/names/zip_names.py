"""What the entries of a zip are called: decoded first, and only then cut at separators.

The name of an entry is UTF-8 where it says so, and is; else what its Unicode path field (0x7075, Info-ZIP)
says; else the encoding is guessed. A backslash separates where it is a character of its own, not the second
byte of one, and the zip was made on Windows or has no `/` in its names.
"""

import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence

from web.intake.names.encodings import decoded
from web.intake.names.paths import normalise

_UTF8_FLAG = 0x800
#: Info-ZIP's extra field: its number and version; what is before the name: version, CRC-32 of the other name.
_UNICODE_PATH, _UNICODE_PATH_VERSION = 0x7075, 1
_UNICODE_PATH_HEAD = struct.Struct("<BL")
#: Systems that make zips with `\` between folders: MS-DOS, Windows NTFS, VFAT.
_DOS_SYSTEMS = frozenset({0, 10, 14})
#: The attribute of a folder on them.
_DOS_FOLDER = 0x10


def names_of(entries: Sequence[zipfile.ZipInfo]) -> list[str]:
    """The name of each entry, with `/` between folders, and as it is otherwise: it may point anywhere."""
    told = [_told_name(entry) for entry in entries]
    guessed = iter(decoded([_raw(entry) for entry, name in zip(entries, told, strict=True) if name is None]))
    whole = [(name if name is not None else next(guessed)).partition("\0")[0] for name in told]
    is_without_slash = not any("/" in name for name in whole)
    return [
        name.replace("\\", "/") if is_without_slash or entry.create_system in _DOS_SYSTEMS else name
        for entry, name in zip(entries, whole, strict=True)
    ]


def is_folder(entry: zipfile.ZipInfo, name: str) -> bool:
    """True for an entry that holds nothing and is a folder, by its name or its attributes."""
    mode = entry.external_attr >> 16
    is_one = name.endswith(("/", "\\")) or stat.S_ISDIR(mode) or bool(entry.external_attr & _DOS_FOLDER)
    return is_one and not entry.file_size


def path_of(name: str) -> str:
    """The path under which an entry of this name comes into a batch."""
    return normalise(name, keeps_backslash=True)


def _told_name(entry: zipfile.ZipInfo) -> str | None:
    """What the entry itself says in Unicode; None when it does not."""
    if entry.flag_bits & _UTF8_FLAG:
        return entry.orig_filename
    rest = entry.extra
    while len(rest) >= 4:
        number, length = struct.unpack_from("<HH", rest)
        if number == _UNICODE_PATH:
            return _unicode_path(rest[4 : 4 + length], _raw(entry))
        rest = rest[4 + length :]
    return None


def _unicode_path(field: bytes, raw: bytes) -> str | None:
    """The name in a Unicode path field, unless it belongs to another name than this entry has by now."""
    if len(field) <= _UNICODE_PATH_HEAD.size:
        return None
    version, crc = _UNICODE_PATH_HEAD.unpack_from(field)
    if version != _UNICODE_PATH_VERSION or crc != zlib.crc32(raw):
        return None
    try:
        return field[_UNICODE_PATH_HEAD.size :].decode()
    except UnicodeDecodeError:
        return None


def _raw(entry: zipfile.ZipInfo) -> bytes:
    """The bytes of a name that is not marked as UTF-8: zipfile takes them for CP437, which has them all."""
    return entry.orig_filename.encode("cp437")
