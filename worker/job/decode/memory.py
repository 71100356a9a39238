"""The memory that decoding takes, told by the header before any is taken, and given back afterwards."""

import ctypes
import sys
from collections.abc import Callable

from PIL import ImageFile

from worker.job.decode.picture import Plain

#: Bytes of a loaded pixel by its mode, where they are not four.
_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
_RGB_BYTES = 4
#: Bytes a pixel of the decoders of whole pictures: they keep several copies, and hand over one more.
_WHOLE = {"WEBP": 18, "AVIF": 18}
#: The same of HEIF, most of them in the process that reads it.
HEIF_BYTES = 12
#: Bytes of which it is worth the while to give them back to the machine.
WORTH_GIVING_BACK_BYTES = 32 << 20
#: Bytes that unpacking a row takes for each of its bytes.
_UNPACKING = 32
#: Bytes of a coefficient of a JPEG that is read in several passes.
_COEFFICIENT_BYTES = 2


def needed_for(image: ImageFile.ImageFile, file: Plain, made_pixels: int) -> int:
    """Bytes at the peak of decoding an opened picture, and scaling it down to so many pixels.

    A JPEG is as large as it will be loaded, which may be smaller than it is.
    """
    pixels = image.width * image.height
    if image.format in _WHOLE:
        return _WHOLE[image.format] * pixels
    loaded = _BYTES.get(image.mode, _RGB_BYTES) * pixels
    # A second one is loaded where the first is not whole, or lacks the lower bits of its samples.
    second = loaded
    is_deep_tiff = image.format == "TIFF" and ";16" in _way(image)
    if is_deep_tiff or (image.mode == "CMYK" and file.jpeg):
        # A strip may be as high as the picture, of samples of 16 bits. Of such JPEGs three may be compared.
        second = 2 * loaded
    # Samples of odd bits take the most to unpack: places and shifts of each, of a row at least.
    row_bytes = file.packing.row_bytes if file.packing else 0
    return loaded + max(second, _RGB_BYTES * made_pixels, _coefficients(file), _UNPACKING * row_bytes)


def _way(image: ImageFile.ImageFile) -> str:
    return str(image.tile[0].args) if image.tile else ""


def _coefficients(file: Plain) -> int:
    """Bytes that the decoder of a JPEG, or of one in a TIFF, keeps from one pass to the next."""
    if file.kept_bytes:
        # A strip is made as a whole besides.
        return _RGB_BYTES * file.kept_bytes // (3 * _COEFFICIENT_BYTES) + file.kept_bytes
    jpeg = file.jpeg
    if jpeg is None or not jpeg.has_passes:
        return 0
    most = max(across * down for _, across, down in jpeg.frame.components)
    samples = sum(across * down for _, across, down in jpeg.frame.components)
    return _COEFFICIENT_BYTES * jpeg.frame.width * jpeg.frame.height * samples // max(1, most)


def give_back() -> None:
    """Return free memory to the machine, of which the allocator would keep what it may need again.

    A worker that has decoded one large picture would else be as large as that for the rest of its life.
    """
    if _trim is not None:
        _trim(0)


def _found() -> "Callable[[int], int] | None":
    """The C library's own function; None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return None


_trim = _found()
