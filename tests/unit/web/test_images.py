"""The media type of a file by its header: the accepted ones, and each kind of refused one."""

import io

import pytest
from PIL import Image

from jobs.contract.errors import BadInput
from jobs.contract.settings import Limits
from jobs.formats.images import check_bytes
from tests.files import hostile
from web.intake.headers import inspect

LIMITS = Limits()


def refusal(data: bytes) -> str:
    with pytest.raises(BadInput) as refused:
        inspect(io.BytesIO(data), LIMITS)
    return refused.value.code


@pytest.mark.parametrize(
    ("image_format", "media_type"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("WEBP", "image/webp"),
        ("GIF", "image/gif"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
        ("AVIF", "image/avif"),
    ],
)
def test_each_format_is_known_by_its_content(image_format, media_type):
    found = inspect(io.BytesIO(hostile.encoded(image_format=image_format)), LIMITS)
    assert (found.media_type, found.width, found.height) == (media_type, 8, 6)


def test_a_phones_jpeg_of_two_pictures_is_a_jpeg():
    file = io.BytesIO()
    Image.new("RGB", (8, 6)).save(file, "MPO", save_all=True, append_images=[Image.new("RGB", (8, 6))])
    assert inspect(file, LIMITS).media_type == "image/jpeg"


@pytest.mark.parametrize(
    "data",
    [
        hostile.encoded("CMYK", image_format="JPEG"),
        hostile.encoded("I;16"),
        hostile.encoded("P", transparency=0),
        hostile.encoded("RGBA"),
        hostile.encoded("1"),
        hostile.encoded(size=(1, 1)),
        hostile.animation(300),
    ],
    ids=["cmyk", "16 bits", "palette with alpha", "alpha", "1 bit", "1 x 1", "animation"],
)
def test_unusual_images_are_images(data):
    inspect(io.BytesIO(data), LIMITS)


@pytest.mark.parametrize("data", [hostile.HTML, b"\0" * 100, b"GIF", b"x"])
def test_what_is_no_image_is_refused_whatever_it_is_called(data):
    assert refusal(data) == "not_an_image"


def test_a_jpeg_cut_in_half_is_left_to_the_worker():
    whole = hostile.encoded(size=(200, 200), image_format="JPEG")
    assert inspect(io.BytesIO(whole[: len(whole) // 2]), LIMITS).width == 200


@pytest.mark.parametrize(("width", "height"), [(65_000, 65_000), (2**31 - 1, 2**31 - 1), (1, 100_000_001)])
def test_too_many_pixels_are_refused_from_the_header_alone(width, height):
    assert refusal(hostile.png_header(width, height)) == "too_many_pixels"


def test_the_limit_itself_is_allowed():
    inspect(io.BytesIO(hostile.png_header(10_000, 10_000)), LIMITS)


def test_empty_and_huge_files_are_refused_by_their_size():
    codes = []
    for size_bytes in (0, LIMITS.max_image_bytes + 1):
        with pytest.raises(BadInput) as refused:
            check_bytes(size_bytes, LIMITS)
        codes.append(refused.value.code)
    check_bytes(LIMITS.max_image_bytes, LIMITS)
    assert codes == ["empty_file", "image_too_large"]
