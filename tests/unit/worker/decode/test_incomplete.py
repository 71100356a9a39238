"""Images whose end is missing: what is there is read, and marked; too little is refused."""

import struct
import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jobs.contract.errors import Eva01Error
from jobs.contract.models import Note
from jobs.contract.settings import Limits
from tests.variants import jpegs, others, png, tiffs
from tests.variants.exif import SIDEWAYS_BY
from tests.variants.picture import distance, encoded
from worker.job.decode.decoder import Decoded, Decoder
from worker.job.decode.partial import rows_alike

#: A picture in which every block differs from the next, and its last corner is plain.
_ROWS, _COLUMNS = np.mgrid[0:400, 0:600]
PICTURE = Image.fromarray(
    np.stack([_COLUMNS * 0.4, _ROWS * 0.6, (_COLUMNS + _ROWS) * 0.25], -1).astype(np.uint8)
)
GREY_PICTURE = PICTURE.convert("L")
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "finer colors": {"subsampling": 0},
    "optimised": {"optimize": True},
    "restarts each row": {"restart_marker_rows": 1},
    "restarts each few blocks": {"restart_marker_blocks": 7},
}


def decode(data: bytes, **limits: Any) -> Decoded:
    return Decoder(Limits(**limits), enough_pixels=1_000_000).decode(data)


def code_of(data: bytes) -> str:
    with pytest.raises(Eva01Error) as refused:
        decode(data)
    return refused.value.code


def test_rows_of_any_length_are_compared_in_little_memory():
    one, other = Image.new("L", (1_000_000, 16)), Image.new("L", (1_000_000, 16))
    other.putpixel((999_999, 9), 1)
    tracemalloc.start()
    try:
        assert rows_alike(one, other) == 9
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Some copies of a row, and not of all sixteen.
    assert most_bytes < 10_000_000


def good_rows(decoded: Decoded, picture: Image.Image = PICTURE) -> int:
    """How many rows, from the top, show the picture; the rest has to be white."""
    shown, right = (np.asarray(image.convert("RGB"), dtype=int) for image in (decoded.image, picture))
    is_good = np.abs(shown - right).max(axis=(1, 2)) < 24
    rows = len(is_good) if is_good.all() else int(is_good.argmin())
    # The last row of blocks that are there may be cut within.
    assert (shown[rows + 17 :] == 255).all()
    return rows


def photo(image: Image.Image = PICTURE, **how: Any) -> bytes:
    return encoded(image, "JPEG", **({"quality": 92} | how))


def first(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("share", [0.98, 0.9, 0.7])
def test_a_photo_shows_the_rows_that_are_there_and_says_so(way, share):
    decoded = decode(first(photo(**WAYS[way]), share))
    assert decoded.notes == (Note.IMAGE_INCOMPLETE,)
    assert (decoded.width, decoded.height) == decoded.image.size == PICTURE.size
    assert 400 * (share - 0.12) < good_rows(decoded) < 400


@pytest.mark.parametrize("tail", [b"\xff\xd9", bytes(100_000), b"\xff"])
@pytest.mark.parametrize("way", WAYS)
def test_an_end_marker_or_zeros_behind_them_hide_nothing(way, tail):
    decoded = decode(first(photo(**WAYS[way]), 0.7) + tail)
    # With an end marker, bytes may as well be lost in the middle.
    may_be_damaged = tail == b"\xff\xd9"
    assert decoded.notes == (Note.IMAGE_INCOMPLETE, Note.IMAGE_DAMAGED)[: 1 + may_be_damaged]
    assert 230 < good_rows(decoded) < 300


def test_grey_photos_likewise():
    decoded = decode(first(photo(GREY_PICTURE), 0.8))
    assert decoded.notes == (Note.IMAGE_INCOMPLETE,)
    assert 280 < good_rows(decoded, GREY_PICTURE) < 340


@pytest.mark.parametrize("way", WAYS)
def test_without_its_end_marker_a_photo_is_all_there_and_marked(way):
    decoded = decode(photo(**WAYS[way])[:-2])
    assert (decoded.notes, good_rows(decoded)) == ((Note.IMAGE_INCOMPLETE,), 400)


@pytest.mark.parametrize("way", WAYS)
def test_a_whole_photo_is_not_marked(way):
    decoded = decode(photo(**WAYS[way]))
    assert (decoded.notes, good_rows(decoded)) == ((), 400)


@pytest.mark.parametrize("color", [(128, 128, 128), (127, 127, 127), (0, 0, 0)])
def test_a_photo_that_ends_grey_is_whole(color):
    for image in (Image.new("RGB", (100, 70), color), Image.new("L", (100, 70), color[0])):
        assert decode(photo(image)).notes == ()


def test_a_progressive_photo_needs_the_first_passes_of_its_brightness():
    whole = photo(progressive=True)
    decoded = decode(first(whole, 0.8))
    assert decoded.notes == (Note.IMAGE_INCOMPLETE,)
    assert distance(decoded.image, PICTURE) < 6
    assert code_of(first(whole, 0.25)) == "truncated_image"


def test_a_photo_that_is_scaled_down_while_it_is_decoded_is_seen_through_too():
    data = first(photo(PICTURE.resize((2400, 1600))), 0.75)
    decoded = Decoder(Limits(), enough_pixels=10_000).decode(data)
    assert decoded.notes == (Note.IMAGE_INCOMPLETE,)
    assert (decoded.width, decoded.height) == (2400, 1600)
    assert decoded.image.getpixel((10, decoded.image.height - 1)) == (255, 255, 255)
    assert decoded.image.getpixel((10, decoded.image.height // 2)) != (255, 255, 255)


def test_a_turned_photo_lacks_a_side():
    lying = first(photo(PICTURE.transpose(Image.Transpose.ROTATE_90)), 0.8)
    told = jpegs.segment(0xE1, b"Exif\0\0" + SIDEWAYS_BY["good"])
    decoded = decode(lying[:2] + told + lying[2:])
    assert (decoded.width, decoded.height) == PICTURE.size
    assert decoded.image.getpixel((0, 200)) == (255, 255, 255)
    assert decoded.image.getpixel((599, 200)) != (255, 255, 255)


@pytest.mark.parametrize(
    "data",
    [
        first(photo(), 0.3),
        first(photo(), 0.02),
        png.cut(0.4),
        tiffs.cut(0.4),
        first(encoded(PICTURE, "BMP"), 0.4),
        first(encoded(PICTURE, "GIF"), 0.4),
        first(encoded(PICTURE, "WEBP"), 0.9),
        first(encoded(PICTURE, "AVIF"), 0.9),
        first(others.heic("plain"), 0.9),
    ],
)
def test_too_little_is_refused(data):
    assert code_of(data) == "truncated_image"


def test_how_little_is_too_little_is_a_setting():
    data = first(photo(), 0.3)
    assert decode(data, least_image_part=0.1).notes == (Note.IMAGE_INCOMPLETE,)
    with pytest.raises(Eva01Error, match="EVA01_LEAST_IMAGE_PART"):
        decode(first(photo(), 0.9), least_image_part=1)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", None])
def test_a_tiff_whose_directory_comes_first(compression):
    """As other programs write it; Pillow writes the directory of a compressed one at the end."""
    whole = tiffs.directory_first(PICTURE, compression)
    decoded = decode(first(whole, 0.8))
    assert decoded.notes == (Note.IMAGE_INCOMPLETE,)
    assert 230 < good_rows(decoded) < 330


def test_a_tiff_that_lists_too_few_strips_is_incomplete():
    whole = tiffs.color8()
    higher = whole.replace(struct.pack("<HHII", 257, 4, 1, 64), struct.pack("<HHII", 257, 4, 1, 100))
    decoded = decode(higher)
    assert (decoded.height, decoded.notes) == (100, (Note.IMAGE_INCOMPLETE,))
    assert decoded.image.getpixel((10, 99)) == (255, 255, 255)
    twice = whole.replace(struct.pack("<HHII", 257, 4, 1, 64), struct.pack("<HHII", 257, 4, 1, 300))
    assert code_of(twice) == "truncated_image"


def test_damage_within_is_not_taken_for_a_missing_end():
    rows = zlib.compress(png.rows_of(np.asarray(PICTURE.resize((96, 64)))))
    broken = rows[:2000] + bytes(50) + rows[2050:]
    start = png.chunk(b"IHDR", struct.pack(">IIBBBBB", 96, 64, 8, 2, 0, 0, 0))
    data = png.SIGNATURE + start + png.chunk(b"IDAT", broken) + png.chunk(b"IEND", b"")
    assert code_of(data) == "truncated_image"


def test_an_image_that_is_cut_within_its_header_is_refused():
    for data in (photo(), encoded(PICTURE, "PNG"), tiffs.color8(), encoded(PICTURE, "BMP")):
        for size in (8, 20, 40):
            assert code_of(data[:size]) in ("truncated_image", "not_an_image")


@pytest.mark.parametrize("lost", [13, 30])
def test_a_png_that_lost_bytes_within_its_pixels_is_marked_though_all_rows_are_there(lost):
    """Its last chunk then reaches beyond the end of the file, and no checksum proves its bytes."""
    whole = encoded(PICTURE, "PNG")
    end = whole.index(b"IEND") - 4
    assert Note.IMAGE_INCOMPLETE in decode(whole[: end - 4 - lost] + whole[end - 4 :]).notes
    assert decode(whole[:end]).notes == ()
