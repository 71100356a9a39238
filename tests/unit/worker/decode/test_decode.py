"""Decoding: every odd image becomes upright RGB, or a reason with a stable code."""

import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from jobs.contract.errors import Eva01Error
from jobs.contract.settings import Limits
from tests.files import hostile
from tests.files.drawing import Scene
from worker.job.decode.decoder import Decoded, Decoder

RED_CIRCLE = Scene("white", (("red", "circle"),))
LIMITS = Limits(max_image_bytes=2_000_000, max_image_pixels=1_000_000)


def decode(data: bytes, **limits: int) -> Decoded:
    return Decoder(LIMITS.model_copy(update=limits), enough_pixels=1_000_000).decode(data)


def code_of(data: bytes, **limits: int) -> str:
    with pytest.raises(Eva01Error) as caught:
        decode(data, **limits)
    assert caught.value.message
    return caught.value.code


def encode(image: Image.Image, image_format: str = "PNG", **how) -> bytes:
    file = BytesIO()
    image.save(file, image_format, **how)
    return file.getvalue()


def color_at(decoded: Decoded, x: int, y: int) -> tuple[int, ...]:
    color = decoded.image.getpixel((x, y))
    assert isinstance(color, tuple)
    return color


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_every_usual_format_is_read(image_format):
    decoded = decode(encode(RED_CIRCLE.draw(), image_format))
    assert (decoded.width, decoded.height) == (480, 320)
    red, green, blue = color_at(decoded, 240, 160)
    assert (decoded.image.mode, red > 190, green < 60, blue < 60) == ("RGB", True, True, True)


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [
        (1, (0, 0)),
        (2, (59, 0)),
        (3, (59, 39)),
        (4, (0, 39)),
        (5, (0, 0)),
        (6, (39, 0)),
        (7, (39, 59)),
        (8, (0, 59)),
    ],
)
def test_a_photo_is_turned_as_its_camera_was_held(orientation, corner):
    image = Image.new("RGB", (60, 40), "white")
    image.paste("red", (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode(encode(image, "PNG", exif=exif))
    assert (
        (decoded.width, decoded.height) == decoded.image.size == ((40, 60) if orientation > 4 else (60, 40))
    )
    assert decoded.image.getpixel(corner) == (255, 0, 0)


def test_a_large_turned_photo_reports_its_upright_size_and_is_scaled_down():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(Image.new("RGB", (1200, 800), "blue"), "JPEG", exif=exif)
    decoded = Decoder(LIMITS, enough_pixels=10_000).decode(data)
    assert (decoded.width, decoded.height) == (800, 1200)
    assert decoded.image.width * decoded.image.height <= 41_000
    assert decoded.image.height > decoded.image.width


def test_a_jpeg_that_is_read_smaller_shows_what_one_scaling_of_all_its_pixels_would():
    noise = Image.fromarray(np.random.default_rng(3).integers(0, 255, (45, 60, 3), dtype=np.uint8))
    data = encode(noise.resize((1200, 900), Image.Resampling.BICUBIC), "JPEG")
    shown = Decoder(Limits(), enough_pixels=360 * 270).decode(data).image
    # Half of the sides: less than twice those that are enough.
    assert shown.size == (600, 450)
    whole = Image.open(BytesIO(data))
    once, twice = (image.resize((360, 270), Image.Resampling.BICUBIC) for image in (whole, shown))
    difference = np.asarray(once, dtype=float) - np.asarray(twice, dtype=float)
    assert np.sqrt((difference**2).mean()) < 1


def test_unreadable_exif_leaves_the_photo_as_it_is():
    exif = b"Exif\0\0" + b"II*\0\xff\xff\xff\xff" + b"\xff" * 20
    assert decode(encode(Image.new("RGB", (60, 40)), "JPEG", exif=exif)).image.size == (60, 40)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_what_is_transparent_shows_white(mode):
    image = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (5, 0, 10, 10))
    decoded = decode(encode(image.convert(mode), "TIFF" if mode == "PA" else "PNG"))
    assert decoded.image.getpixel((0, 0)) == (255, 255, 255)
    assert decoded.image.getpixel((9, 9)) != (255, 255, 255)


def test_a_palette_with_transparency_shows_white():
    image = Image.new("P", (10, 10), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(1, (5, 0, 10, 10))
    decoded = decode(encode(image, "PNG", transparency=0))
    assert (decoded.image.getpixel((0, 0)), decoded.image.getpixel((9, 9))) == ((255, 255, 255), (0, 0, 255))


def test_sixteen_bits_are_scaled_and_not_clipped():
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(1, 256).repeat(4, axis=0)
    decoded = decode(encode(Image.fromarray(ramp), "PNG"))
    row = [color_at(decoded, x, 0)[0] for x in range(256)]
    assert max(abs(value - place) for place, value in enumerate(row)) <= 1


@pytest.mark.parametrize("largest", [1.0, 255.0, 65535.0])
def test_fractions_are_scaled(largest):
    ramp = np.linspace(0, largest, 256, dtype=np.float32).reshape(1, 256)
    decoded = decode(encode(Image.fromarray(ramp), "TIFF"))
    assert abs(color_at(decoded, 128, 0)[0] - 128) <= 1


def test_cmyk_grey_and_one_bit_become_rgb():
    cmyk = Image.new("CMYK", (40, 40), (0, 255, 255, 0))
    red, green, blue = color_at(decode(encode(cmyk, "JPEG", quality=95)), 20, 20)
    assert (red > 200, green < 60, blue < 60) == (True, True, True)
    assert decode(encode(Image.new("L", (4, 4), 77), "PNG")).image.getpixel((0, 0)) == (77, 77, 77)
    assert decode(encode(Image.new("1", (4, 4), 1), "PNG")).image.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("image_format", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_counts(image_format):
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "lime", "blue")]
    data = encode(frames[0], image_format, save_all=True, append_images=frames[1:])
    red, green, _ = color_at(decode(data), 10, 10)
    assert (red > 240, green < 10) == (True, True)


def test_ten_thousand_frames_are_not_read():
    first = encode(Image.new("P", (8, 8), 0), "GIF")
    frame = first[first.index(b",") : -1]
    assert decode(first[:-1] + frame * 10_000 + b";").image.size == (8, 8)


def test_one_pixel_is_an_image():
    assert decode(encode(Image.new("RGB", (1, 1), "red"))).image.size == (1, 1)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_an_image_cut_in_half_says_so(image_format):
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (90, 90, 3), dtype=np.uint8))
    data = encode(noise, image_format)
    assert code_of(data[: len(data) // 2]) == "truncated_image"


@pytest.mark.parametrize(
    "data",
    [
        b"<!doctype html><script>alert(1)</script>",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"\xff\xd8\xff",
        b"\0" * 100,
    ],
)
def test_what_is_no_image_says_so(data):
    assert code_of(data) in ("not_an_image", "truncated_image")


def test_an_empty_file_says_so():
    assert code_of(b"") == "empty_file"


def test_more_bytes_than_allowed_name_the_setting():
    with pytest.raises(Eva01Error, match="EVA01_MAX_IMAGE_BYTES") as caught:
        decode(encode(RED_CIRCLE.draw()), max_image_bytes=100)
    assert caught.value.code == "image_too_large"


@pytest.mark.parametrize("size", [(65_000, 65_000), (1001, 1000), (2**31 - 1, 1)])
def test_more_pixels_than_allowed_are_refused_by_the_header(size):
    assert code_of(hostile.png_header(*size)) == "too_many_pixels"


@pytest.mark.parametrize(("size", "setting"), [((3001, 1), "WIDTH"), ((1, 3001), "HEIGHT")])
def test_a_longer_side_than_allowed_names_the_setting(size, setting):
    with pytest.raises(Eva01Error, match=f"EVA01_MAX_IMAGE_{setting}") as refused:
        decode(hostile.png_header(*size), max_image_width=3000, max_image_height=3000)
    assert refused.value.code == "image_too_long"


def test_strips_make_the_same_picture_as_the_whole_would():
    noise = Image.fromarray(np.random.default_rng(2).integers(0, 255, (1900, 1300, 3), dtype=np.uint8))
    decoded = Decoder(Limits(), enough_pixels=20_000).decode(encode(noise))
    whole = noise.resize(decoded.image.size, Image.Resampling.BOX)
    difference = np.asarray(decoded.image, dtype=int) - np.asarray(whole, dtype=int)
    assert (decoded.image.size, np.abs(difference).max() <= 1) == ((234, 342), True)


def test_as_many_pixels_as_allowed_are_fine():
    assert decode(encode(Image.new("L", (1000, 1000)))).width == 1000


def test_a_header_that_promises_more_than_there_is_says_so():
    assert code_of(hostile.png_header(900, 900)) == "truncated_image"


def test_many_threads_decode_at_once():
    decoder = Decoder(LIMITS, enough_pixels=1_000_000)
    data = [RED_CIRCLE.encode(), encode(RED_CIRCLE.draw(), "JPEG")] * 16
    before = {*threading.enumerate()}
    with ThreadPoolExecutor(8) as threads:
        sizes = {decoded.image.size for decoded in threads.map(decoder.decode, data)}
    # Threads of others may end meanwhile.
    assert (sizes, {*threading.enumerate()} - before) == ({(480, 320)}, set())
