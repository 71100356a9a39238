"""The size of a HEIF's or AVIF's picture, from its boxes: nothing of a decoder is needed for that.

ftyp, meta ──► pitm: which item is the picture
          └──► iprp ──► ipco: properties, ipma: which item has which ──► ispe, irot
"""

import struct
from collections.abc import Iterator
from typing import IO

from jobs.formats.images import truncated_image

#: Bytes of the box that describes the items, boxes in a box, and items with properties; real ones have some
#: thousands of bytes, and a few hundred of either.
_MOST_BYTES = 4 << 20
_MOST_BOXES = 10_000
_MOST_ITEMS = 65_536


def size_of(file: IO[bytes]) -> tuple[int, int]:
    """Width and height of the picture as it is shown.

    Raises ImageRejected (`truncated_image`).
    """
    try:
        return _size(_meta(file))
    except (struct.error, IndexError, KeyError, StopIteration) as error:
        raise truncated_image("its header cannot be understood") from error


def _meta(file: IO[bytes]) -> bytes:
    place = 0
    for _ in range(_MOST_BOXES):
        file.seek(place)
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            head = 16
        if kind == b"meta":
            # Four bytes of version and flags come first.
            return file.read(min(size - head, _MOST_BYTES))[4:]
        if size < head:
            break
        place += size
    raise KeyError("meta")


def _size(meta: bytes) -> tuple[int, int]:
    boxes = dict(_boxes(meta))
    primary = struct.unpack_from(">I" if boxes[b"pitm"][0] else ">H", boxes[b"pitm"], 4)[0]
    properties = dict(_boxes(boxes[b"iprp"]))
    listed = list(_boxes(properties[b"ipco"]))
    own = [listed[index - 1] for index in _indexes(properties[b"ipma"], primary) if 0 < index <= len(listed)]
    width, height = struct.unpack_from(">II", next(body for kind, body in own if kind == b"ispe"), 4)
    if not width or not height:
        raise KeyError("size")
    turns = sum(body[0] & 3 for kind, body in own if kind == b"irot")
    return (height, width) if turns % 2 else (width, height)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    for _ in range(_MOST_BOXES):
        if place + 8 > len(data):
            return
        size, kind = struct.unpack_from(">I4s", data, place)
        if size < 8:
            return
        yield kind, data[place + 8 : place + size]
        place += size
    raise KeyError("no end of boxes")


def _indexes(ipma: bytes, wanted: int) -> list[int]:
    """The numbers of an item's properties, from 1."""
    version, is_wide = ipma[0], ipma[3] & 1
    (entries,) = struct.unpack_from(">I", ipma, 4)
    place = 8
    for _ in range(min(entries, _MOST_ITEMS)):
        (item,) = struct.unpack_from(">I" if version else ">H", ipma, place)
        place += 4 if version else 2
        count = ipma[place]
        numbers = struct.unpack_from(f">{count}{'H' if is_wide else 'B'}", ipma, place + 1)
        if item == wanted:
            return [number & (0x7FFF if is_wide else 0x7F) for number in numbers]
        place += 1 + count * (2 if is_wide else 1)
    raise KeyError(wanted)
