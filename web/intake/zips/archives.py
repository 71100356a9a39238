"""A zip as a file: its directory and its entries are read whatever is wrong with their names.

zipfile refuses a whole zip for one entry that is odd in the directory, and an entry whose own header calls
it otherwise than the directory. What counts here is the directory, and the content. Of several entries that
share bytes only the first is read.
"""

import io
import struct
import zipfile
from bisect import bisect_right
from collections.abc import Iterator

from jobs.contract.codes import Code
from jobs.contract.errors import TooLarge
from web.intake.spool import Part
from web.intake.zips.unpacking import pieces_of

#: The head of an entry in the directory: flags at 8, lengths of name, extra field and comment at 28.
_DIRECTORY_SIGNATURE = b"PK\x01\x02"
_DIRECTORY_HEAD_BYTES, _FLAGS_PLACE, _LENGTHS_PLACE = 46, 8, 28
#: Bytes of a zip's directory for each entry that it may have, and for any zip; names take some dozens.
_DIRECTORY_BYTES_PER_ENTRY, _DIRECTORY_BYTES = 512, 1024 * 1024
#: Bytes of an entry's extra fields: real ones have some dozens. zipfile takes them off one by one.
_MOST_EXTRA_BYTES = 4096
#: The head of an entry before its content: signature, and lengths of name and extra field.
_LOCAL_HEAD = struct.Struct("<4s22xHH")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_UTF8_FLAG = 0x800
#: In the same head: the version of zip that it takes, sizes packed and unpacked, and where the entry is.
_VERSION_PLACE, _SIZES_PLACE, _OFFSET_PLACE = 6, 20, 42
#: Of zip, ten times; zipfile knows no later one.
_LATEST_VERSION = 63
#: The extra field of what 32 bits cannot hold, what they hold then, and a field that nobody knows.
_ZIP64, _IN_ZIP64, _UNKNOWN_FIELD = 0x0001, 0xFFFFFFFF, 0xFFFF
#: Flags of content that cannot be read: a patch of other data, and strong encryption.
_UNREADABLE = 0x20 | 0x40


class Archive(zipfile.ZipFile):
    """A zip of at most `most_entries` that is read, whose directory has no more bytes than these need.

    Raises TooLarge (`too_many_entries`) for a larger directory, and what zipfile raises for a broken one.
    """

    def __init__(self, part: Part, most_entries: int) -> None:
        self._reader = _Reader(part, most_entries)
        super().__init__(self._reader)
        self._reader.is_opening = False
        #: Where entries begin, and the directory behind them: what lies between two belongs to the first.
        self._begins = sorted({*(info.header_offset for info in self.infolist()), self.start_dir})
        self._first: dict[int, zipfile.ZipInfo] = {}
        for info in self.infolist():
            self._first.setdefault(info.header_offset, info)

    def pieces_of(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        """The unpacked content of an entry in pieces, while no other is read.

        Raises what `unpacking.pieces_of` raises for one that is broken, or has bytes that are another's.
        """
        if info.flag_bits & _UNREADABLE:
            raise NotImplementedError("patched data or strong encryption")
        self._reader.seek(info.header_offset)
        head = self._reader.read(_LOCAL_HEAD.size)
        if len(head) < _LOCAL_HEAD.size:
            raise zipfile.BadZipFile("its header is cut off")
        signature, *lengths = _LOCAL_HEAD.unpack(head)
        if signature != _LOCAL_SIGNATURE:
            raise zipfile.BadZipFile("there is no header where the directory says")
        start = self._reader.seek(sum(lengths), io.SEEK_CUR)
        if self._first[info.header_offset] is not info or start + info.compress_size > self._end_of(info):
            raise zipfile.BadZipFile("its content is another entry's as well")
        return pieces_of(self._reader, info)

    def _end_of(self, info: zipfile.ZipInfo) -> int:
        """Where its bytes end at the latest."""
        place = bisect_right(self._begins, info.header_offset)
        return self._begins[place] if place < len(self._begins) else self._begins[-1]


class _Reader(io.BufferedReader):
    """Refuses to read in one piece what would not fit into memory: a zip's directory."""

    def __init__(self, raw: Part, most_entries: int) -> None:
        super().__init__(raw)
        self._most_entries = most_entries
        self._most_bytes = _DIRECTORY_BYTES + most_entries * _DIRECTORY_BYTES_PER_ENTRY
        #: True while zipfile reads the directory, which it does in one piece.
        self.is_opening = True

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self._most_bytes:
            raise too_many_entries()
        data = super().read(size)
        if self.is_opening and data.startswith(_DIRECTORY_SIGNATURE):
            return _mended(data, self._most_entries)
        return data


def too_many_entries() -> TooLarge:
    """The refusal of a zip that has more entries than it may."""
    return TooLarge(
        "The zip has too many entries (EVA01_MAX_ZIP_ENTRIES). Send it in parts.", code=Code.TOO_MANY_ENTRIES
    )


def _mended(directory: bytes, most_entries: int) -> bytes:
    """The directory without what zipfile refuses all of it for, and what concerns one entry alone.

    That are the claim to be UTF-8 of a name that is not, a version of zip that there is not, and extra fields
    that are longer than their room or too short for what they should hold. Raises TooLarge for too many
    entries, and BadZipFile for one with far too much said of it.
    """
    mended = bytearray(directory)
    place, last = 0, len(directory) - _DIRECTORY_HEAD_BYTES
    count = 0
    while place <= last and directory.startswith(_DIRECTORY_SIGNATURE, place):
        count += 1
        if count > most_entries:
            raise too_many_entries()
        (flags,) = struct.unpack_from("<H", directory, place + _FLAGS_PLACE)
        lengths = struct.unpack_from("<HHH", directory, place + _LENGTHS_PLACE)
        if lengths[1] > _MOST_EXTRA_BYTES:
            raise zipfile.BadZipFile(f"entry {count:,} has {lengths[1]:,} bytes of extra fields")
        start = place + _DIRECTORY_HEAD_BYTES
        if flags & _UTF8_FLAG and not _is_utf8(directory[start : start + lengths[0]]):
            struct.pack_into("<H", mended, place + _FLAGS_PLACE, flags & ~_UTF8_FLAG)
        if directory[place + _VERSION_PLACE] > _LATEST_VERSION:
            mended[place + _VERSION_PLACE] = _LATEST_VERSION
        sizes = struct.unpack_from("<II", directory, place + _SIZES_PLACE)
        offset = struct.unpack_from("<I", directory, place + _OFFSET_PLACE)
        zip64_bytes = 8 * (*sizes, *offset).count(_IN_ZIP64)
        extra = start + lengths[0]
        _mend_extra(mended, extra, min(extra + lengths[1], len(mended)), zip64_bytes)
        place = start + sum(lengths)
    return bytes(mended)


def _mend_extra(directory: bytearray, place: int, end: int, zip64_bytes: int) -> None:
    """Make a field from `place` to `end` that is not as it should be one that nobody knows."""
    while end - place >= 4:
        number, length = struct.unpack_from("<HH", directory, place)
        room = end - place - 4
        if length > room or (number == _ZIP64 and length < zip64_bytes):
            struct.pack_into("<HH", directory, place, _UNKNOWN_FIELD, min(length, room))
        place += 4 + length


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True
