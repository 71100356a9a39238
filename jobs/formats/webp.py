"""The size of a WebP, from its first chunk, which says it in any of the three kinds of them."""

import io
import struct
from typing import IO

from jobs.formats.images import not_understood, truncated_image

_HEAD_BYTES = 30
#: What stands before the sizes of a picture with loss, and of one without.
_LOSSY_SIGN, _LOSSLESS_SIGN = b"\x9d\x01\x2a", b"\x2f"
#: Bits of a size.
_SIZE_BITS = 14


def is_webp(head: bytes) -> bool:
    """True for what begins as a WebP."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def size_of(file: IO[bytes]) -> tuple[int, int]:
    """Width and height of the picture, or of the canvas where it is animated.

    Raises ImageRejected (`truncated_image`).
    """
    size_bytes = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if len(head) < _HEAD_BYTES or 8 + int.from_bytes(head[4:8], "little") > size_bytes + 1:
        raise truncated_image("its end is missing")
    kind, most = head[12:16], (1 << _SIZE_BITS) - 1
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L" and head[20:21] == _LOSSLESS_SIGN:
        (sizes,) = struct.unpack_from("<I", head, 21)
        return 1 + (sizes & most), 1 + (sizes >> _SIZE_BITS & most)
    if kind == b"VP8 " and head[23:26] == _LOSSY_SIGN:
        width, height = struct.unpack_from("<HH", head, 26)
        return width & most, height & most
    raise not_understood()
