"""Faxes in TIFFs: whole ones are read, whatever is in them and however packed; damaged ones are not."""

import io
import random
from functools import cache

import numpy as np
import pytest
from PIL import Image

from jobs.contract.errors import ImageRejected
from jobs.contract.models import Note
from jobs.contract.settings import Limits
from tests.files.tiffs import page
from tests.variants import tiffs
from worker.job.decode.decoder import Decoder

PACKINGS = {
    "Group 4": ("group4", {}),
    "Group 4, last bit first": ("group4", {266: 2}),
    "Group 3": ("group3", {}),
    "Group 3, by the row above": ("group3", {292: 1}),
    "Group 3, ends of lines at bytes": ("group3", {292: 4}),
    "Runs": ("tiff_ccitt", {}),
}


def runs(lengths: range, width: int) -> "np.ndarray":
    """Rows with a black run of each length, and a white one of what it leaves of the width but 40 pixels.

    The color changes nowhere near where it does in the row above, so that each run is a code of its own.
    """
    rows = np.full((len(lengths) + 1, width), 255, dtype=np.uint8)
    for row, length in enumerate(lengths):
        start = 20 * (row % 2)
        rows[row, start : start + length] = 0
        rows[row, start + width - 40 :] = 0
    return rows


LONG_RUNS = runs(range(2600, 5301, 45), 5400)
PICTURES = {
    "a page": page(1, (1000, 1400)),
    "noise": Image.fromarray(np.random.default_rng(1).integers(0, 256, (300, 401), dtype=np.uint8)),
    # Up to 2,660 pixels, which is more than the longest code is for.
    "all runs": Image.fromarray(runs(range(2661), 2700)),
    "longer runs": Image.fromarray(np.concatenate([LONG_RUNS, 255 - LONG_RUNS])),
    "white": Image.new("L", (1728, 50), 255),
    "black": Image.new("L", (1729, 50), 0),
    "one pixel": Image.new("L", (1, 1), 0),
}


def decode(data: bytes) -> Image.Image:
    return Decoder(Limits(), enough_pixels=100_000_000).decode(data).image


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("name", PICTURES)
def test_a_whole_fax_is_read(name, packing):
    compression, tags = PACKINGS[packing]
    picture = PICTURES[name].convert("1")
    data = tiffs.fax(compression, picture, tiffinfo=tags)
    assert decode(data).convert("1").tobytes() == picture.tobytes()


@cache
def noise(packing: str) -> tuple[bytes, int, int]:
    """A fax of noise; where its pixels lie, and their bytes."""
    compression, tags = PACKINGS[packing]
    data = tiffs.fax(compression, PICTURES["noise"], tiffinfo=tags)
    with Image.open(io.BytesIO(data)) as image:
        return data, image.tag_v2[273][0], image.tag_v2[279][0]  # type: ignore[attr-defined]


def overwritten(packing: str, seed: int) -> bytes:
    """The fax of noise with twenty bytes of other noise in its first half."""
    whole, place, size = noise(packing)
    data, chance = bytearray(whole), random.Random(seed)
    start = place + chance.randrange(size // 2)
    data[start : start + 20] = chance.randbytes(20)
    return bytes(data)


@pytest.mark.parametrize("packing", [name for name in PACKINGS if "Group 3" not in name])
def test_a_fax_with_bytes_overwritten_is_refused(packing):
    for seed in range(20):
        with pytest.raises(ImageRejected, match="no row of a fax") as refused:
            decode(overwritten(packing, seed))
        assert refused.value.code == "truncated_image"


@pytest.mark.parametrize("packing", [name for name in PACKINGS if "Group 3" in name])
def test_of_a_fax_with_ends_of_line_the_other_rows_are_right(packing):
    right = np.asarray(PICTURES["noise"].convert("1"))
    for seed in range(20):
        decoded = Decoder(Limits(), 100_000_000).decode(overwritten(packing, seed))
        assert decoded.notes == (Note.IMAGE_DAMAGED,)
        rows = np.asarray(decoded.image.convert("1"))
        wrong = np.flatnonzero((rows != right).any(axis=1))
        # The few that the noise is in, and with rows told by the one above those that hang on them.
        assert len(wrong) <= 8
        for row in wrong:
            assert row == 0 or (rows[row] == rows[row - 1]).all()


def test_a_fax_of_which_most_rows_are_noise_is_refused():
    whole, place, size = noise("Group 3")
    data = bytearray(whole)
    data[place : place + size * 2 // 3] = random.Random(1).randbytes(size * 2 // 3)
    with pytest.raises(ImageRejected, match="most others are none"):
        decode(bytes(data))


@pytest.mark.parametrize("compression", ["group4", "group3", "tiff_ccitt"])
def test_rows_that_are_cut_off_are_white_and_the_others_right(compression):
    whole = np.asarray(decode(tiffs.fax(compression)))
    data = tiffs.cut_fax(compression, 0.9)
    decoded = Decoder(Limits(), enough_pixels=100_000_000).decode(data)
    assert decoded.notes == (Note.IMAGE_INCOMPLETE,)
    rows = np.asarray(decoded.image)
    is_right = (rows == whole).all(axis=(1, 2))
    # Of the white rows at its end none can tell whether it was there.
    assert is_right[: len(rows) // 2].all()
    assert (rows[~is_right] == 255).all()


@pytest.mark.parametrize("compression", ["group4", "group3", "tiff_ccitt"])
def test_a_fax_of_which_few_rows_are_there_is_refused(compression):
    with pytest.raises(ImageRejected, match="of its rows are there"):
        decode(tiffs.cut_fax(compression, 0.3))


def test_strips_that_lie_over_each_other_are_refused_rather_than_read_a_thousand_times():
    strips = 64
    tags = {258: 1, 259: 4, 262: 0, 273: [200] * strips, 278: 1, 279: [5000] * strips}
    with pytest.raises(ImageRejected, match="lie over each other"):
        decode(tiffs.tiff(bytes(5000), tags))
