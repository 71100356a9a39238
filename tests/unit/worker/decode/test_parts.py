"""Pictures in very many parts: none takes a multiple of its file's memory, or is gone through for ever."""

import tracemalloc
from io import BytesIO

import pytest

from jobs.contract.errors import ImageRejected
from jobs.contract.settings import Limits
from jobs.formats import jpeg, png
from tests.files.hostile import encoded
from worker.job.decode.decoder import Decoder

MANY = 12_000
PNG, JPEG = encoded(), encoded(image_format="JPEG")
#: Right behind the header of a PNG, and behind a JPEG's frame: at what is before it web looks.
BEHIND_HEADER, BEHIND_FRAME = 33, JPEG.index(b"\xff\xc4")
EMPTY_IDAT = b"\0\0\0\0IDAT\x35\xaf\x06\x1e"


def with_parts(data: bytes, place: int, part: bytes, many: int = MANY) -> bytes:
    return data[:place] + many * part + data[place:]


def test_a_png_of_very_many_empty_pieces_is_the_picture_that_it_is_and_takes_little_memory():
    data = with_parts(PNG, BEHIND_HEADER, EMPTY_IDAT, 5_000)
    tracemalloc.start()
    try:
        taken = png.taken_apart(data, png.header_of(BytesIO(data)))
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < len(data)
    assert taken.plain() == png.taken_apart(PNG, png.header_of(BytesIO(PNG))).plain()
    assert Decoder(Limits(), 1_000_000).decode(data).image.size == (8, 6)


@pytest.mark.parametrize(
    "part", [b"\xff\xdb\0\2", b"\xff\xc4\0\2", b"\xff\xdd\0\4\0\0", b"\xff\xe0\0\2", b"\xff\xfe\0\2"]
)
def test_a_jpeg_of_more_segments_than_any_has_is_refused_before_they_are_kept(part):
    data = with_parts(JPEG, BEHIND_FRAME, part)
    assert jpeg.frame_of(BytesIO(data)).width == 8, "web sees nothing of them"
    with pytest.raises(ImageRejected) as refused:
        Decoder(Limits(), 1_000_000).decode(data)
    assert (refused.value.code, "10,000 segments" in refused.value.message) == ("truncated_image", True)


def test_a_jpeg_of_some_thousand_segments_is_read():
    data = with_parts(JPEG, BEHIND_FRAME, b"\xff\xfe\0\2", 5_000)
    assert Decoder(Limits(), 1_000_000).decode(data).image.size == (8, 6)


def test_bytes_between_segments_are_passed_at_once():
    data = with_parts(JPEG, BEHIND_FRAME, b"\xff\0\xff\xd0\xff\xff", 1_000_000)
    assert jpeg.taken_apart(data, Limits()).plain == jpeg.taken_apart(JPEG, Limits()).plain
