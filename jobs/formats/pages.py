"""The pages of a file that may have several, which is a TIFF; web and worker count them alike.

Each directory is an image: a page, or else a smaller version or a mask of one. Only directories are read:
nothing is decoded. All other formats have no pages: what else their files hold are frames of an animation, or
further versions of one picture.
"""

from dataclasses import dataclass
from itertools import islice
from typing import IO

from jobs.contract.codes import Code
from jobs.contract.errors import TooLarge
from jobs.contract.settings import Limits
from jobs.formats import tiff
from jobs.formats.images import check_pixels, truncated_image

#: What kind of image a directory has, as old files say it.
_OLD_KIND = 255
#: Bits of the kind: a smaller version of another image, a mask for another. And its old value for the first.
_REDUCED, _MASK, _OLD_REDUCED = 1, 4, 2
#: Directories for each page that is allowed, and tags: real files have fewer than half as many.
_DIRECTORIES_A_PAGE, _TAGS_A_PAGE = 32, 1000


@dataclass(frozen=True)
class Page:
    """One page of a file."""

    #: Where its directory lies, in bytes from the beginning of the file.
    offset: int
    #: Pixels as stored.
    width: int
    height: int


@dataclass(frozen=True)
class _Image:
    """What a directory says of its image."""

    page: Page
    is_mask: bool
    is_reduced: bool


def pages_of(file: IO[bytes], limits: Limits) -> tuple[Page, ...]:
    """The pages of a file in their order, at least one; none for a file that is no TIFF.

    Where all are smaller versions, each is a page. Raises ImageRejected (`truncated_image`) for a damaged
    directory, and TooLarge (`too_many_pages`, `too_many_pixels`).
    """
    file.seek(0)
    layout = tiff.layout_of(file.read(4))
    if layout is None:
        return ()
    most, most_tags = limits.max_pages * _DIRECTORIES_A_PAGE, limits.max_pages * _TAGS_A_PAGE
    images: list[_Image] = []
    for directory in islice(tiff.directories(file, layout), most + 1):
        most_tags -= directory.length
        if most_tags < 0:
            raise TooLarge(
                f"The file's directories list more tags than {limits.max_pages:,} pages need"
                " (EVA01_MAX_PAGES). Split it, and send its parts.",
                code=Code.TOO_MANY_PAGES,
            )
        images.append(_image(directory))
    whole = [image for image in images if not image.is_mask and not image.is_reduced]
    pages = whole or [image for image in images if not image.is_mask] or images[:1]
    if len(images) > most or len(pages) > limits.max_pages:
        raise _too_many_pages(limits)
    return tuple(_checked(image.page, number, limits) for number, image in enumerate(pages, 1))


def beginning_with(data: bytes, page: Page) -> bytes:
    """A TIFF whose first image is `page`, for readers that look at no other."""
    layout = tiff.layout_of(data[:4])
    return tiff.starting_at(data, layout, page.offset) if layout else data


def _image(directory: tiff.Directory) -> _Image:
    kind = directory.own_number(tiff.SUBFILE_KIND)
    width, height = directory.own_number(tiff.WIDTH), directory.own_number(tiff.HEIGHT)
    return _Image(
        Page(directory.place, width or 0, height or 0),
        is_mask=kind is not None and bool(kind & _MASK),
        is_reduced=directory.own_number(_OLD_KIND) == _OLD_REDUCED if kind is None else bool(kind & _REDUCED),
    )


def _checked(page: Page, number: int, limits: Limits) -> Page:
    if page.width <= 0 or page.height <= 0:
        raise truncated_image(f"page {number} has no size")
    try:
        check_pixels(page.width, page.height, limits)
    except TooLarge as error:
        raise TooLarge(f"Page {number}: {error.message}", code=error.code) from error
    return page


def _too_many_pages(limits: Limits) -> TooLarge:
    return TooLarge(
        f"The file has more than {limits.max_pages:,} pages (EVA01_MAX_PAGES). Split it, and send its parts.",
        code=Code.TOO_MANY_PAGES,
    )
