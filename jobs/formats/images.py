"""What may be sent as an image, and the reasons for refusing one; web and worker speak of it alike.

The sizes come from whoever reads the file: this module decodes nothing.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from jobs.contract.codes import Code
from jobs.contract.discreet import without_places
from jobs.contract.errors import ImageRejected, TooLarge
from jobs.contract.settings import Limits

#: What is accepted: Pillow's name of the format, and its media type. MPO is how phones write some JPEGs, and
#: HEIC is what they write as HEIF, which a package of its own reads. Another one draws the pages of PDFs.
FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "JPEG": "image/jpeg",
        "MPO": "image/jpeg",
        "PNG": "image/png",
        "WEBP": "image/webp",
        "GIF": "image/gif",
        "BMP": "image/bmp",
        "TIFF": "image/tiff",
        "AVIF": "image/avif",
        "HEIF": "image/heic",
        "PDF": "application/pdf",
    }
)

#: How files of each are usually called; the content decides, but who chooses among files goes by their names.
ENDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "JPEG": ("jpg", "jpeg", "jpe", "jfif", "jif", "pjp", "pjpeg"),
        "MPO": ("mpo",),
        "PNG": ("png", "apng"),
        "WEBP": ("webp",),
        "GIF": ("gif",),
        "BMP": ("bmp", "dib"),
        "TIFF": ("tif", "tiff"),
        "AVIF": ("avif", "avifs"),
        "HEIF": ("heic", "heics", "heif", "heifs", "hif"),
        "PDF": ("pdf",),
    }
)

#: The package that reads a format which not every installation can read.
READERS: Mapping[str, str] = MappingProxyType({"HEIF": "pi-heif", "AVIF": "Pillow>=12"})

#: Passes over the largest image that is taken. Programs write about ten.
_MOST_PASSES = 20

#: What every browser shows.
SHOWN_BY_BROWSERS = frozenset(
    {"image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/avif"}
)

#: How Pillow's words begin about a BMP that may be whole, and that it does not read.
_UNUSUAL_BMP = "Unsupported BMP "


def set_pillows_guard(image_module: Any, most_pixels: int | None) -> None:
    """Set Pillow's own guard against bombs, which is one for the whole process (`image_module`: PIL.Image).

    None turns it off, where only headers are read: our own limit names its setting and the image's size.
    Pillow warns beyond half of `most_pixels`, which says nothing that is not checked here, and refuses
    beyond it.
    """
    image_module.MAX_IMAGE_PIXELS = None if most_pixels is None else most_pixels // 2 + 1


def check_bytes(size_bytes: int, limits: Limits) -> None:
    """Raises ImageRejected (`empty_file`) and TooLarge (`image_too_large`)."""
    if size_bytes == 0:
        raise ImageRejected("The file is empty. Send it again.", code=Code.EMPTY_FILE)
    if size_bytes > limits.max_image_bytes:
        raise TooLarge(
            f"The file has {size_bytes:,} bytes; the limit is {limits.max_image_bytes:,}"
            " (EVA01_MAX_IMAGE_BYTES). Send a smaller one.",
            code=Code.IMAGE_TOO_LARGE,
        )


def check_pixels(width: int, height: int, limits: Limits) -> None:
    """Raises TooLarge (`too_many_pixels`, `image_too_long`); sides are those of the file, before any turn."""
    if width * height > limits.max_image_pixels:
        raise TooLarge(
            f"The image has {width:,} × {height:,} pixels; the limit is {limits.max_image_pixels:,} in all"
            " (EVA01_MAX_IMAGE_PIXELS). Send a smaller one.",
            code=Code.TOO_MANY_PIXELS,
        )
    _check_side("wide", width, limits.max_image_width, "EVA01_MAX_IMAGE_WIDTH")
    _check_side("high", height, limits.max_image_height, "EVA01_MAX_IMAGE_HEIGHT")


def _check_side(way: str, pixels: int, most: int, setting: str) -> None:
    if pixels > most:
        raise TooLarge(
            f"The image is {pixels:,} pixels {way}; the limit is {most:,} ({setting}). Cut it into parts.",
            code=Code.IMAGE_TOO_LONG,
        )


def check_passes(passes: int, pixels: int, limits: Limits) -> None:
    """Raises TooLarge (`too_many_pixels`) when decoding a JPEG goes over its pixels too often.

    Each pass takes as long as there are pixels, however few bytes it has.
    """
    most = min(limits.max_jpeg_passes, _MOST_PASSES * limits.max_image_pixels // max(1, pixels))
    if passes > most:
        raise TooLarge(
            f"The JPEG, or those in it, go over {pixels:,} pixels in more than {most:,} passes, the most for"
            " so many (EVA01_MAX_JPEG_PASSES, EVA01_MAX_IMAGE_PIXELS). Save it again, as an ordinary JPEG.",
            code=Code.TOO_MANY_PIXELS,
        )


def not_an_image() -> ImageRejected:
    """The file's content is none of the formats."""
    return ImageRejected(
        "The content of the file is not an image that can be read, whatever its name says."
        " Send JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, HEIC or PDF."
    )


def not_understood() -> ImageRejected:
    """The file begins as one of the formats, and its header makes no sense."""
    return truncated_image("its header cannot be understood")


def not_opened(error: Exception) -> ImageRejected:
    """What Pillow has said of a header that it does not read."""
    said = str(error)
    if said.startswith(_UNUSUAL_BMP):
        kind = f"a BMP of an unusual kind ({said.removeprefix(_UNUSUAL_BMP)})"
        return unsupported_format(kind, "Save it as PNG, or as BMP with 24 bits a pixel")
    return truncated_image(error)


def truncated_image(reason: object) -> ImageRejected:
    """The file begins as an image and does not go on as one."""
    said = " ".join(without_places(str(reason)).split()).removesuffix(".")
    return ImageRejected(
        f"The image is cut short or damaged ({said}). Send the whole file.", code=Code.TRUNCATED_IMAGE
    )


def unsupported_format(what: str, remedy: str) -> ImageRejected:
    """The file is known, and is not read; `what` it is, and what to do: both without a full stop."""
    return ImageRejected(f"This is {what}, which is not read here. {remedy}.", code=Code.UNSUPPORTED_FORMAT)


def reader_missing(name: str) -> ImageRejected:
    """The format is one of FORMATS, and what reads it is not installed."""
    remedy = f"Install what reads it on the server (pip install '{READERS[name]}'), or export it as JPEG"
    return unsupported_format(f"{_a(name)} picture", remedy)


def _a(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
