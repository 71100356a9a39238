"""An image as its camera was held: the orientation is found by its tag alone, whatever else is damaged.

[Exif\\0\\0] ──► II or MM ──► first directory ──► tag 0x0112 ──► 1 to 8
"""

import struct

from PIL import Image

_HEADER, _HEADER_BYTES = b"Exif\0", 6
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ORIENTATION = 0x0112
#: How the tag's number may be written, by its type.
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation_in(exif: bytes) -> int:
    """How the image has to be turned, 1 (not at all) to 8; 1 where EXIF says nothing that can be read."""
    while exif.startswith(_HEADER):
        exif = exif[_HEADER_BYTES:]
    order = _ORDERS.get(exif[:4])
    if order is None or len(exif) < 8:
        return 1
    (place,) = struct.unpack_from(order + "I", exif, 4)
    if place + 2 > len(exif):
        return 1
    (count,) = struct.unpack_from(order + "H", exif, place)
    for entry in range(place + 2, min(place + 2 + 12 * count, len(exif) - 11), 12):
        tag, kind = struct.unpack_from(order + "HH", exif, entry)
        if tag == _ORIENTATION and kind in _NUMBERS:
            (value,) = struct.unpack_from(order + _NUMBERS[kind], exif, entry + 8)
            return value if value in _TURNS else 1
    return 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The image turned by an orientation of 1 to 8, as EXIF numbers them."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image
