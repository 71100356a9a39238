"""How much of the pixels of a HEIF or AVIF was never written: their decoders show a picture for zeros, too.

Packed pixels are as good as random, and the ends of them are never many zeros; files that were to be filled
later, by a download or a camera, and were not, end in nothing else.
"""

from io import BytesIO

from jobs.formats.heif import pixel_ranges
from jobs.formats.images import truncated_image

#: Zeros at the end of pixels that are no part of them.
_UNFILLED_BYTES = 64


def is_unfilled(data: bytes, least_part: float) -> bool:
    """True when some of the pixels were never written.

    Raises ImageRejected (`truncated_image`) when less than `least_part` of their bytes, 0 to 1, were.
    """
    ranges = [(start, min(end, len(data))) for start, end in pixel_ranges(BytesIO(data))]
    sizes = [max(0, end - start) for start, end in ranges]
    missing = sum(_unfilled_bytes(data[start:end]) for start, end in ranges)
    if missing and (part := 1 - missing / sum(sizes)) < least_part:
        raise truncated_image(
            f"{part:.0%} of its bytes are there; at least {least_part:.0%} have to be, EVA01_LEAST_IMAGE_PART"
        )
    return missing > 0


def _unfilled_bytes(packed: bytes) -> int:
    zeros = len(packed) - len(packed.rstrip(b"\0"))
    return zeros if zeros >= _UNFILLED_BYTES else 0
