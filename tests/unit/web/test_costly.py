"""Small versions of what is made to cost web much, and what is like it and right."""

import io
from contextlib import suppress

import pytest
from PIL import Image

from jobs.contract.errors import BadInput
from jobs.contract.settings import Limits
from scripts.fuzzing import costly
from tests.files import hostile
from tests.files.tiffs import Directory, page, written
from web.intake.headers import inspect

LIMITS = Limits()


class Counted(io.BytesIO):
    """A file that counts how often it is read."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        return super().read(size)


def verdict(data: bytes) -> str:
    try:
        return inspect(io.BytesIO(data), LIMITS).media_type
    except BadInput as refused:
        return refused.code


@pytest.mark.parametrize(
    ("make", "share"),
    [
        (costly.jpeg_of_segments, 0.002),
        (costly.jpeg_of_fill, 0.01),
        (costly.jpeg_of_nothing, 0.01),
        (costly.gif_of_blocks, 0.001),
        (costly.gif_of_comments, 0.001),
        (costly.heif_of_boxes, 0.003),
        (costly.heif_of_owners, 0.006),
    ],
)
def test_a_header_of_more_pieces_than_are_looked_at_is_refused(make, share):
    assert verdict(make(share)) == "truncated_image"


def test_a_tiff_of_more_tags_than_its_pages_need_is_refused():
    assert verdict(costly.tiff_of_tags(0.06)) == "too_many_pages"
    assert verdict(costly.tiff_of_tags(0.01)) == "image/tiff"
    assert verdict(written([Directory(page(n)) for n in range(1, 20)])) == "image/tiff"


def test_what_stands_before_a_jpegs_frame_may_be_much():
    pieces = [b"\xff\xe1\xff\xff" + bytes(65_533)] * 40
    image = hostile.encoded(image_format="JPEG")
    assert verdict(image[:2] + b"".join(pieces) + b"\xff" * 1000 + image[2:]) == "image/jpeg"
    assert verdict(costly.jpeg_of_exif(0.01)) == "image/jpeg"


def test_a_gifs_comments_may_be_many():
    assert verdict(costly.gif_of_blocks(0.0004)) == "image/gif"
    assert verdict(costly.gif_of_comments(0.0002)) == "image/gif"


def test_a_gif_without_a_picture_is_refused():
    for ending in (b"", b";", b"!\xfe\x01a"):
        assert verdict(b"GIF89a\x08\0\x08\0\0\0\0" + ending) == "truncated_image"


def test_a_gif_is_as_large_as_its_screen_and_first_picture():
    data = b"GIF89a\x08\0\x06\0\x80\0\0" + bytes(6) + b"!\xf9\4\0\0\0\0\0,\2\0\3\0\x0a\0\x05\0\0\2\1\0\0;"
    found = inspect(io.BytesIO(data), LIMITS)
    with Image.open(io.BytesIO(data)) as image:
        assert (found.width, found.height) == image.size == (12, 8)


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": Image.Exif()}),
        ("WEBP", {"save_all": True, "append_images": [Image.new("RGB", (300, 200), "red")]}),
        ("AVIF", {}),
        ("AVIF", {"save_all": True, "append_images": [Image.new("RGB", (300, 200), "red")]}),
        ("GIF", {"save_all": True, "append_images": [Image.new("RGB", (300, 200), "red")]}),
    ],
)
def test_sizes_are_those_that_pillow_reads(kind, how):
    data = hostile.encoded(size=(300, 200), image_format=kind, **how)
    found = inspect(io.BytesIO(data), LIMITS)
    assert (found.width, found.height) == (300, 200)


@pytest.mark.parametrize("how", [{}, {"lossless": True}])
def test_a_webp_whose_end_is_missing_is_refused(how):
    data = hostile.encoded(size=(300, 200), image_format="WEBP", **how)
    assert verdict(data[:-2]) == verdict(data[:20]) == "truncated_image"
    assert verdict(data[:12] + b"ABCD" + data[16:]) == "truncated_image"


def test_a_large_canvas_is_refused_by_its_header():
    chunk = b"VP8X\x0a\0\0\0" + bytes(4) + b"\xff\xff\xff" * 2
    assert verdict(b"RIFF\x16\0\0\0WEBP" + chunk) == "too_many_pixels"


@pytest.mark.parametrize("make", [costly.gif_of_comments, costly.jpeg_of_segments, costly.webp_of_chunks])
def test_a_larger_file_is_not_read_further(make):
    reads = []
    for share in (0.002, 0.004):
        file = Counted(make(share))
        with suppress(BadInput):
            inspect(file, LIMITS)
        reads.append(file.reads)
    assert reads[0] == reads[1]
