"""HEIC and AVIF files whose end was never written: they are marked or refused, and whole ones never are."""

import io
import struct
from typing import Any

import pytest
from PIL import Image

from jobs.contract.errors import Eva01Error
from jobs.contract.models import Note
from jobs.contract.settings import Limits
from jobs.formats.heif import pixel_ranges
from tests.unit.worker.decode.test_incomplete import PICTURE
from tests.variants import others
from tests.variants.picture import encoded
from worker.job.decode.decoder import Decoder
from worker.job.decode.heif_end import is_unfilled

#: An AVIF of two rows of tiles.
AVIF = encoded(PICTURE, "AVIF", quality=95, tile_rows=2, speed=10)


def said_of(data: bytes, **limits: Any) -> str:
    try:
        return ", ".join(Decoder(Limits(**limits), enough_pixels=1_000_000).decode(data).notes)
    except Eva01Error as error:
        return error.code


@pytest.mark.parametrize("image", ["white", "black", PICTURE], ids=["white", "black", "picture"])
@pytest.mark.parametrize("quality", [5, 100])
def test_a_whole_avif_ends_in_no_zeros(image, quality):
    picture = Image.new("RGB", (600, 400), image) if isinstance(image, str) else image
    assert said_of(encoded(picture, "AVIF", quality=quality, speed=10)) == ""


def test_one_whose_end_was_never_written_is_marked_or_refused():
    said = {said_of(others.unfilled(AVIF, size)) for size in range(64, len(AVIF) // 2, 200)}
    assert said == {"image_incomplete", "truncated_image"}


def test_how_much_has_to_be_written_is_a_setting():
    cut = others.unfilled(others.heic("plain"), 1000)
    assert said_of(cut) == "truncated_image"
    assert said_of(cut, least_image_part=0.1) == Note.IMAGE_INCOMPLETE


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def heif_of(iloc: bytes, iref: bytes = b"") -> bytes:
    """A HEIF of three pieces of 100 bytes at 1000, 1100 and 1200; the picture is item 1."""
    meta = box(b"meta", bytes(4), box(b"pitm", bytes(4) + b"\0\1"), iref, iloc)
    return (box(b"ftyp", b"heic" + bytes(4)) + meta).ljust(1000, b"\1") + b"abc" * 100


def iloc(version: int, sizes: int, count: str, *items: bytes) -> bytes:
    head = struct.pack(">IH" + count, version << 24, sizes, len(items))
    return box(b"iloc", head, *items)


#: Where the picture lies, said in each way: its iloc box, where the pieces are, and an iref box.
WAYS = {
    "as most say it": (iloc(0, 0x4400, "H", struct.pack(">HHHII", 1, 0, 1, 1000, 100)), [(1000, 1100)], b""),
    "from a place, in two pieces": (
        iloc(0, 0x4440, "H", struct.pack(">HHIHIIII", 1, 0, 1000, 2, 0, 100, 200, 100)),
        [(1000, 1100), (1200, 1300)],
        b"",
    ),
    "with long numbers": (
        iloc(2, 0x8880, "I", struct.pack(">IHHQHQQ", 1, 0, 0, 1000, 1, 100, 100)),
        [(1100, 1200)],
        b"",
    ),
    "within the box itself": (iloc(1, 0x4400, "H", struct.pack(">HHHHII", 1, 1, 0, 1, 0, 8)), [], b""),
    "in tiles": (
        iloc(
            1,
            0x4400,
            "H",
            struct.pack(">HHHHII", 1, 1, 0, 1, 0, 8),
            struct.pack(">HHHHII", 2, 0, 0, 1, 1000, 100),
            struct.pack(">HHHHII", 3, 0, 0, 1, 1200, 100),
        ),
        [(1000, 1100), (1200, 1300)],
        box(b"iref", bytes(4), box(b"thmb", b"\0\4\0\1\0\1"), box(b"dimg", b"\0\1\0\2\0\2\0\3")),
    ),
    "nowhere": (b"", [], b""),
    "cut off": (iloc(0, 0x4400, "H", b"\0\1\0"), [], b""),
    "in pieces without end": (iloc(0, 0, "H", *[struct.pack(">HHH", 1, 0, 0xFFFF)] * 3), [], b""),
}


@pytest.mark.parametrize(("iloc", "places", "iref"), WAYS.values(), ids=WAYS)
def test_where_pixels_lie_is_found_however_it_is_said(iloc, places, iref):
    data = heif_of(iloc, iref)
    assert pixel_ranges(io.BytesIO(data)) == places
    assert not is_unfilled(data, 0.5)
    for _, end in places:
        assert is_unfilled(data[: end - 64] + bytes(64) + data[end:], 0.1)
        assert not is_unfilled(data[: end - 63] + bytes(63) + data[end:], 0.1)
