"""Bytes to an upright RGB image, or a reason why not.

    header ──limits──► draft ──► pixels ──► orientation ──► 8 bits ──► alpha on paper ──► RGB

The limits are checked on the header, before anything is unpacked. Of an animation only the first frame is
ever read.
"""

import threading
import warnings
from dataclasses import dataclass, replace
from io import BytesIO
from math import sqrt

from PIL import Image, ImageFile, UnidentifiedImageError

from jobs.contract.codes import Code
from jobs.contract.errors import Eva01Error, ImageRejected, TooLarge
from jobs.contract.images import (
    FORMATS,
    check_bytes,
    check_pixels,
    not_an_image,
    set_pillows_guard,
    truncated_image,
)
from jobs.contract.models import Note
from jobs.contract.pages import beginning_with, pages_of
from jobs.contract.settings import Limits
from worker.job.decode.paper import on_paper
from worker.job.decode.samples import eight_bits
from worker.job.decode.upright import upright

#: The plug-ins that may open a file. MPO has none of its own: it opens as JPEG.
_OPENERS = tuple(name for name in FORMATS if name != "MPO")
#: An image with more pixels than this is decoded while no other such image is.
_BIG_PIXELS = 16_000_000
#: An image is scaled down early only to this many times the pixels that the model wants, so that its
#: own, better scaling still has something to average.
_MARGIN = 4


@dataclass(frozen=True)
class Decoded:
    """An upright RGB image, scaled down if it was huge, and the size it came in."""

    image: Image.Image
    #: Pixels of the upright original.
    width: int
    height: int
    #: What a reader of an answer has to know of the image.
    notes: tuple[Note, ...] = ()
    #: How many pages its file has; 1 where its format has none.
    pages: int = 1


class Decoder:
    """Decodes images within `limits`; safe to use from many threads.

    `enough_pixels` is the size beyond which the model gains nothing. Sets Pillow's own guard
    against bombs, which is one for the whole process, to the same limit.
    """

    def __init__(self, limits: Limits, enough_pixels: int) -> None:
        self._limits = limits
        self._keep_pixels = enough_pixels * _MARGIN
        self._one_big_at_a_time = threading.Lock()
        set_pillows_guard(Image, limits.max_image_pixels)
        # It warns of size, which is checked here, and of damaged side data, which takes nothing from the
        # picture.
        warnings.filterwarnings("ignore", module=r"PIL\.")

    def decode(self, data: bytes, page: int = 1) -> Decoded:
        """The image in `data`, or that page of it, counted from 1.

        Raises ImageRejected (`empty_file`, `not_an_image`, `truncated_image`) or TooLarge
        (`image_too_large`, `too_many_pixels`).
        """
        check_bytes(len(data), self._limits)
        pages = pages_of(BytesIO(data), self._limits)
        if page > max(1, len(pages)):
            raise ImageRejected(f"The file has no page {page}: it has {max(1, len(pages))}.")
        decoded = self._decode(beginning_with(data, pages[page - 1]) if pages else data)
        return replace(decoded, pages=max(1, len(pages)))

    def _decode(self, data: bytes) -> Decoded:
        with self._open(data) as opened:
            check_pixels(*opened.size, self._limits)
            if opened.width * opened.height <= _BIG_PIXELS:
                return self._unpack(opened)
            with self._one_big_at_a_time:
                return self._unpack(opened)

    def _open(self, data: bytes) -> ImageFile.ImageFile:
        try:
            return Image.open(BytesIO(data), formats=_OPENERS)
        except UnidentifiedImageError as error:
            raise not_an_image() from error
        except Image.DecompressionBombError as error:
            raise _too_many_pixels(error) from error
        except Exception as error:
            raise truncated_image(error) from error

    def _unpack(self, opened: ImageFile.ImageFile) -> Decoded:
        full_size = opened.size
        try:
            opened.draft(None, self._wanted_size(full_size))
            opened.load()
            turned = upright(opened)
            is_turned = turned.size != opened.size
            image = self._shrink(on_paper(eight_bits(turned)))
        except (Image.DecompressionBombError, MemoryError) as error:
            raise _too_many_pixels(error) from error
        except Eva01Error:
            raise
        except Exception as error:
            raise truncated_image(error) from error
        width, height = reversed(full_size) if is_turned else full_size
        return Decoded(image, width, height)

    def _wanted_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size to scale down to; a JPEG decoder that is asked for it skips finer detail."""
        scale = min(1.0, sqrt(self._keep_pixels / (size[0] * size[1])))
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    def _shrink(self, image: Image.Image) -> Image.Image:
        wanted = self._wanted_size(image.size)
        return image if wanted == image.size else image.resize(wanted, Image.Resampling.BOX)


def _too_many_pixels(error: Exception) -> TooLarge:
    return TooLarge(
        f"The image is too large to unpack ({error}). See EVA01_MAX_IMAGE_PIXELS.", code=Code.TOO_MANY_PIXELS
    )
