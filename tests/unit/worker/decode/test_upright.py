"""An image stands as its camera was held, by one tag, whatever is wrong with the others."""

import pytest
from PIL import Image

from jobs.contract.settings import Limits
from tests.variants import jpegs, others, png, tiffs
from tests.variants.exif import SIDEWAYS_BY, exif, orientation
from tests.variants.picture import COLOR, HEIGHT, WIDTH, distance, encoded
from worker.job.decode.decoder import Decoded, Decoder
from worker.job.decode.upright import orientation_in

#: What has to be done to the picture to be stored with an orientation.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def decode(data: bytes) -> Decoded:
    return Decoder(Limits(), enough_pixels=1_000_000).decode(data)


def stands(decoded: Decoded) -> bool:
    return (decoded.width, decoded.height) == (WIDTH, HEIGHT) and distance(decoded.image, COLOR) < 12


def stored(number: int) -> Image.Image:
    turn = STORED[number]
    return COLOR if turn is None else COLOR.transpose(turn)


@pytest.mark.parametrize("name", SIDEWAYS_BY)
def test_a_damaged_tag_does_not_lose_the_orientation_of_a_photo(name):
    assert stands(decode(jpegs.turned(SIDEWAYS_BY[name])))


@pytest.mark.parametrize("name", SIDEWAYS_BY)
def test_nor_that_of_a_png_or_a_webp(name):
    assert stands(decode(png.turned([png.chunk(b"eXIf", SIDEWAYS_BY[name])])))
    assert stands(decode(png.turned([png.exif_text(SIDEWAYS_BY[name], packed=False)])))
    side = COLOR.transpose(Image.Transpose.ROTATE_90)
    assert stands(decode(encoded(side, "WEBP", lossless=True, exif=SIDEWAYS_BY[name])))


@pytest.mark.parametrize("number", STORED)
def test_all_eight_orientations(number):
    told = exif(orientation(number))
    photo = jpegs.with_segments(jpegs.segment(0xE1, b"Exif\0\0" + told), image=stored(number))
    drawing = encoded(stored(number), "PNG")
    drawing = drawing[:33] + png.chunk(b"eXIf", told) + drawing[33:]
    avif = encoded(stored(number), "AVIF", quality=95, exif=b"Exif\0\0" + told)
    scan = tiffs.color8(stored(number), _274=number)
    for data in (photo, drawing, avif, scan):
        assert stands(decode(data))


def test_a_compressed_scan_is_turned_once():
    side = COLOR.transpose(Image.Transpose.ROTATE_90)
    assert stands(decode(tiffs.pillow(side, "tiff_lzw", tiffinfo={274: 6})))


def test_heif_is_turned_by_its_container_and_not_again_by_its_exif():
    whole = others.heic("turned")
    place = whole.index(b"\x01\x12\x00\x03\0\0\0\x01\0\x06")
    assert whole[place + 9] == 6
    assert stands(decode(whole))


@pytest.mark.parametrize("number", [0, 9, 255, 65535])
def test_an_orientation_that_is_none_turns_nothing(number):
    assert orientation_in(exif(orientation(number))) == 1


@pytest.mark.parametrize(
    "data",
    [b"", b"II*\0", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08\xff\xff", b"junk" * 9],
)
def test_exif_that_cannot_be_read_turns_nothing(data):
    assert orientation_in(data) == 1
