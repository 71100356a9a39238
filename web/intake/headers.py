"""What a file is and how large its image, from its header alone: no pixel is decoded here."""

from dataclasses import dataclass, replace
from typing import IO

from PIL import Image, UnidentifiedImageError

from jobs.contract.images import FORMATS, check_pixels, not_an_image, set_pillows_guard, truncated_image
from jobs.contract.pages import pages_of
from jobs.contract.settings import Limits

set_pillows_guard(Image, None)
Image.init()
#: The formats for which Pillow has a reader; MPO has none of its own, the one for JPEG finds it.
_READABLE = tuple(name for name in FORMATS if name in Image.OPEN)


@dataclass(frozen=True)
class Inspected:
    """What a header says."""

    media_type: str
    #: Pixels as stored, before EXIF orientation.
    width: int
    height: int
    #: How many pages it has; None where its format has none.
    pages: int | None = None


def inspect(file: IO[bytes], limits: Limits) -> Inspected:
    """Read an image's header; the file's name and declared type do not matter.

    Raises ImageRejected (`not_an_image`, `truncated_image`) and TooLarge (`too_many_pixels`,
    `too_many_pages`).
    """
    file.seek(0)
    try:
        with Image.open(file, formats=_READABLE) as image:
            found = Inspected(FORMATS[image.format or ""], *image.size)
    except UnidentifiedImageError as error:
        raise not_an_image() from error
    except Exception as error:
        # Pillow's readers meet hostile headers with many kinds of exceptions.
        raise truncated_image(error) from error
    check_pixels(found.width, found.height, limits)
    return replace(found, pages=len(pages_of(file, limits)) or None)
