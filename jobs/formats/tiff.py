"""A TIFF's directories: what each says of its image, and the same image with nothing else said of it.

    header ──► directory ──► directory ──► … ──► none, or one that was there already
                   └ tag, type, count, value or where the values lie; …

Only directories are read. Both byte orders, classic and big. EXIF is a TIFF without pixels.
"""

import io
import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from jobs.formats.images import truncated_image

#: Byte orders by how a file begins.
_ORDERS = {b"II": "<", b"MM": ">"}
#: Values of a directory that are read, and tags in it: real files have far fewer.
MOST_VALUES, _MOST_TAGS = 65_536, 1000
#: How a tag's whole numbers are written, by its type.
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 18: "Q"}
_TEXT = 2
_BYTES = (1, 7)
#: Bytes of a value, by its type, where it is more than one.
_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}

JPEG_TABLES = 347
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, MAKE = 256, 257, 258, 259, 262, 271
STRIP_OFFSETS, ORIENTATION, SAMPLES, STRIP_BYTES, PLANAR, PREDICTOR = 273, 274, 277, 279, 284, 317
SUBFILE_KIND, FILL_ORDER, ROWS_PER_STRIP = 254, 266, 278
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES, SUB_DIRECTORIES = 322, 323, 324, 325, 330
EXTRA_SAMPLES, SAMPLE_FORMAT, NO_DATA, DNG_VERSION = 338, 339, 42113, 50706
PALETTE, SUBSAMPLING = 320, 530
#: Tags without which the pixels cannot be read: sizes, places, packing, and what samples mean.
PICTURE = frozenset(
    {
        *(WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER, STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP),
        *(STRIP_BYTES, PLANAR, 292, 293, PREDICTOR, PALETTE, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS),
        *(TILE_BYTES, 332, EXTRA_SAMPLES, SAMPLE_FORMAT, JPEG_TABLES, *range(512, 522), 529, SUBSAMPLING),
        *(531, 532),
    }
)


@dataclass(frozen=True)
class Layout:
    """How a TIFF writes numbers and places."""

    order: str
    is_big: bool

    @property
    def pointer(self) -> struct.Struct:
        """A place in the file."""
        return struct.Struct(self.order + ("Q" if self.is_big else "I"))

    @property
    def first(self) -> int:
        """Where the header names the place of the first directory."""
        return 8 if self.is_big else 4

    @property
    def count(self) -> struct.Struct:
        """How many tags a directory has."""
        return struct.Struct(self.order + ("Q" if self.is_big else "H"))

    @property
    def entry(self) -> struct.Struct:
        """A tag: its number, its type, how many values, and the values, or where they lie."""
        return struct.Struct(self.order + ("HHQ8s" if self.is_big else "HHI4s"))


@dataclass(frozen=True)
class Entry:
    """One tag as it is written."""

    kind: int
    count: int
    value: bytes


class Directory:
    """A directory of a file; values are read when they are asked for."""

    def __init__(self, file: IO[bytes], layout: Layout, place: int, listed: bytes) -> None:
        self._file, self.layout, self.place = file, layout, place
        self._end = place + layout.count.size + len(listed)
        #: Tags that it lists, also several of one number.
        self.length = len(listed) // layout.entry.size
        # Of two with one number the first counts.
        self._written = {tag[0]: tag[1:] for tag in reversed([*layout.entry.iter_unpack(listed)])}

    def __contains__(self, tag: int) -> bool:
        return tag in self._written

    def entry(self, tag: int) -> Entry | None:
        """A tag as it is written; None where it is missing."""
        written = self._written.get(tag)
        return Entry(*written) if written else None

    def next_place(self) -> int:
        """Where the next directory lies; 0 behind the last. Raises ImageRejected (`truncated_image`)."""
        return _pointer_at(self._file, self.layout, self._end)

    def own_number(self, tag: int) -> int | None:
        """The first number of a tag, where it stands in the directory itself; else None."""
        entry = self.entry(tag)
        if entry is None or entry.kind not in _NUMBERS:
            return None
        number = struct.Struct(self.layout.order + _NUMBERS[entry.kind])
        return number.unpack_from(entry.value)[0] if number.size <= len(entry.value) else None

    def number(self, tag: int, default: int = 0) -> int:
        """The first number of a tag; `default` where there is none."""
        numbers = self.numbers(tag)
        return numbers[0] if numbers else default

    def numbers(self, tag: int, most: int = MOST_VALUES) -> tuple[int, ...]:
        """The first whole numbers of a tag, `most` of them; none where it is missing or cannot be read."""
        entry = self.entry(tag)
        if entry is None or entry.kind not in _NUMBERS:
            return ()
        count = min(entry.count, most)
        numbers = struct.Struct(f"{self.layout.order}{count}{_NUMBERS[entry.kind]}")
        data = self._data(entry, numbers.size)
        return numbers.unpack(data) if len(data) == numbers.size else ()

    def lacks(self, tags: Collection[int]) -> bool:
        """True when values of these tags are listed, and lie beyond the end of the file."""
        end = self._file.seek(0, io.SEEK_END)
        return any(self._end_of(entry) > end for entry in map(self.entry, tags) if entry)

    def _end_of(self, entry: Entry) -> int:
        size = entry.count * _SIZES.get(entry.kind, 1)
        if size <= len(entry.value):
            return 0
        return int(self.layout.pointer.unpack(entry.value)[0]) + size

    def text(self, tag: int) -> str:
        """The text of a tag; empty where it is missing or is none."""
        entry = self.entry(tag)
        if entry is None or entry.kind != _TEXT:
            return ""
        return self._data(entry, min(entry.count, 256)).split(b"\0")[0].decode("latin-1").strip()

    def plain_bytes(self, tag: int) -> bytes:
        """The bytes of a tag that has bytes without a meaning of their own; none where it is missing."""
        entry = self.entry(tag)
        if entry is None or entry.kind not in _BYTES:
            return b""
        return self._data(entry, min(entry.count, MOST_VALUES))

    def place_of(self, tag: int) -> int | None:
        """Where the values of a tag lie in the file; None where they stand in the directory, or nowhere."""
        entry = self.entry(tag)
        if entry is None or entry.count * _SIZES.get(entry.kind, 1) <= len(entry.value):
            return None
        return int(self.layout.pointer.unpack(entry.value)[0])

    def _data(self, entry: Entry, size: int) -> bytes:
        if size <= len(entry.value):
            return entry.value[:size]
        (place,) = self.layout.pointer.unpack(entry.value)
        return _read(self._file, place, size)


def layout_of(head: bytes) -> Layout | None:
    """How a file with this beginning is written; None for one that is no TIFF."""
    order = _ORDERS.get(head[:2])
    if order is None or len(head) < 4:
        return None
    (version,) = struct.unpack(order + "H", head[2:4])
    return Layout(order, version == 43) if version in (42, 43) else None


def directories(file: IO[bytes], layout: Layout) -> Iterator[Directory]:
    """At least one: the chain, to its end or to where it goes round; a hostile one is as long as its file.

    Raises ImageRejected (`truncated_image`) where one is damaged or missing.
    """
    been: set[int] = set()
    place = _first_place(file, layout)
    while place and place not in been:
        been.add(place)
        directory = directory_at(file, layout, place)
        yield directory
        place = directory.next_place()


def first_directory(file: IO[bytes], layout: Layout, *, may_be_cut: bool = False) -> Directory:
    """The directory of the first image; raises as `directory_at` does."""
    return directory_at(file, layout, _first_place(file, layout), may_be_cut=may_be_cut)


def directory_at(file: IO[bytes], layout: Layout, place: int, *, may_be_cut: bool = False) -> Directory:
    """The directory at that byte of the file; what is there of it, where it `may_be_cut`.

    Raises ImageRejected (`truncated_image`) where it is damaged or missing.
    """
    (count,) = layout.count.unpack(_there(file, place, layout.count.size))
    if not may_be_cut and not 0 < count <= _MOST_TAGS:
        raise truncated_image(f"its directory at byte {place:,} has {count:,} tags")
    size = layout.entry.size
    listed = _read(file, place + layout.count.size, count * size)
    if not may_be_cut and len(listed) < count * size:
        raise truncated_image(f"its directory at byte {place:,} is cut short")
    return Directory(file, layout, place, listed[: len(listed) // size * size])


def starting_at(data: bytes, layout: Layout, place: int, *behind: bytes) -> bytes:
    """The same file with the directory at that byte as its first, and with more behind it."""
    end = layout.first + layout.pointer.size
    return b"".join((data[: layout.first], layout.pointer.pack(place), memoryview(data)[end:], *behind))


def plain(
    data: bytes,
    directory: Directory,
    changed: Mapping[int, int | Sequence[int]],
    *,
    without: Collection[int] = (),
    gap_bytes: int = 0,
) -> bytes:
    """The same pixels with nothing told but how to read them; tags in `changed` have these numbers instead.

    The new directory lies behind the file, so that every place in it stays where it was, and behind a gap.
    """
    layout = directory.layout
    kept = PICTURE.difference(without)
    entries = {tag: entry for tag in kept if (entry := directory.entry(tag))}
    padding = b"\0" * (gap_bytes + -len(data) % 8)
    start, beside = len(data) + len(padding), b""
    for tag, numbers in changed.items():
        entries[tag], own = _entry(layout, numbers, start + len(beside))
        beside += own
    written = [layout.entry.pack(tag, e.kind, e.count, e.value) for tag, e in sorted(entries.items())]
    return starting_at(
        data,
        layout,
        start + len(beside),
        padding,
        beside,
        layout.count.pack(len(written)),
        *written,
        layout.pointer.pack(0),
    )


def _entry(layout: Layout, numbers: int | Sequence[int], place: int) -> tuple[Entry, bytes]:
    """A tag of one number or several, and what of it has to lie at that place of the file."""
    listed = [numbers] if isinstance(numbers, int) else numbers
    kind, size = (16, 8) if layout.is_big else (4, 4)
    body = struct.pack(f"{layout.order}{len(listed)}{_NUMBERS[kind]}", *listed)
    if len(body) <= size:
        return Entry(kind, len(listed), body), b""
    return Entry(kind, len(listed), layout.pointer.pack(place)), body.ljust(len(body) + -len(body) % 8, b"\0")


def _first_place(file: IO[bytes], layout: Layout) -> int:
    place = _pointer_at(file, layout, layout.first)
    if not place:
        raise truncated_image("it names no directory")
    return place


def _pointer_at(file: IO[bytes], layout: Layout, place: int) -> int:
    (pointer,) = layout.pointer.unpack(_there(file, place, layout.pointer.size))
    return int(pointer)


def _there(file: IO[bytes], place: int, size: int) -> bytes:
    """Raises ImageRejected (`truncated_image`) where the file has no such bytes."""
    data = _read(file, place, size)
    if len(data) < size:
        raise truncated_image(f"its directory is not all there: byte {place:,} is missing")
    return data


def _read(file: IO[bytes], place: int, size: int) -> bytes:
    """As much as the file has of it."""
    try:
        file.seek(place)
        return file.read(size)
    except (OverflowError, OSError, ValueError):
        return b""
