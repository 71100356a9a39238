"""An image as its camera was held: the orientation is found by its tag alone, whatever else is damaged.

[Exif\\0\\0] ──► TIFF ──► first directory, or what is there of it ──► orientation ──► 1 to 8
"""

from io import BytesIO

from PIL import Image

from jobs.contract.errors import ImageRejected
from jobs.formats import tiff

_HEADER, _HEADER_BYTES = b"Exif\0", 6
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
    layout = tiff.layout_of(exif)
    if layout is None:
        return 1
    try:
        directory = tiff.first_directory(BytesIO(exif), layout, may_be_cut=True)
    except ImageRejected:
        return 1
    orientation = directory.own_number(tiff.ORIENTATION)
    return orientation if orientation in _TURNS else 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The image turned by an orientation of 1 to 8, as EXIF numbers them."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image
