"""The size of a GIF's first picture, from its blocks.

signature, screen, [palette] ──► extensions, each in blocks of at most 255 bytes ──► picture
"""

import struct
from typing import IO

from jobs.formats.images import not_understood, truncated_image

SIGNATURES = (b"GIF87a", b"GIF89a")
#: Extensions, and blocks of them, before the first picture; real files have some hundreds.
_MOST_BLOCKS = 10_000
_SCREEN, _PICTURE = struct.Struct("<HHBxx"), struct.Struct("<HHHH")
_HAS_PALETTE = 0x80


def size_of(file: IO[bytes]) -> tuple[int, int]:
    """Width and height of the screen, or of the first picture where that goes beyond it.

    Raises ImageRejected (`truncated_image`).
    """
    file.seek(len(SIGNATURES[0]))
    try:
        width, height, flags = _SCREEN.unpack(file.read(_SCREEN.size))
        if flags & _HAS_PALETTE:
            file.seek(3 << (flags & 7) + 1, 1)
        _go_to_picture(file)
        left, top, across, down = _PICTURE.unpack(file.read(_PICTURE.size))
    except (struct.error, IndexError) as error:
        raise not_understood() from error
    return max(width, left + across), max(height, top + down)


def _go_to_picture(file: IO[bytes]) -> None:
    """Read on to behind the mark of the first picture."""
    in_extension = False
    for _ in range(_MOST_BLOCKS):
        if in_extension:
            size = file.read(1)[0]
            file.seek(size, 1)
            in_extension = bool(size)
        elif (mark := file.read(1)) == b",":
            return
        elif mark in (b"", b";"):
            raise truncated_image("it has no picture")
        elif mark == b"!":
            file.seek(1, 1)
            in_extension = True
    raise truncated_image(f"no picture begins in its first {_MOST_BLOCKS:,} blocks")
