"""The pixels of a file, or what is there of them, as they are stored: neither turned nor on paper.

open ──► load ──► whole
           └────► cut short ──► the rows that are there ──► enough of them, or refused
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError, features
from PIL.TiffImagePlugin import TiffImageFile

from jobs.contract.codes import Code
from jobs.contract.errors import TooLarge
from jobs.formats.images import (
    FORMATS,
    not_an_image,
    not_opened,
    not_understood,
    reader_missing,
    truncated_image,
)
from jobs.formats.tiff import layout_of
from jobs.formats.unread import begins_as_image, is_avif
from worker.job.decode import jpeg_end
from worker.job.decode.jpeg_check import is_damaged
from worker.job.decode.packing import Samples
from worker.job.decode.partial import Part, may_be_partial, what_is_there
from worker.job.decode.picture import Plain
from worker.job.decode.strips import Rows, rows_of
from worker.job.decode.tones import deep
from worker.job.decode.tones.samples import Channels, eight_bits, from_channels

#: The plug-ins that may open a file. MPO has none of its own: it opens as JPEG. Others read HEIF and PDF.
_OPENERS = tuple(name for name in FORMATS if name not in ("MPO", "HEIF", "PDF"))
#: Bytes of rows that are unpacked at a time.
_UNPACKED_BYTES = 1 << 23
#: What Pillow says when a file ends too early; of damage it says something else.
_CUT_SHORT = "truncated"


@dataclass(frozen=True)
class Pixels:
    """Pixels of 8 bits a sample, as stored, made some rows at a time."""

    size: tuple[int, int]
    rows: Rows
    #: What the rows are made of; nobody needs it when they are made.
    loaded: Image.Image
    #: What is there of it; None for all.
    part: Part | None = None
    #: True when some of it is damaged, and shows what was never there.
    is_damaged: bool = False


class _Bytes(TiffImageFile):
    """A TIFF whose pixels are bytes of samples: there may be more of them than Pillow's guard allows pixels.

    Its pixels are counted before, and there is room for the bytes.
    """

    def load_prepare(self) -> None:
        """As Pillow does it, without the guard."""
        if self._im is None:
            self._im = Image.new(self.mode, self.size).im
        super().load_prepare()


def opened(file: Plain) -> ImageFile.ImageFile:
    """The file, with nothing of it unpacked; raises ImageRejected or TooLarge."""
    head = file.data[:64]
    if is_avif(head) and not features.check("avif"):
        raise reader_missing("AVIF")
    try:
        if file.packing and layout_of(file.data):
            image: ImageFile.ImageFile = _Bytes(BytesIO(file.data))
        else:
            image = Image.open(BytesIO(file.data), formats=_OPENERS)
    except UnidentifiedImageError as error:
        raise (not_understood() if begins_as_image(head) else not_an_image()) from error
    except Image.DecompressionBombError as error:
        raise too_many_pixels(error) from error
    except Exception as error:
        raise not_opened(error) from error
    if file.unstored:
        # One that begins with the file is not stored; libtiff is given others in place of such.
        image.tile = [tile for tile in image.tile if tile.offset or tile.codec_name == "libtiff"]
    return image


def pixels_of(image: Image.Image) -> Pixels:
    """An image that is loaded, and whole."""
    return Pixels(image.size, eight_bits(image), image)


def read(file: Plain, image: ImageFile.ImageFile, size: tuple[int, int], least_part: float) -> Pixels:
    """Load an opened file; a JPEG may come smaller, but not smaller than `size`.

    Raises ImageRejected (`truncated_image`) when less than `least_part` of it, 0 to 1, is there.
    """
    if file.jpeg:
        return _read_jpeg(file, image, size, least_part)
    is_bad = file.is_damaged or bool(
        file.deflated and file.deflated.may_be_damaged(file.data, file.gap[0] if file.gap else len(file.data))
    )
    way = deep.way_of(image)
    try:
        image.load()
    except OSError as error:
        if _CUT_SHORT not in str(error) and not file.gap:
            raise
    else:
        if not file.gap and not may_be_partial(image):
            is_bad = is_bad or any(map(is_damaged, file.strips))
            return _pixels(file, image, None, way, is_damaged=is_bad)
    # It is read anew, twice.
    image.close()
    there, part = what_is_there(lambda ground: opened(file.on(ground)))
    if file.rows is not None:
        part = Part(0, min(file.rows, there.height), there.height)
    _check_part(part.share, least_part)
    return _pixels(file, there, None if part.is_whole else part, way, is_damaged=is_bad)


def _read_jpeg(file: Plain, image: ImageFile.ImageFile, size: tuple[int, int], least_part: float) -> Pixels:
    parts = file.jpeg
    assert parts is not None
    image.load()

    def decode(data: bytes) -> Image.Image:
        again = Image.open(BytesIO(data), formats=("JPEG",))
        # Where the data end is seen in the brightness, which takes a quarter of the memory.
        again.draft("L", size)
        again.load()
        return again

    found = jpeg_end.look_at(parts, image, decode)
    _check_part(found.share, least_part)
    part = Part(0, round(found.share * image.height), image.height) if found.is_incomplete else None
    return Pixels(image.size, rows_of(image), image, part, found.is_damaged)


def _check_part(share: float, least: float) -> None:
    if share < least:
        raise truncated_image(
            f"{share:.0%} of its rows are there; at least {least:.0%} have to be, EVA01_LEAST_IMAGE_PART"
        )


def _pixels(
    file: Plain, image: Image.Image, part: Part | None, way: str, *, is_damaged: bool = False
) -> Pixels:
    if file.unstored and not file.packing:
        file.unstored.paint(image)
    deep.with_all_bits(image, way, lambda: opened(file), file.bits, file.unstored)
    rows, size = _eight_bits(file, image), image.size
    if file.packing:
        size = file.packing.width, image.height
    return Pixels(size, _inverted(rows) if file.is_inverted else rows, image, part, is_damaged)


def _eight_bits(file: Plain, image: Image.Image) -> Rows:
    packing = file.packing
    if not packing:
        shown = _opaque_if_bmp(image)
        return eight_bits(shown, file.bits, is_unsigned=file.is_unsigned, no_data=file.no_data)

    def unpacked(top: int, end: int) -> Samples:
        return packing.unpack(image.crop((0, top, image.width, end)))

    def channels(top: int, end: int) -> Channels:
        # A row may have far more samples, or wider tiles, than are shown.
        step = max(1, _UNPACKED_BYTES // packing.row_bytes)
        samples = np.concatenate([unpacked(row, min(row + step, end)) for row in range(top, end, step)])
        samples = file.unstored.fill(samples, top) if file.unstored else samples
        return [samples[..., channel] for channel in range(len(packing.shown))]

    return from_channels(
        (packing.width, image.height),
        channels,
        file.bits,
        has_alpha=packing.alpha is not None,
        is_premultiplied=packing.is_premultiplied,
        no_data=file.no_data,
    )


def _inverted(rows: Rows) -> Rows:
    def inverted(top: int, end: int) -> Image.Image:
        strip = rows(top, end)
        strip = strip.convert("LA") if strip.mode == "La" else strip
        bands = list(strip.split())
        bands[0] = bands[0].point(lambda sample: 255 - sample)
        return Image.merge(strip.mode, bands)

    return inverted


def _opaque_if_bmp(image: Image.Image) -> Image.Image:
    """The image; a BMP whose alpha is zero everywhere has none: many programs write nothing there."""
    if image.format == "BMP" and image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0):
        image.putalpha(255)
    return image


def too_many_pixels(error: BaseException) -> TooLarge:
    """Unpacking needs more than there is."""
    return TooLarge(
        f"The image is too large to unpack ({error}). See EVA01_MAX_IMAGE_PIXELS.", code=Code.TOO_MANY_PIXELS
    )
