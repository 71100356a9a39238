"""What a file is and how large its image, from its header alone: no pixel is decoded here.

What stands beside the picture in a PNG or a JPEG is not looked at: damage there takes nothing from it. How
many blocks, boxes, segments or directories are looked at is bounded, however many a file has. A PDF has no
header: a process of its own counts its pages.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import IO

from PIL import Image, UnidentifiedImageError, features

from jobs.contract.settings import Limits
from jobs.formats import gif, heif, jpeg, png, tiff, webp
from jobs.formats.images import (
    FORMATS,
    check_pixels,
    not_an_image,
    not_opened,
    reader_missing,
    set_pillows_guard,
)
from jobs.formats.pages import pages_of
from jobs.formats.pdf.apart import count_pages
from jobs.formats.unread import check_kind, is_avif, is_heif, is_pdf

set_pillows_guard(Image, None)
#: Formats that this Pillow was built without. HEIF is the workers' to read: here its size is enough.
_MISSING = frozenset() if features.check("avif") else frozenset({"AVIF"})
#: What may be sent here, in order.
MEDIA_TYPES = tuple(sorted({kind for name, kind in FORMATS.items() if name not in _MISSING}))
_HEAD_BYTES = 1024


@dataclass(frozen=True)
class Inspected:
    """What a header says."""

    media_type: str
    #: Pixels as stored, before EXIF orientation; of a PDF none.
    width: int
    height: int
    #: How many pages it has; None where its format has none.
    pages: int | None = None


def inspect(
    file: IO[bytes], limits: Limits, count_pdf: Callable[[IO[bytes]], int] | None = None
) -> Inspected:
    """Read an image's header; the file's name and declared type do not matter.

    `count_pdf` counts the pages of a PDF, which another process reads. Raises ImageRejected
    (`not_an_image`, `truncated_image`, `unsupported_format`, `pdf_password`) and TooLarge (`too_many_pixels`,
    `too_many_pages`, `pdf_too_costly`).
    """
    check_kind(file)
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if is_pdf(head):
        count = count_pdf or partial(count_pages, limits=limits, dpi=limits.pdf_dpi)
        return Inspected(FORMATS["PDF"], 0, 0, count(file))
    found = _reader_of(head, limits)(file)
    check_pixels(found.width, found.height, limits)
    return found


def _reader_of(head: bytes, limits: Limits) -> Callable[[IO[bytes]], Inspected]:
    if head.startswith(png.SIGNATURE):
        return _inspect_png
    if head.startswith(jpeg.SIGNATURE):
        return _inspect_jpeg
    if tiff.layout_of(head):
        return partial(_inspect_tiff, limits=limits)
    if is_avif(head) and "AVIF" in _MISSING:
        raise reader_missing("AVIF")
    if is_avif(head):
        return partial(_inspect_size, name="AVIF", size_of=heif.size_of)
    if is_heif(head):
        return partial(_inspect_size, name="HEIF", size_of=heif.size_of)
    if head.startswith(gif.SIGNATURES):
        return partial(_inspect_size, name="GIF", size_of=gif.size_of)
    if webp.is_webp(head):
        return partial(_inspect_size, name="WEBP", size_of=webp.size_of)
    return _inspect_bmp


def _inspect_png(file: IO[bytes]) -> Inspected:
    header = png.header_of(file)
    return Inspected(FORMATS["PNG"], header.width, header.height)


def _inspect_jpeg(file: IO[bytes]) -> Inspected:
    frame = jpeg.frame_of(file)
    return Inspected(FORMATS["JPEG"], frame.width, frame.height)


def _inspect_tiff(file: IO[bytes], limits: Limits) -> Inspected:
    pages = pages_of(file, limits)
    return Inspected(FORMATS["TIFF"], pages[0].width, pages[0].height, len(pages))


def _inspect_size(file: IO[bytes], name: str, size_of: Callable[[IO[bytes]], tuple[int, int]]) -> Inspected:
    return Inspected(FORMATS[name], *size_of(file))


def _inspect_bmp(file: IO[bytes]) -> Inspected:
    """By Pillow, which reads nothing else here: a BMP has all that it says in one place, at its beginning."""
    file.seek(0)
    try:
        with Image.open(file, formats=("BMP",)) as image:
            return Inspected(FORMATS["BMP"], *image.size)
    except UnidentifiedImageError as error:
        raise not_an_image() from error
    except Exception as error:
        # Pillow's readers meet hostile headers with many kinds of exceptions.
        raise not_opened(error) from error
