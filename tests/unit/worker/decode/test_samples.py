"""Samples of many bits: which of them means white."""

import numpy as np
import pytest
from PIL import Image

from jobs.contract.settings import Limits
from tests.variants import png, tiffs
from tests.variants.picture import COLOR, GREY, HEIGHT, WIDTH, distance
from worker.job.decode.decoder import Decoder
from worker.job.decode.tones.samples import eight_bits

LIGHT = np.asarray(GREY) / 255


def shown(data: bytes) -> Image.Image:
    return Decoder(Limits(), enough_pixels=1_000_000).decode(data).image


def eight(samples: "np.ndarray", bits: int | None = None) -> "np.ndarray":
    return np.asarray(eight_bits(Image.fromarray(samples), bits)(0, len(samples)))


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_the_usual_depths_in_sixteen_bits(bits):
    samples = (LIGHT * ((1 << bits) - 1)).astype(np.uint16)
    assert np.abs(eight(samples).astype(int) - np.asarray(GREY)).max() <= 1


@pytest.mark.parametrize("broken", [1, 5])
def test_broken_pixels_do_not_tell_white(broken):
    samples = (LIGHT * 4095).astype(np.uint16)
    samples[3, :broken] = 65535
    brightness = eight(samples)
    assert brightness[30, 80] == np.asarray(GREY)[30, 80]


@pytest.mark.parametrize("bits", range(9, 16))
def test_packed_samples_of_every_depth(bits):
    assert distance(shown(tiffs.grey_packed(bits)), GREY) < 1
    assert distance(shown(tiffs.grey_packed(bits, ">")), GREY) < 1
    assert distance(shown(tiffs.color_packed(bits)), COLOR) < 1


@pytest.mark.parametrize("kind", ["u2", "i2", "u4", "i4", "f2", "f4", "f8"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_kind_of_sample_in_a_tiff(order, kind):
    white = 1 if "f" in kind else 4095
    assert distance(shown(tiffs.grey(order + kind, 0, white)), GREY) < 1


@pytest.mark.parametrize(
    ("kind", "white"), [("<u2", 65535), (">u2", 65535), ("<u2", 4095), ("<f4", 1), ("<u4", 65535)]
)
def test_where_zero_is_white_it_is_shown_white(kind, white):
    assert distance(shown(tiffs.white_is_zero(kind, white)), GREY) < 1


def test_unsigned_samples_of_32_bits_do_not_turn_negative():
    assert distance(shown(tiffs.grey("<u4", 0, 2**32 - 1)), GREY) < 1


def test_where_samples_are_below_zero_the_darkest_is_black():
    image = np.asarray(shown(tiffs.grey("<i2", -1000, 3000)))
    assert (image[30, 10, 0], image[2, 2, 0]) == (0, 255)


def test_what_is_no_number_is_black_and_what_is_too_large_is_white():
    image = shown(tiffs.fractions_with(0, 1, float("nan"), float("-inf"), float("inf"), 1e30))
    assert np.asarray(image)[60, 70:74, 0].tolist() == [0, 0, 255, 255]
    assert image.getpixel((2, 2)) == (240, 240, 240)


def test_nothing_but_what_is_no_number_is_black():
    image = shown(tiffs.grey("<f4", float("nan"), float("nan")))
    assert image.getextrema() == ((0, 0),) * 3


@pytest.mark.parametrize("white", [4095, 1023, 65535])
def test_colors_of_sixteen_bits_keep_their_lower_half(white):
    for data in (
        png.color16(white),
        png.color_alpha16(white),
        tiffs.color16(white),
        tiffs.color16(white, ">"),
    ):
        assert distance(shown(data), COLOR) < 1


@pytest.mark.parametrize("white", [4095, 65535])
def test_grey_with_alpha_of_sixteen_bits(white):
    assert distance(shown(png.grey_alpha16(white)), GREY) < 1


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits"])
def test_sixteen_bits_in_a_compressed_tiff(compression):
    samples = (LIGHT * 4095).astype(np.uint16)
    assert distance(shown(tiffs.pillow(Image.fromarray(samples), compression)), GREY) < 1


def test_a_transparent_grey_of_sixteen_bits_is_transparent():
    assert shown(png.grey16_see_through()).getpixel((2, 2)) == (255, 255, 255)


@pytest.mark.parametrize("high", [4000, 1000, 239])
def test_where_the_file_says_how_many_bits_count_a_dark_scan_stays_dark(high):
    shown_white = eight((LIGHT * high).astype(np.uint16), 12).max()
    assert abs(int(shown_white) - high * 240 / 4095) <= 2


def night(paper: float, label: float, kind: str) -> "np.ndarray":
    """A dark page with some noise, and a bright label on a 2,000th of it."""
    samples = np.random.default_rng(5).normal(paper, paper / 50, (600, 800))
    samples[100:106, 200:240] = label
    return samples.astype(kind)


@pytest.mark.parametrize(
    ("paper", "label", "kind", "bits"),
    [
        (983, 65535, "u2", None),
        (983, 65535, "u2", 16),
        (1000, 4095, "u2", 12),
        (983, 32767, "i4", None),
        (0.015, 1, "f4", None),
    ],
)
def test_a_bright_label_on_a_black_page_is_read(paper, label, kind, bits):
    brightness = eight(night(paper, label, kind), bits)
    assert brightness[102, 220] == 255
    assert brightness[300, 300] < 70


@pytest.mark.parametrize("level", [240, 983])
def test_a_dark_picture_of_16_bits_does_not_turn_white(level):
    assert eight(night(level, level, "u2")).max() < 70


def test_signed_samples_of_16_bits_that_reach_their_largest_are_white():
    assert distance(shown(tiffs.grey("<i2", 0, 32767)), GREY) < 1


def test_one_sample_and_equal_samples():
    assert eight(np.array([[7]], dtype=np.uint16)).tolist() == [[0]]
    assert eight(np.zeros((HEIGHT, WIDTH), dtype=np.uint16)).max() == 0
    assert eight(np.zeros((HEIGHT, WIDTH), dtype=np.float32)).max() == 0
