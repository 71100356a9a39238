"""JPEGs that go over their pixels again and again: few bytes, and long work."""

import re
import struct
from typing import Any

import pytest
from PIL import Image

from jobs.contract.errors import TooLarge
from jobs.contract.settings import Limits
from tests.variants import tiffs
from tests.variants.picture import HEIGHT, WIDTH, encoded
from worker.job.decode.decoder import Decoder


def with_passes(more: int, width: int = 64, height: int = 48) -> bytes:
    """A progressive JPEG whose last pass comes again, `more` times, and whose header says this size."""
    whole = encoded(Image.new("RGB", (64, 48), "white"), "JPEG", progressive=True)
    header = b"\xff\xc2\0\x11\x08"
    assert whole.count(header + struct.pack(">HH", 48, 64)) == 1
    whole = whole.replace(header + struct.pack(">HH", 48, 64), header + struct.pack(">HH", height, width))
    last = [found.start() for found in re.finditer(rb"\xff\xda", whole)][-1]
    return whole[:-2] + whole[last:-2] * more + whole[-2:]


def refusal(data: bytes, **limits: Any) -> str:
    with pytest.raises(TooLarge) as refused:
        Decoder(Limits(**limits), enough_pixels=1_000_000).decode(data)
    assert refused.value.code == "too_many_pixels"
    return refused.value.message


def test_very_many_passes_are_refused():
    assert "more than 100 passes" in refusal(with_passes(500))
    assert "EVA01_MAX_JPEG_PASSES" in refusal(with_passes(500))


def test_how_many_is_a_setting():
    assert "more than 9 passes" in refusal(with_passes(0), max_jpeg_passes=9)
    decoded = Decoder(Limits(max_jpeg_passes=10), enough_pixels=1_000_000).decode(with_passes(0))
    assert (decoded.width, decoded.notes) == (64, ())


def test_a_large_one_may_have_fewer():
    pixels = 64 * 48
    assert "more than 20 passes" in refusal(with_passes(20), max_image_pixels=pixels)
    assert (
        Decoder(Limits(max_image_pixels=pixels), enough_pixels=1_000_000).decode(with_passes(5)).width == 64
    )
    assert "more than 31 passes" in refusal(with_passes(500, 8000, 8000))


def test_passes_of_jpegs_in_a_tiff_count_as_those_of_a_jpeg():
    assert "more than 100 passes" in refusal(tiffs.jpeg_of_passes(120))
    assert "more than 20 passes" in refusal(tiffs.jpeg_of_passes(20), max_image_pixels=WIDTH * HEIGHT)
    assert Decoder(Limits(), enough_pixels=1_000_000).decode(tiffs.jpeg_of_passes(5)).width == WIDTH


def test_a_jpeg_that_is_higher_than_its_strip_counts_at_its_height():
    tall = tiffs.jpeg_of_passes(30, Image.new("RGB", (96, 4800), "white"))
    cut = tall.replace(struct.pack("<HHII", 257, 4, 1, 4800), struct.pack("<HHII", 257, 4, 1, 64))
    assert "more than 100 passes" in refusal(
        cut.replace(struct.pack("<HHII", 278, 4, 1, 4800), struct.pack("<HHII", 278, 4, 1, 64))
    )
