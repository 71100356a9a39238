"""What stands beside a picture never decides whether it is read."""

import io
import random
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import pytest

from jobs.contract.errors import Eva01Error
from jobs.contract.settings import Limits
from tests.variants import jpegs, others, png, tiffs
from tests.variants.picture import COLOR, distance, encoded
from web.intake.headers import inspect
from worker.job.decode.decoder import Decoder

ROOT = Path(__file__).parents[4]
#: Chunks beside the picture, by all their names.
BESIDE = (
    *(
        b"tEXt",
        b"zTXt",
        b"iTXt",
        b"iCCP",
        b"pHYs",
        b"gAMA",
        b"cHRM",
        b"sRGB",
        b"sBIT",
        b"bKGD",
        b"hIST",
        b"tRNS",
    ),
    *(b"sPLT", b"tIME", b"eXIf", b"acTL", b"fcTL", b"cICP", b"mDCV", b"cLLI", b"caBX", b"prVt"),
)
BODIES = {
    "empty": b"",
    "a byte": b"\0",
    "junk": b"\xff" * 40,
    "text": b"key\0value",
    "packed junk": b"key\0\0notzlib",
}
MEGABYTES = b"x" * (3 << 20)
#: A text that is called EXIF, and unpacks to a gigabyte.
BOMB = b"Raw profile type exif\0\0" + zlib.compress(bytes(1 << 20), 9) * 40


def shows(data: bytes, within: float = 1.0) -> bool:
    decoded = Decoder(Limits(), enough_pixels=1_000_000).decode(data)
    found = inspect(io.BytesIO(data), Limits())
    assert (found.width, found.height) == (decoded.width, decoded.height)
    return decoded.notes == () and distance(decoded.image, COLOR) < within


@pytest.mark.parametrize("kind", BESIDE)
@pytest.mark.parametrize("body", BODIES)
def test_any_chunk_beside_the_picture_may_be_wrong(kind, body):
    assert shows(png.beside(png.chunk(kind, BODIES[body])))
    assert shows(png.beside(png.chunk(kind, BODIES[body], checksum=7)))


@pytest.mark.parametrize(
    "chunk",
    [
        png.chunk(b"zTXt", b"Comment\0\0" + zlib.compress(MEGABYTES)),
        png.chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(MEGABYTES)),
        png.chunk(b"tEXt", b"Comment\0" + MEGABYTES),
        png.chunk(b"iCCP", b"icc\0\0" + zlib.compress(MEGABYTES)),
        png.chunk(b"eXIf", MEGABYTES),
        b"".join(png.chunk(b"tEXt", b"k%d\0" % n + b"v" * 100) for n in range(20_000)),
    ],
    ids=["zTXt", "iTXt", "tEXt", "iCCP", "eXIf", "thousands"],
)
def test_any_chunk_beside_the_picture_may_be_huge(chunk):
    assert shows(png.beside(chunk))


def test_no_chunk_beside_the_picture_is_unpacked_into_memory():
    data = png.beside(png.chunk(b"zTXt", BOMB))
    tracemalloc.start()
    try:
        assert shows(data)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE", b"IDAT"])
def test_damage_to_the_picture_itself_is_refused(kind):
    data = bytearray(png.palette(16))
    data[data.index(kind) + 6] ^= 1
    with pytest.raises(Eva01Error) as refused:
        shows(bytes(data))
    assert refused.value.code == "truncated_image"


def test_a_transparency_that_does_not_fit_is_left_out():
    for body in (b"", b"\0", bytes(6)[:5]):
        assert shows(png.beside(png.chunk(b"tRNS", body)))


@pytest.mark.parametrize("marker", [*range(0xE1, 0xEE), 0xEF, 0xFE])
def test_any_segment_beside_a_photo_may_be_wrong(marker):
    bodies = [
        b"",
        b"\0",
        b"\xff" * 40,
        b"Exif\0\0",
        b"MPF\0MM\0*\0\0\0\x08",
        b"ICC_PROFILE\0\1\2x",
        b"Photoshop 3.0\0008BIM",
    ]
    assert shows(jpegs.with_segments(*(jpegs.segment(marker, body) for body in bodies)), within=4)


@pytest.mark.parametrize("tag", [34675, 34665, 34853, 700, 33723, 34377, 282, 283, 296, 270, 305, 315])
@pytest.mark.parametrize(
    "value", [(7, 1 << 30, b"\xff\xff\xff\x7f"), (5, 1, b"\0\0\0\0"), (2, 4, b"abcd"), (99, 9, b"abcd")]
)
def test_any_tag_that_no_pixel_needs_may_be_wrong(tag, value):
    assert shows(tiffs.color8(**{f"_{tag}": value}))


@pytest.mark.parametrize("kind", [b"EXIF", b"ICCP", b"XMP "])
def test_any_chunk_beside_a_webp_may_be_wrong(kind):
    whole = others.turned("WEBP", lossless=True)
    simple = encoded(COLOR, "WEBP", lossless=True)
    flags = {b"EXIF": 8, b"ICCP": 32, b"XMP ": 4}[kind]
    width, height = COLOR.size
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    extended = b"VP8X" + struct.pack("<II", 10, flags) + size
    junk = kind + struct.pack("<I", 6) + b"\xffjunk\xff"
    parts = [extended, junk, simple[12:]] if kind == b"ICCP" else [extended, simple[12:], junk]
    body = b"WEBP" + b"".join(parts)
    assert whole[:4] == b"RIFF"
    assert shows(b"RIFF" + struct.pack("<I", len(body)) + body)


def test_noise_never_ends_in_anything_but_a_picture_or_a_reason():
    decoder = Decoder(Limits(max_image_pixels=1_000_000), enough_pixels=1_000_000)
    wholes = [
        *(encoded(COLOR, name) for name in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")),
        *(others.heic("turned"), tiffs.grey_packed(12), png.grey16(4095), jpegs.jpeg(progressive=True)),
    ]
    rng = random.Random(1)
    # scripts/fuzz does the same to thousands.
    for _ in range(150):
        data = bytearray(rng.choice(wholes))
        for _ in range(rng.choice((1, 3, 20))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if rng.random() < 0.3:
            del data[rng.randrange(len(data)) :]
        for look in (lambda whole: inspect(io.BytesIO(whole), Limits()), decoder.decode):
            try:
                look(bytes(data))
            except Eva01Error as error:
                assert error.message


def test_without_the_package_that_reads_heif_its_name_is_said():
    """In an interpreter of its own, where there is none."""
    program = """
import sys
sys.modules["pi_heif"] = None
from jobs.contract.errors import Eva01Error
from jobs.contract.settings import Limits
from tests.variants.others import heic
from worker.job.decode.decoder import Decoder
try:
    Decoder(Limits(), 10**6).decode(heic("plain"))
except Eva01Error as error:
    print(error.code, error.message)
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.startswith("unsupported_format")
    assert "pip install 'pi-heif'" in done.stdout


def test_a_heif_that_breaks_its_reader_is_refused_and_breaks_nothing_else():
    """One letter of the name of its metadata is wrong: libheif 1.23 ends with a segmentation fault."""
    data = others.heic("turned").replace(b"Exif", b"\xd2xif", 1)
    assert inspect(io.BytesIO(data), Limits()).media_type == "image/heic"
    try:
        assert shows(data)
    except Eva01Error as error:
        assert error.code == "truncated_image"


def test_a_heif_of_more_pixels_than_allowed_is_refused_before_it_is_read():
    with pytest.raises(Eva01Error) as refused:
        Decoder(Limits(max_image_pixels=6000), enough_pixels=1_000_000).decode(others.heic("plain"))
    assert refused.value.code == "too_many_pixels"
