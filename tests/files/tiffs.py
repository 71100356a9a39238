"""TIFFs written tag by tag, for tests: also such as no library would write."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, NamedTuple

from PIL import Image, ImageDraw

#: Kinds of images: a smaller version of another, one of several pages, a mask.
REDUCED, ONE_OF_SEVERAL, MASK = 1, 2, 4
_ASCII, _SHORT, _LONG, _LONG8 = 2, 3, 4, 16
#: Tags that programs write with 16 bits; others have 32, and places in a BigTIFF 64.
_SHORTS = frozenset({258, 259, 262, 266, 277, 284, 317, 338, 339})
_LETTERS = {_SHORT: "H", _LONG: "I", _LONG8: "Q"}
#: Where strips lie and how many bytes they have; the same of tiles.
_STRIPS, _TILES = (273, 279), (324, 325)
_TILE_WIDTH = 322
#: A number, several, a text, or (type, count, bytes) as it is to be written.
Value = int | Sequence[int] | bytes | tuple[int, int, bytes]


@dataclass(frozen=True)
class Directory:
    """An image of a TIFF: grey, 8 bits, one strip; `kind` and `old_kind` are left out where they are None."""

    image: Image.Image
    kind: int | None = None
    old_kind: int | None = None
    #: Tags in place of its own.
    tags: dict[int, int] = field(default_factory=dict)


def page(number: int, size: tuple[int, int] | None = None) -> Image.Image:
    """A page with its number on it, as wide as 100 and its number."""
    image = Image.new("L", size or (100 + number, 80), 255)
    ImageDraw.Draw(image).text((10, 10), f"PAGE {number}", fill=0, font_size=20)
    return image


class Part(NamedTuple):
    """An image as a file has it: its tags, and its strips or tiles; None for one that is not stored."""

    tags: Mapping[int, Value]
    blocks: Sequence[bytes | None]


class _Layout(NamedTuple):
    order: str
    is_big: bool

    def pack(self, letters: str, *numbers: int) -> bytes:
        return struct.pack(self.order + letters, *numbers)

    def place(self, number: int) -> bytes:
        return self.pack("Q" if self.is_big else "I", number)


def file_of(
    parts: Sequence[Part],
    *,
    order: str = "<",
    is_big: bool = False,
    last: int | None = None,
    is_directory_first: bool = True,
) -> bytes:
    """A TIFF; behind its last directory comes none, or what is at byte `last`, or -1: its first one again."""
    layout = _Layout(order, is_big)
    file = bytearray({"<": b"II", ">": b"MM"}[order])
    file += layout.pack("HHH", 43, 8, 0) if is_big else layout.pack("H", 42)
    link, firsts = len(file), list[int]()
    file += layout.place(0)
    for part in parts:
        if not is_directory_first:
            places = _places(part, len(file))
            file += b"".join(filter(None, part.blocks))
            file += b"\0" * (-len(file) % 8)
        else:
            places = _places(
                part, len(file) + len(b"".join(_directory(part, [0] * len(part.blocks), 0, layout)))
            )
        firsts.append(len(file))
        file[link : link + len(layout.place(0))] = layout.place(len(file))
        listed, beside = _directory(part, places, len(file), layout)
        link = len(file) + len(listed) - len(layout.place(0))
        file += listed + beside
        file += b"".join(filter(None, part.blocks)) if is_directory_first else b""
    if last is not None:
        file[link : link + len(layout.place(0))] = layout.place(firsts[0] if last == -1 else last)
    return bytes(file)


def _places(part: Part, start: int) -> list[int]:
    places = list[int]()
    for block in part.blocks:
        places.append(0 if block is None else start)
        start += len(block or b"")
    return places


def _directory(part: Part, places: Sequence[int], start: int, layout: _Layout) -> tuple[bytes, bytes]:
    """A directory that begins at that byte, and the values for which it has no room, behind it."""
    names = _TILES if _TILE_WIDTH in part.tags else _STRIPS
    own = {names[0]: places, names[1]: [len(block or b"") for block in part.blocks]}
    tags = own | dict(part.tags)
    entries, beside = b"", b""
    room = 8 if layout.is_big else 4
    start += (8 if layout.is_big else 2) + len(tags) * (12 + 2 * (room - 4)) + room
    for tag, value in sorted(tags.items()):
        kind, count, body = _written_value(tag, value, layout)
        if len(body) > room:
            place, beside = start + len(beside), beside + body
            body = layout.place(place)
        entries += layout.pack("HHQ" if layout.is_big else "HHI", tag, kind, count) + body.ljust(room, b"\0")
    return layout.pack("Q" if layout.is_big else "H", len(tags)) + entries + layout.place(0), beside


def _written_value(tag: int, value: Value, layout: _Layout) -> tuple[int, int, bytes]:
    if isinstance(value, bytes):
        return _ASCII, len(value) + 1, value + b"\0"
    if isinstance(value, tuple) and len(value) == 3 and isinstance(value[2], bytes):
        return value
    numbers = [value] if isinstance(value, int) else value
    kind = _SHORT if tag in _SHORTS else _LONG8 if layout.is_big and tag in (*_STRIPS, *_TILES) else _LONG
    return kind, len(numbers), layout.pack(f"{len(numbers)}{_LETTERS[kind]}", *numbers)


def written(directories: Sequence[Directory], **how: Any) -> bytes:
    """A TIFF of these images, whose pixels come before what is said of them."""
    parts = [Part(_tags(one), [one.image.tobytes()]) for one in directories]
    return file_of(parts, is_directory_first=False, **how)


def fax(count: int = 3, **how: Any) -> bytes:
    """A fax: black and white, compressed as faxes are (Group 4)."""
    first, *others = [page(number).convert("1") for number in range(1, count + 1)]
    file = BytesIO()
    first.save(file, "TIFF", compression="group4", save_all=True, append_images=others, **how)
    return file.getvalue()


def _tags(one: Directory) -> dict[int, int]:
    width, height = one.image.size
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 277: 1, 278: height}
    kinds = {254: one.kind, 255: one.old_kind}
    return tags | {name: kind for name, kind in kinds.items() if kind is not None} | one.tags
