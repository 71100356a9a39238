"""PNGs, chunk by chunk."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from tests.variants.picture import COLOR, GREY, HEIGHT, WIDTH, encoded, over

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: The grey picture's samples, 0 to 1, and the color's.
_GREY = np.asarray(GREY) / 255
_COLOR = np.asarray(COLOR) / 255


def chunk(kind: bytes, body: bytes, checksum: int | None = None) -> bytes:
    """A chunk; with another checksum than its own if one is given."""
    if checksum is None:
        checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def png(header: tuple[int, int], rows: bytes, *beside: bytes) -> bytes:
    """A PNG of the picture's size from its depth and kind of color, its rows, and chunks before these."""
    start = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, *header, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"".join((SIGNATURE, start, *beside, pixels, chunk(b"IEND", b"")))


def rows_of(samples: "np.ndarray") -> bytes:
    """Rows of big-endian samples, each with filter 0."""
    return b"".join(b"\0" + row.tobytes() for row in samples.reshape(HEIGHT, -1))


def sixteen(color: int, samples: "np.ndarray", *beside: bytes) -> bytes:
    """16 bits a sample, rows × columns (× channels)."""
    return png((16, color), rows_of(samples.astype(">u2")), *beside)


def grey16(white: int = 65535) -> bytes:
    """Grey in 16 bits, of which white uses only so much."""
    return sixteen(0, _GREY * white)


def grey16_hot() -> bytes:
    """12 bits in 16, and three broken pixels at the top of what 16 can hold."""
    samples = _GREY * 4095
    samples[5, 40], samples[30, 90], samples[60, 70] = 65535, 65535, 65535
    return sixteen(0, samples)


def grey16_said(bits: int, white: int) -> bytes:
    """Grey in 16 bits that says how many of them count."""
    return sixteen(0, _GREY * white, chunk(b"sBIT", bytes([bits])))


def color16(white: int = 65535, *beside: bytes) -> bytes:
    """Color in 16 bits a sample."""
    return sixteen(2, _COLOR * white, *beside)


def color_alpha16(white: int = 65535) -> bytes:
    """Color and alpha, opaque."""
    opaque = np.full((HEIGHT, WIDTH, 1), white)
    return sixteen(6, np.concatenate([_COLOR * white, opaque], -1))


def grey_alpha16(white: int = 65535) -> bytes:
    """Grey and alpha, opaque."""
    return sixteen(4, np.stack([_GREY * white, np.full((HEIGHT, WIDTH), white)], -1))


def grey_few(bits: int, *beside: bytes) -> bytes:
    """Black lettering on white in 1, 2 or 4 bits."""
    levels = (_GREY > 0.5).astype(np.uint8) * ((1 << bits) - 1)
    rows = (np.unpackbits(levels[..., None], axis=2)[:, :, 8 - bits :]).reshape(HEIGHT, -1)
    return png((bits, 0), rows_of(np.packbits(rows, axis=1)), *beside)


def grey_see_through(bits: int) -> bytes:
    """The same, white is transparent."""
    return grey_few(bits, chunk(b"tRNS", struct.pack(">H", (1 << bits) - 1)))


def grey16_see_through() -> bytes:
    """Black lettering of 16 bits; white is transparent."""
    return sixteen(0, (_GREY > 0.5) * 65535, chunk(b"tRNS", struct.pack(">H", 65535)))


def color_see_through(depth: int) -> bytes:
    """White lettering in color; what is transparent has the color that would hide it."""
    white = (1 << depth) - 1
    samples = np.repeat((_GREY < 0.5)[..., None] * white, 3, axis=2)
    told = chunk(b"tRNS", struct.pack(">3H", 0, 0, 0))
    return png((depth, 2), rows_of(samples.astype(">u2" if depth == 16 else "u1")), told)


def palette(colors: int) -> bytes:
    """A palette of the fewest bits for that many colors."""
    return encoded(COLOR.quantize(colors, dither=Image.Dither.NONE), "PNG")


def palette_see_through(ink: tuple[int, int, int, int]) -> bytes:
    """A palette whose paper is transparent."""
    return encoded(over(ink).quantize(8), "PNG")


def beside(*chunks: bytes) -> bytes:
    """The picture, and chunks right behind its header."""
    whole = encoded(COLOR, "PNG")
    return whole[:33] + b"".join(chunks) + whole[33:]


def damaged(place: int) -> bytes:
    """The picture with one bit turned, that many bytes into its pixels."""
    whole = bytearray(encoded(COLOR, "PNG"))
    whole[whole.index(b"IDAT") + place] ^= 4
    return bytes(whole)


def cut(share: float) -> bytes:
    """The picture with its rows stored as they are, in one piece that ends behind that share of them."""
    packed = zlib.compress(rows_of(np.asarray(COLOR)), 0)
    start = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0))
    piece = struct.pack(">I", len(packed)) + b"IDAT" + packed
    return SIGNATURE + start + piece[: 8 + round(len(packed) * share)]


def short() -> bytes:
    """The picture with its last ten rows not packed, and whole otherwise."""
    return png((8, 2), rows_of(np.asarray(COLOR))[: -10 * (1 + WIDTH * 3)])


#: First column and row of each pass of an interlaced PNG, and the steps to the next (RFC 2083, section 2.6).
SEVEN_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


def interlaced(image: Image.Image = COLOR) -> bytes:
    """The picture in seven passes."""
    samples = np.asarray(image)
    rows = b"".join(
        b"".join(b"\0" + row.tobytes() for row in samples[y::down, x::across])
        for x, y, across, down in SEVEN_PASSES
    )
    start = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 1))
    return SIGNATURE + start + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def animated() -> bytes:
    """The picture, and a second one behind it."""
    return encoded(COLOR, "PNG", save_all=True, append_images=[COLOR.point(lambda value: 255 - value)])


def exif_text(exif: bytes, *, packed: bool) -> bytes:
    """EXIF as ImageMagick keeps it: digits in a text."""
    digits = exif.hex()
    lines = "\n".join(digits[n : n + 72] for n in range(0, len(digits), 72))
    text = f"\nexif\n{len(exif):8}\n{lines}\n".encode()
    if packed:
        return chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text))
    return chunk(b"tEXt", b"Raw profile type exif\0" + text)


def turned(told: Sequence[bytes]) -> bytes:
    """The picture lying on its side, and what says so."""
    whole = encoded(COLOR.transpose(Image.Transpose.ROTATE_90), "PNG")
    return whole[:33] + b"".join(told) + whole[33:]
