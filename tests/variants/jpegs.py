"""JPEGs: how colors are meant, how the camera was held, and what is left of them."""

import struct
from typing import Any

import numpy as np
from PIL import Image

from tests.variants.exif import SIDEWAYS_BY
from tests.variants.picture import COLOR, GREY, encoded


def jpeg(image: Image.Image = COLOR, **how: Any) -> bytes:
    """The picture as a good JPEG."""
    return encoded(image, "JPEG", **({"quality": 95, "subsampling": 0} | how))


def segment(marker: int, body: bytes) -> bytes:
    """A segment with its size."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def with_segments(*segments: bytes, image: Image.Image = COLOR) -> bytes:
    """The picture, and segments right behind its beginning."""
    whole = jpeg(image)
    return whole[:2] + b"".join(segments) + whole[2:]


def turned(exif: bytes = SIDEWAYS_BY["good"]) -> bytes:
    """The picture lying on its side, with EXIF that may say so."""
    body = b"Exif\0\0" + exif
    return with_segments(segment(0xE1, body), image=COLOR.transpose(Image.Transpose.ROTATE_90))


def cmyk() -> bytes:
    """The picture in printing colors, inverted as Adobe writes them."""
    return encoded(COLOR.convert("CMYK"), "JPEG", quality=95)


def without_marks(data: bytes) -> bytes:
    """A JPEG without the segments that say what its colors are (JFIF's and Adobe's)."""
    kept, place = data[:2], 2
    while data[place + 1] != 0xDA:
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        kept += b"" if data[place + 1] in (0xE0, 0xEE) else data[place:end]
        place = end
    return kept + data[place:]


def ycck() -> bytes:
    """Printing colors as brightness, two differences and black, as Photoshop writes them."""
    stored = np.asarray(Image.fromarray(255 - np.asarray(COLOR)).convert("YCbCr"))
    no_black = np.full((*stored.shape[:2], 1), 255, dtype=np.uint8)
    # Pillow inverts what it writes, and tells of no transform.
    planes = 255 - np.concatenate([stored, no_black], -1)
    data = encoded(Image.fromarray(planes, "CMYK"), "JPEG", quality=95)
    place = data.index(b"Adobe")
    return data[: place + 11] + b"\x02" + data[place + 12 :]


def without_end() -> bytes:
    """All but the end marker."""
    return jpeg()[:-2]


def cut(share: float, **how: Any) -> bytes:
    """The first part of the picture's data."""
    whole = jpeg(**how)
    start = whole.index(b"\xff\xda")
    return whole[: start + round((len(whole) - start) * share)]


def without_last_pass() -> bytes:
    """A progressive one whose last pass, and its tables, are not there."""
    whole = jpeg(progressive=True)
    return whole[: whole.rindex(b"\xff\xc4", 0, whole.rindex(b"\xff\xda"))] + b"\xff\xd9"


def damaged() -> bytes:
    """Other bytes in the data of the fifth row of blocks, and those behind it as they were."""
    whole = jpeg(restart_marker_rows=1)
    place = whole.index(b"\xff\xd3") + 2
    return whole[:place] + b"\x55\xfe" * 20 + whole[place + 40 :]


def twelve_bits() -> bytes:
    """One that says it has 12 bits a sample."""
    whole = jpeg()
    place = whole.index(b"\xff\xc0")
    return whole[: place + 4] + b"\x0c" + whole[place + 5 :]


def of_a_phone() -> bytes:
    """Two pictures in one file, as phones write depth or a larger range of light beside the first."""
    second = [GREY.convert("RGB")]
    return encoded(COLOR, "MPO", save_all=True, append_images=second, quality=95, subsampling=0)
