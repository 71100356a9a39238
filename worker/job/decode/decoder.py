"""Bytes to an upright RGB image, or a reason why not.

    file ──► picture alone ──► header ──limits──► pixels of 8 bits, or what is there of them
         ──► on paper, RGB ──► upright ──► scaled down

The limits are checked on the header, before anything is unpacked. Of an animation only the first frame is
ever read.
"""

import threading
import warnings
from dataclasses import dataclass, replace
from io import BytesIO
from math import sqrt

from PIL import Image, ImageFile

from jobs.contract.errors import Eva01Error, ImageRejected
from jobs.contract.models import Note
from jobs.contract.settings import Limits
from jobs.formats.images import check_bytes, check_pixels, set_pillows_guard, truncated_image
from jobs.formats.pages import beginning_with, pages_of
from jobs.formats.unread import check_kind
from worker.job.decode.frames import is_animated
from worker.job.decode.paper import on_paper
from worker.job.decode.plain import Plain, plain
from worker.job.decode.reading import Pixels, opened, read, too_many_pixels
from worker.job.decode.upright import orientation_in, upright

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

        Raises ImageRejected (`empty_file`, `not_an_image`, `truncated_image`, `unsupported_format`) or
        TooLarge (`image_too_large`, `too_many_pixels`).
        """
        check_bytes(len(data), self._limits)
        check_kind(BytesIO(data))
        pages = pages_of(BytesIO(data), self._limits)
        if page > max(1, len(pages)):
            raise ImageRejected(f"The file has no page {page}: it has {max(1, len(pages))}.")
        decoded = self._decode(beginning_with(data, pages[page - 1]) if pages else data)
        return replace(decoded, pages=max(1, len(pages)))

    def _decode(self, data: bytes) -> Decoded:
        file = plain(data, self._limits)
        with opened(file) as image:
            size = (file.packing.width, image.height) if file.packing else image.size
            check_pixels(*size, self._limits)
            if size[0] * size[1] <= _BIG_PIXELS:
                return self._unpack(file, image, size)
            with self._one_big_at_a_time:
                return self._unpack(file, image, size)

    def _unpack(self, file: Plain, image: ImageFile.ImageFile, size: tuple[int, int]) -> Decoded:
        try:
            notes = [Note.FIRST_FRAME] if is_animated(file, image) else []
            orientation = _orientation(file, image)
            pixels = read(file, image, self._wanted_size(size), self._limits.least_image_part)
            notes += [Note.IMAGE_INCOMPLETE] if pixels.part else []
            notes += [Note.IMAGE_DAMAGED] if pixels.is_damaged else []
            shown = self._shrink(upright(_shown(pixels), orientation))
        except (Image.DecompressionBombError, MemoryError) as error:
            raise too_many_pixels(error) from error
        except Eva01Error:
            raise
        except Exception as error:
            raise truncated_image(error) from error
        width, height = reversed(size) if orientation > 4 else size
        return Decoded(shown, width, height, tuple(notes))

    def _wanted_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size to scale down to; a JPEG decoder that is asked for it skips finer detail."""
        scale = min(1.0, sqrt(self._keep_pixels / (size[0] * size[1])))
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    def _shrink(self, image: Image.Image) -> Image.Image:
        wanted = self._wanted_size(image.size)
        return image if wanted == image.size else image.resize(wanted, Image.Resampling.BOX)


def _shown(pixels: Pixels) -> Image.Image:
    image = on_paper(pixels.image)
    return pixels.part.blanked(image) if pixels.part else image


def _orientation(file: Plain, image: ImageFile.ImageFile) -> int:
    """From the file; else from the EXIF that the format's reader has found.

    AVIF says it with its pixels, and its reader writes that into the EXIF.
    """
    if file.orientation is not None:
        return file.orientation
    return orientation_in(image.info.get("exif") or b"")
