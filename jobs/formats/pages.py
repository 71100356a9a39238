"""The pages of a file that may have several, which is a TIFF; web and worker count them alike.

    header ──► directory ──► directory ──► … ──► none, or one that was there already

Each directory is an image: a page, or else a smaller version or a mask of one. Only directories are read:
nothing is decoded. All other formats have no pages: what else their files hold are frames of an animation, or
further versions of one picture.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from jobs.contract.codes import Code
from jobs.contract.errors import TooLarge
from jobs.contract.settings import Limits
from jobs.formats.images import check_pixels, truncated_image
from jobs.formats.tiff import HEIGHT, SUBFILE_KIND, WIDTH, Layout, layout_of

#: What kind of image a directory has, as old files say it.
_OLD_KIND = 255
#: Bits of the kind: a smaller version of another image, a mask for another. And its old value for the first.
_REDUCED, _MASK, _OLD_REDUCED = 1, 4, 2
#: How a tag's whole number is written, by its type; the last only where a value has eight bytes.
_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
#: Directories for each page that is allowed, and tags in one: real files have fewer than half as many.
_DIRECTORIES_A_PAGE, _MOST_TAGS = 32, 1000


@dataclass(frozen=True)
class Page:
    """One page of a file."""

    #: Where its directory lies, in bytes from the beginning of the file.
    offset: int
    #: Pixels as stored.
    width: int
    height: int


@dataclass(frozen=True)
class _Directory:
    """What a directory says of its image."""

    offset: int
    next: int
    #: The numbers that are looked at, by their tags.
    tags: dict[int, int]

    @property
    def is_mask(self) -> bool:
        return bool(self.tags.get(SUBFILE_KIND, 0) & _MASK)

    @property
    def is_reduced(self) -> bool:
        if SUBFILE_KIND in self.tags:
            return bool(self.tags[SUBFILE_KIND] & _REDUCED)
        return self.tags.get(_OLD_KIND) == _OLD_REDUCED


def pages_of(file: IO[bytes], limits: Limits) -> tuple[Page, ...]:
    """The pages of a file in their order, at least one; none for a file that is no TIFF.

    Where all are smaller versions, each is a page. Raises ImageRejected (`truncated_image`) for a damaged
    directory, and TooLarge (`too_many_pages`, `too_many_pixels`).
    """
    file.seek(0)
    layout = layout_of(file.read(4))
    if layout is None:
        return ()
    images = list(_directories(file, layout, limits))
    whole = [image for image in images if not image.is_mask and not image.is_reduced]
    pages = whole or [image for image in images if not image.is_mask] or images[:1]
    if len(pages) > limits.max_pages:
        raise _too_many_pages(limits)
    return tuple(_page(image, number, limits) for number, image in enumerate(pages, 1))


def beginning_with(data: bytes, page: Page) -> bytes:
    """A TIFF whose first image is `page`, for readers that look at no other."""
    layout = layout_of(data[:4])
    if layout is None:
        return data
    place, first = layout.pointer, layout.first
    return data[:first] + place.pack(page.offset) + data[first + place.size :]


def _directories(file: IO[bytes], layout: Layout, limits: Limits) -> Iterator[_Directory]:
    """Follow the chain to its end, or to where it goes round."""
    been: set[int] = set()
    place = _place(file, layout, layout.first)
    if not place:
        raise truncated_image("it names no directory")
    while place and place not in been:
        if len(been) == limits.max_pages * _DIRECTORIES_A_PAGE:
            raise _too_many_pages(limits)
        been.add(place)
        directory = _directory(file, layout, place)
        yield directory
        place = directory.next


def _directory(file: IO[bytes], layout: Layout, offset: int) -> _Directory:
    (count,) = layout.count.unpack(_read(file, offset, layout.count.size))
    if not 0 < count <= _MOST_TAGS:
        raise truncated_image(f"the directory at byte {offset:,} has {count:,} tags")
    tags = offset + layout.count.size
    listed = _read(file, tags, count * layout.entry.size)
    return _Directory(offset, _place(file, layout, tags + len(listed)), _tags(listed, layout))


def _place(file: IO[bytes], layout: Layout, offset: int) -> int:
    (place,) = layout.pointer.unpack(_read(file, offset, layout.pointer.size))
    return int(place)


def _read(file: IO[bytes], offset: int, size: int) -> bytes:
    """Raises ImageRejected (`truncated_image`) where the file has no such bytes."""
    try:
        file.seek(offset)
        data = file.read(size)
    except (OverflowError, OSError, ValueError):
        data = b""
    if len(data) < size:
        raise truncated_image(f"the directory at byte {offset:,} is not there")
    return data


def _tags(listed: bytes, layout: Layout) -> dict[int, int]:
    found: dict[int, int] = {}
    for name, kind, _, value in layout.entry.iter_unpack(listed):
        if SUBFILE_KIND <= name <= HEIGHT and name not in found and kind in _NUMBERS:
            number = struct.Struct(layout.order + _NUMBERS[kind])
            if number.size <= len(value):
                found[name] = number.unpack_from(value)[0]
    return found


def _page(directory: _Directory, number: int, limits: Limits) -> Page:
    width, height = directory.tags.get(WIDTH, 0), directory.tags.get(HEIGHT, 0)
    if not width or not height:
        raise truncated_image(f"page {number} has no size")
    try:
        check_pixels(width, height, limits)
    except TooLarge as error:
        raise TooLarge(f"Page {number}: {error.message}", code=error.code) from error
    return Page(directory.offset, width, height)


def _too_many_pages(limits: Limits) -> TooLarge:
    return TooLarge(
        f"The file has more than {limits.max_pages:,} pages (EVA01_MAX_PAGES). Split it, and send its parts.",
        code=Code.TOO_MANY_PAGES,
    )
