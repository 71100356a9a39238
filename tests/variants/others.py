"""WebP, GIF, BMP, AVIF and HEIC."""

import struct
from itertools import groupby
from pathlib import Path

from PIL import Image

from tests.variants.exif import SIDEWAYS_BY
from tests.variants.picture import COLOR, encoded, over

_HEIC = Path(__file__).parent / "heic"
_SECOND = COLOR.point(lambda value: 255 - value)
WHITE, BLACK = (255, 255, 255, 255), (0, 0, 0, 255)


def heic(name: str) -> bytes:
    """One that was packed elsewhere."""
    return (_HEIC / f"{name}.heic").read_bytes()


def animated(image_format: str, **how: object) -> bytes:
    """The picture, and a second one behind it."""
    return encoded(COLOR, image_format, save_all=True, append_images=[_SECOND], **how)


def see_through(image_format: str, ink: tuple[int, int, int, int] = WHITE, **how: object) -> bytes:
    """The lettering on nothing."""
    return encoded(over(ink), image_format, **how)


def gif(**how: object) -> bytes:
    """The picture in a palette."""
    return encoded(COLOR.quantize(16, dither=Image.Dither.NONE), "GIF", **how)


def bmp_alpha(opacity: int) -> bytes:
    """A BMP of 32 bits a pixel whose header says where alpha is (its fifth version)."""
    red, green, blue = COLOR.transpose(Image.Transpose.FLIP_TOP_BOTTOM).split()
    pixels = Image.merge("RGBA", (blue, green, red, Image.new("L", COLOR.size, opacity))).tobytes()
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<IiiHHIIiiII", 124, *COLOR.size, 1, 32, 3, len(pixels), 2835, 2835, 0, 0) + masks
    header = header.ljust(124, b"\0")
    return b"BM" + struct.pack("<IHHI", 14 + 124 + len(pixels), 0, 0, 14 + 124) + header + pixels


def bmp_masked(*masks: int, compression: int = 3) -> bytes:
    """A BMP of 32 bits a pixel that says which of them are red, green and blue."""
    pixels = bytes(4 * COLOR.width * COLOR.height)
    header = struct.pack("<IiiHHIIiiII", 40, *COLOR.size, 1, 32, compression, len(pixels), 2835, 2835, 0, 0)
    header += struct.pack(f"<{len(masks)}I", *masks)
    return (
        b"BM" + struct.pack("<IHHI", 14 + len(header) + len(pixels), 0, 0, 14 + len(header)) + header + pixels
    )


def bmp_runs(image: Image.Image, *, rows: int | None = None) -> bytes:
    """A BMP of grey packed as runs (RLE8); with so many of its rows, the lowest, where `rows` says it."""
    packed = b""
    for top in reversed(range(image.height)[-(rows or image.height) :]):
        row = image.crop((0, top, image.width, top + 1)).tobytes()
        packed += b"".join(bytes((len([*run]), value)) for value, run in groupby(row)) + b"\0\0"
    packed = packed[:-2] + b"\0\1"
    palette = b"".join(bytes((value, value, value, 0)) for value in range(256))
    header = struct.pack("<IiiHHIIiiII", 40, *image.size, 1, 8, 1, len(packed), 0, 0, 256, 256) + palette
    size = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", size + len(packed), 0, 0, size) + header + packed


def turned(image_format: str, **how: object) -> bytes:
    """The picture lying on its side, with EXIF that says so."""
    side = COLOR.transpose(Image.Transpose.ROTATE_90)
    return encoded(side, image_format, exif=b"Exif\0\0" + SIDEWAYS_BY["good"], **how)


def cut(data: bytes, share: float) -> bytes:
    """The first part of a file."""
    return data[: round(len(data) * share)]


def unfilled(data: bytes, size_bytes: int) -> bytes:
    """A file of which so many bytes at the end were never written."""
    return data[:-size_bytes] + bytes(size_bytes)
