"""JPEGs that are damaged within: decoders go on and say nothing, so the answer's notes have to."""

import random
import re
from typing import Any

import pytest
from PIL import Image

from jobs.contract.errors import Eva01Error
from jobs.contract.models import Note
from tests.unit.worker.decode.test_incomplete import GREY_PICTURE, PICTURE, code_of, decode, photo
from tests.variants import jpegs
from tests.variants.picture import distance, encoded

NOISE = Image.effect_noise((600, 400), 60)
MARKED = {Note.IMAGE_INCOMPLETE, Note.IMAGE_DAMAGED}
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "finer colors": {"subsampling": 0},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
}
PICTURES = {"color": PICTURE, "grey": GREY_PICTURE, "noise": NOISE}


def damaged(data: bytes, how: str) -> bytes:
    """The JPEG with a twentieth of it gone wrong, a third from its beginning."""
    start, size = len(data) // 3, len(data) // 20
    put = {
        "lost": b"",
        "zeros": bytes(size),
        "noise": random.Random(1).randbytes(size).replace(b"\xff", b"\xfe"),
    }
    return data[:start] + put[how] + data[start + size :]


@pytest.mark.parametrize("how", ["lost", "zeros", "noise"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("picture", PICTURES)
def test_damage_within_is_never_silent(picture, way, how):
    data = damaged(photo(PICTURES[picture], **WAYS[way]), how)
    try:
        decoded = decode(data)
    except Eva01Error as refused:
        assert refused.code == "truncated_image"
    else:
        assert MARKED & set(decoded.notes)


@pytest.mark.parametrize("way", ["plain", "progressive", "restarts"])
def test_a_photo_with_some_noise_in_it_is_read_and_marked_damaged(way):
    data = damaged(photo(NOISE, **WAYS[way]), "lost")
    decoded = decode(data, least_image_part=0.1)
    assert Note.IMAGE_DAMAGED in decoded.notes
    assert decoded.image.size == NOISE.size


def test_a_restart_that_is_missing_in_the_middle_is_damage():
    whole = photo(restart_marker_rows=1)
    restarts = [found.start() for found in re.finditer(rb"\xff[\xd0-\xd7]", whole)]
    data = whole[: restarts[5]] + whole[restarts[6] :]
    assert Note.IMAGE_DAMAGED in decode(data).notes


@pytest.mark.parametrize("tail", [b"\xff\xd9", bytes(4096) + b"\xff\xd9"])
@pytest.mark.parametrize("share", [0.1, 0.2, 0.3])
def test_a_progressive_photo_cut_within_its_first_passes_is_refused_with_an_end_marker_too(share, tail):
    whole = photo(NOISE, progressive=True)
    assert code_of(whole[: int(len(whole) * share)] + tail) == "truncated_image"


@pytest.mark.parametrize("tail", [b"\xff\xd9", bytes(4096) + b"\xff\xd9"])
@pytest.mark.parametrize("share", [0.8, 0.97])
def test_one_cut_in_its_last_passes_is_marked_with_an_end_marker_too(share, tail):
    for picture in (PICTURE, NOISE):
        whole = photo(picture, progressive=True)
        decoded = decode(whole[: int(len(whole) * share)] + tail)
        assert MARKED & set(decoded.notes)
        assert distance(decoded.image, picture.convert("RGB")) < 16


def test_passes_that_are_missing_as_a_whole_are_missed():
    whole = photo(progressive=True)
    scans = [found.start() for found in re.finditer(rb"\xff\xda", whole)]
    # Each has its own tables before it.
    tables = [whole.rindex(b"\xff\xc4", 0, scan) for scan in scans[1:]]
    assert decode(whole).notes == ()
    assert decode(whole[: tables[-1]] + b"\xff\xd9").notes == (Note.IMAGE_INCOMPLETE,)
    for place in tables[:2]:
        assert code_of(whole[:place] + b"\xff\xd9") == "truncated_image"


@pytest.mark.parametrize("space", [{}, {"optimize": True}, {"progressive": True}])
@pytest.mark.parametrize("color", [0, 127, 128, 255])
def test_plain_pictures_whose_data_are_zeros_are_whole(color, space):
    for mode in ("L", "RGB"):
        assert decode(photo(Image.new("L", (200, 120), color).convert(mode), **space)).notes == ()


def test_what_cameras_write_beside_the_rules_is_no_damage():
    whole = photo()
    odd_version = whole.replace(b"JFIF\0\x01\x01", b"JFIF\0\x07\x01")
    assert odd_version != whole
    for data in (
        odd_version,
        whole[:-2] + bytes(300) + whole[-2:],
        whole + b"more",
        jpegs.cmyk(),
        jpegs.ycck(),
    ):
        assert decode(data).notes == ()


def test_a_sampling_that_has_no_name_is_read():
    whole = encoded(GREY_PICTURE, "JPEG", quality=92)
    assert decode(whole.replace(b"\x01\x01\x11\0", b"\x01\x01\x31\0")).notes == ()
