"""TIFFs of several images, written tag by tag, for tests: also such as no library would write."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw

#: Kinds of images: a smaller version of another, one of several pages, a mask.
REDUCED, ONE_OF_SEVERAL, MASK = 1, 2, 4
_SHORT, _LONG, _LONG8 = 3, 4, 16


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


def written(
    directories: Sequence[Directory], *, order: str = "<", is_big: bool = False, last: int | None = None
) -> bytes:
    """A TIFF; behind its last directory comes none, or what is at byte `last`, or -1: its first one again."""
    place, count, tag = ("Q", "Q", "HHQ") if is_big else ("I", "H", "HHI")
    file = bytearray({"<": b"II", ">": b"MM"}[order])
    file += struct.pack(order + ("HHHQ" if is_big else "HI"), *((43, 8, 0, 0) if is_big else (42, 0)))
    link = len(file) - struct.calcsize(order + place)
    firsts: list[int] = []
    for one in directories:
        strip = len(file)
        file += one.image.tobytes()
        file += b"\0" * (-len(file) % 8)
        struct.pack_into(order + place, file, link, len(file))
        firsts.append(len(file))
        tags = _tags(one, strip)
        file += struct.pack(order + count, len(tags))
        for name, value in sorted(tags.items()):
            kind, letter = (_LONG8, "Q") if is_big and name in (273, 279) else (_LONG, "I")
            value_bytes = struct.pack(order + letter, value)
            file += struct.pack(order + tag, name, kind, 1) + value_bytes.ljust(struct.calcsize(place), b"\0")
        link = len(file)
        file += b"\0" * struct.calcsize(order + place)
    if last is not None:
        struct.pack_into(order + place, file, link, firsts[0] if last == -1 else last)
    return bytes(file)


def fax(count: int = 3, **how: Any) -> bytes:
    """A fax: black and white, compressed as faxes are (Group 4)."""
    first, *others = [page(number).convert("1") for number in range(1, count + 1)]
    file = BytesIO()
    first.save(file, "TIFF", compression="group4", save_all=True, append_images=others, **how)
    return file.getvalue()


def _tags(one: Directory, strip: int) -> dict[int, int]:
    width, height = one.image.size
    tags = {
        256: width,
        257: height,
        258: 8,
        259: 1,
        262: 1,
        273: strip,
        277: 1,
        278: height,
        279: width * height,
    }
    kinds = {254: one.kind, 255: one.old_kind}
    return tags | {name: kind for name, kind in kinds.items() if kind is not None} | one.tags
