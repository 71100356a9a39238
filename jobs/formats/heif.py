"""The size of a HEIF's or AVIF's picture, and where its pixels lie: nothing of a decoder is needed for that.

ftyp, meta ──► pitm: which item is the picture
          ├──► iprp ──► ipco: properties, ipma: which item has which ──► ispe, irot
          └──► iref: which items it is made of, iloc: where each lies
"""

import struct
from collections.abc import Iterator, Mapping
from typing import IO

from jobs.formats.images import truncated_image

#: Bytes of the box that describes the items, boxes in a box, and items with properties; real ones have some
#: thousands of bytes, and a few hundred of either.
_MOST_BYTES = 4 << 20
#: Bytes of a box: more than any file has, and few enough to be counted to.
_LARGEST_BYTES = 1 << 48
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


def pixel_ranges(file: IO[bytes]) -> list[tuple[int, int]]:
    """Where the packed pixels of the picture, or of the tiles it is made of, begin in the file and end.

    Those that the file does not tell are left out.
    """
    try:
        boxes = dict(_boxes(_meta(file)))
        primary = _primary(boxes)
        tiles = _parts(boxes.get(b"iref", bytes(4)), primary)
        return [place for item in tiles or [primary] for place in _places(boxes[b"iloc"]).get(item, ())]
    except (struct.error, IndexError, KeyError):
        return []


def _meta(file: IO[bytes]) -> bytes:
    place = 0
    for _ in range(_MOST_BOXES):
        file.seek(place)
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            head = 16
        elif size == 0:
            # So says the last box: it goes on to the file's end.
            size = _LARGEST_BYTES
        if not head <= size <= _LARGEST_BYTES:
            break
        if kind == b"meta":
            # Four bytes of version and flags come first.
            return file.read(min(size - head, _MOST_BYTES))[4:]
        place += size
    raise KeyError("meta")


def _size(meta: bytes) -> tuple[int, int]:
    boxes = dict(_boxes(meta))
    primary = _primary(boxes)
    properties = dict(_boxes(boxes[b"iprp"]))
    listed = list(_boxes(properties[b"ipco"]))
    own = [listed[index - 1] for index in _indexes(properties[b"ipma"], primary) if 0 < index <= len(listed)]
    width, height = struct.unpack_from(">II", next(body for kind, body in own if kind == b"ispe"), 4)
    if not width or not height:
        raise KeyError("size")
    turns = sum(body[0] & 3 for kind, body in own if kind == b"irot")
    return (height, width) if turns % 2 else (width, height)


def _primary(boxes: Mapping[bytes, bytes]) -> int:
    """The number of the item that is the picture."""
    pitm = boxes[b"pitm"]
    return int(struct.unpack_from(">I" if pitm[0] else ">H", pitm, 4)[0])


def _parts(iref: bytes, whole: int) -> list[int]:
    """The items that an item is made of; none for one that is a picture itself."""
    number, size = (">I", 4) if iref[0] else (">H", 2)
    for kind, body in _boxes(iref[4:]):
        if kind == b"dimg" and struct.unpack_from(number, body)[0] == whole:
            (count,) = struct.unpack_from(">H", body, size)
            return list(struct.unpack_from(f">{count}{number[1]}", body, size + 2))
    return []


def _places(iloc: bytes) -> dict[int, list[tuple[int, int]]]:
    """Where in the file each item begins and ends, piece by piece."""
    numbers = _Numbers(iloc)
    version = numbers.next(4) >> 24
    sizes = numbers.next(1), numbers.next(1)
    of_offset, of_length, of_base, of_index = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4, sizes[1] & 15
    wide = 4 if version == 2 else 2
    found: dict[int, list[tuple[int, int]]] = {}
    for _ in range(numbers.next(wide)):
        item = numbers.next(wide)
        # Where it is counted from: 0 is the beginning of the file.
        origin = numbers.next(2) & 15 if version else 0
        base = numbers.next(2 + of_base) & ((1 << 8 * of_base) - 1)
        for _ in range(numbers.next(2)):
            numbers.next(of_index if version else 0)
            start = base + numbers.next(of_offset)
            length = numbers.next(of_length)
            if origin == 0 and length:
                found.setdefault(item, []).append((start, start + length))
    return found


class _Numbers:
    """Numbers of so many bytes, one after the other; raises IndexError at their end, and for very many."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place, self._left = data, 0, 8 * _MOST_ITEMS

    def next(self, size: int) -> int:
        """The next one."""
        begin, self._place, self._left = self._place, self._place + size, self._left - 1
        if self._place > len(self._data) or self._left < 0:
            raise IndexError("no end of numbers")
        return int.from_bytes(self._data[begin : self._place], "big")


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
