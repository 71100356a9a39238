"""Strips and tiles of a TIFF: differences, channels for themselves, and what is not stored."""

import random
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jobs.contract.errors import ImageRejected
from jobs.contract.models import Note
from jobs.contract.settings import Limits
from tests.files.tiffs import Part, file_of
from tests.variants.jpegs import without_marks
from tests.variants.picture import COLOR, GREY, distance
from tests.variants.tiff_blocks import DEFLATE, NONE, cut_up
from tests.variants.tiffs import color_jpegs
from worker.job.decode.decoder import Decoded, Decoder

GREY_ALPHA = np.dstack([np.asarray(GREY), np.full((64, 96), 255)])
#: The picture's samples by how many a pixel has, from 0 to 1.
SAMPLES = {
    1: np.asarray(GREY)[..., None] / 255,
    2: GREY_ALPHA / 255,
    3: np.asarray(COLOR) / 255,
    4: np.asarray(COLOR.convert("RGBA")) / 255,
    5: np.dstack([np.asarray(COLOR), np.zeros((64, 96, 2))]) / 255,
}
EXTRA: dict[int, dict[int, Any]] = {2: {338: 2}, 4: {338: 2}, 5: {338: [0, 0]}}
BLOCKS = [{}, {"down": 64}, {"down": 16, "across": 16}, {"down": 32, "across": 64}]


def samples_of(channels: int, kind: str) -> "np.ndarray":
    white = 1.0 if "f" in kind else np.iinfo(kind).max
    return (
        np.rint(SAMPLES[channels] * white).astype(kind) if "f" not in kind else SAMPLES[channels].astype(kind)
    )


def decode(data: bytes) -> Decoded:
    return Decoder(Limits(), enough_pixels=1_000_000).decode(data)


def off(data: bytes, channels: int) -> float:
    return distance(decode(data).image, GREY if channels < 3 else COLOR)


@pytest.mark.parametrize("blocks", BLOCKS, ids=str)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("kind", ["u1", "u2", "u4"])
def test_whole_numbers_of_any_depth_and_as_many_channels(kind, channels, blocks):
    samples = samples_of(channels, kind)
    tags = EXTRA.get(channels)
    hows: list[dict[str, Any]] = [
        {"compression": NONE},
        {"predictor": 2},
        {"predictor": 2, "order": ">"},
        {"is_planar": True},
        {"is_planar": True, "compression": NONE, "order": ">"},
        {"is_planar": True, "predictor": 2},
    ]
    for how in hows:
        assert off(cut_up(samples, tags=tags, **blocks, **how), channels) < 1, how


@pytest.mark.parametrize("blocks", BLOCKS, ids=str)
@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
@pytest.mark.parametrize("channels", [1, 3])
def test_fractions_as_differences_of_their_bytes(channels, kind, blocks):
    samples = samples_of(channels, kind)
    for how in (
        {"predictor": 3},
        {"predictor": 3, "order": ">"},
        {"is_planar": channels > 1, "predictor": 3},
    ):
        assert off(cut_up(samples, **blocks, **how), channels) < 1, how


def test_the_alpha_of_a_picture_in_planes_is_taken_for_alpha():
    samples = samples_of(4, "u2")
    samples[:32, :, 3] = 0
    shown = np.asarray(decode(cut_up(samples, is_planar=True, tags=EXTRA[4])).image)
    assert (shown[:32] == 0).all()
    assert (shown[32:] == np.asarray(COLOR)[32:]).all()


HOLES = [
    ({"compression": NONE, "missing": [2, 3]}, slice(32, 64), slice(0, 96)),
    ({"missing": [2, 3]}, slice(32, 64), slice(0, 96)),
    ({"missing": [0]}, slice(0, 16), slice(0, 96)),
    ({"compression": NONE, "missing": [0]}, slice(0, 16), slice(0, 96)),
    ({"down": 40, "missing": [1]}, slice(40, 64), slice(0, 96)),
    ({"down": 40, "compression": NONE, "missing": [0]}, slice(0, 40), slice(0, 96)),
    ({"across": 64, "down": 32, "missing": [3]}, slice(32, 64), slice(64, 96)),
    ({"across": 64, "down": 32, "missing": [3], "compression": NONE}, slice(32, 64), slice(64, 96)),
    ({"across": 64, "down": 32, "missing": [0], "predictor": 2}, slice(0, 32), slice(0, 64)),
]


@pytest.mark.parametrize(("how", "rows", "columns"), HOLES, ids=str)
@pytest.mark.parametrize(
    ("channels", "kind"), [(1, "u1"), (1, "u2"), (2, "u2"), (3, "u1"), (3, "u2"), (1, "f4")]
)
def test_what_is_not_stored_is_zero(channels, kind, how, rows, columns):
    tags = {338: 2} if channels == 2 else None
    right = np.array((GREY if channels < 3 else COLOR).convert("RGB"))
    # Alpha is zero there as well; what is around it stands out from black paper.
    right[rows, columns] = 0
    decoded = decode(cut_up(samples_of(channels, kind), tags=tags, **how))
    assert distance(decoded.image, Image.fromarray(right)) < 1
    assert decoded.notes == ()


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [("u1", "90", 90), ("u2", "23130", 90), ("f4", "-9999", 0), ("f4", "0.5", 128)],
)
@pytest.mark.parametrize("compression", [NONE, DEFLATE])
@pytest.mark.parametrize("across", [None, 32])
def test_what_is_not_stored_is_what_stands_for_no_data(across, compression, kind, value, shown):
    text = value.encode()
    data = cut_up(
        samples_of(1, kind), across=across, compression=compression, missing=[0], tags={42113: text}
    )
    right = np.array(GREY)
    right[:16, : across or 96] = shown
    assert distance(decode(data).image, Image.fromarray(right)) < 1


def test_a_value_for_no_data_that_samples_cannot_hold_is_zero():
    data = cut_up(samples_of(1, "u1"), missing=[0], tags={42113: b"-9999"})
    assert decode(data).image.getpixel((2, 2)) == (0, 0, 0)


def test_where_zero_is_white_what_is_not_stored_is_white():
    for kind in ("u1", "u2"):
        samples = np.iinfo(kind).max - samples_of(1, kind)
        data = cut_up(samples, missing=[0], tags={262: 0})
        assert decode(data).image.getpixel((2, 2)) == (255, 255, 255)


def test_one_plane_that_is_not_stored_is_zero_and_the_others_are_there():
    for kind in ("u1", "u2"):
        data = cut_up(samples_of(3, kind), is_planar=True, missing=[4])
        right = np.array(COLOR)
        right[:16, :, 1] = 0
        assert distance(decode(data).image, Image.fromarray(right)) < 1


def test_what_stands_for_no_data_does_not_tell_what_white_is():
    samples = samples_of(1, "f4") * 3000
    samples[:30] = -9999
    shown = np.asarray(decode(cut_up(samples, tags={42113: b"-9999"})).image)
    assert (shown[:30] == 0).all()
    assert shown[60, 10, 0] > 200


def test_a_picture_of_which_nothing_is_stored_is_refused():
    with pytest.raises(ImageRejected, match="none of its pixels is stored") as refused:
        decode(cut_up(samples_of(1, "u1"), missing=range(4)))
    assert refused.value.code == "truncated_image"


def test_only_a_last_lower_strip_cannot_stand_in_for_others():
    with pytest.raises(ImageRejected, match="only the last strip is stored") as refused:
        decode(cut_up(samples_of(1, "u1"), down=40, missing=[0]))
    assert refused.value.code == "unsupported_format"


def test_pixels_that_lie_where_the_header_does_are_damage():
    data = cut_up(samples_of(1, "u1"), compression=NONE, tags={273: [0, 1000, 2000, 3000]})
    with pytest.raises(ImageRejected, match="lies nowhere"):
        decode(data)


@pytest.mark.parametrize("missing", [0, 2, 3])
def test_strips_that_are_jpegs_may_be_not_stored(missing):
    whole = color_jpegs(missing=[missing])
    right = np.array(COLOR)
    right[16 * missing : 16 * missing + 16] = 0
    decoded = decode(whole)
    assert distance(decoded.image, Image.fromarray(right)) < 4
    assert decoded.notes == ()


@pytest.mark.parametrize("predictor", [1, 2])
def test_one_changed_bit_in_deflate_is_noticed_wherever_it_is(predictor):
    whole = cut_up(samples_of(3, "u1"), predictor=predictor)
    right = decode(whole).image
    chance = random.Random(7)
    start = whole.index(zlib.compress(b"")[:2])
    for place in chance.sample(range(start, len(whole)), 100):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << chance.randrange(8)
        try:
            decoded = decode(bytes(damaged))
        except ImageRejected as error:
            assert error.code == "truncated_image"
        else:
            assert decoded.notes == (Note.IMAGE_DAMAGED,) or decoded.image.tobytes() == right.tobytes()


@pytest.mark.parametrize("photometric", [2, 6])
@pytest.mark.parametrize("how", [{}, {"subsampling": 2}, {"keep_rgb": True}], ids=str)
def test_a_jpeg_within_says_itself_what_its_colors_are(photometric, how):
    assert distance(decode(color_jpegs(photometric, **how)).image, COLOR) < 4


@pytest.mark.parametrize("photometric", [2, 6])
def test_components_called_rgb_are_such(photometric):
    data = color_jpegs(photometric, change=without_marks, keep_rgb=True)
    assert distance(decode(data).image, COLOR) < 4


@pytest.mark.parametrize("photometric", [2, 6])
def test_components_of_which_the_first_is_packed_apart_are_brightness_and_colors(photometric):
    data = color_jpegs(photometric, change=without_marks)
    assert distance(decode(data).image, COLOR) < 4


def test_components_that_are_packed_alike_are_what_the_tiff_says():
    def numbered(data: bytes) -> bytes:
        frame, scan = b"R\x11\0G\x11\0B\x11\0", b"R\0G\0B\0"
        assert data.count(frame) == data.count(scan) == 1
        return without_marks(data).replace(frame, b"\1\x11\0\2\x11\0\3\x11\0").replace(scan, b"\1\0\2\0\3\0")

    data = color_jpegs(2, change=numbered, keep_rgb=True)
    assert distance(decode(data).image, COLOR) < 4


@pytest.mark.parametrize("subsampling", [0, 2])
def test_where_a_jpeg_within_does_not_say_what_its_colors_are_the_tiff_does(subsampling):
    data = color_jpegs(6, subsampling=subsampling, change=without_marks)
    assert distance(decode(data).image, COLOR) < 4


def test_a_small_picture_in_a_huge_tile_is_refused():
    tags = {256: 96, 257: 64, 258: 8, 259: DEFLATE, 262: 1, 277: 1, 322: 1 << 20, 323: 1 << 10}
    with pytest.raises(ImageRejected, match="in tiles of 1,048,576 × 1,024 pixels") as refused:
        decode(file_of([Part(tags, [zlib.compress(bytes(100))])]))
    assert refused.value.code == "unsupported_format"


def test_samples_may_have_more_bytes_than_an_image_may_have_pixels():
    samples = samples_of(4, "u2")
    limits = Limits(max_image_pixels=96 * 64, decode_pixels=96 * 64 * 8)
    decoded = Decoder(limits, enough_pixels=1_000_000).decode(cut_up(samples, tags={338: 1}))
    assert distance(decoded.image, COLOR) < 1


@pytest.mark.parametrize("tag", [278, 322, 323])
def test_strips_and_tiles_of_less_than_nothing_are_damage(tag):
    signed = (9, 1, (-16).to_bytes(4, "little", signed=True))
    size: dict[int, Any] = {} if tag == 278 else {322: 16, 323: 16}
    tags = {256: 96, 257: 64, 258: 8, 259: DEFLATE, 262: 1, 277: 1} | size | {tag: signed}
    with pytest.raises(ImageRejected, match="no size of strips or tiles"):
        decode(file_of([Part(tags, [zlib.compress(bytes(100))])]))
