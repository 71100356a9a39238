"""A PNG's chunks: which make its picture, and which stand beside it.

    signature   IHDR ──► [PLTE] ──► [tRNS] ──► IDAT … ──► IEND        the picture
                  └ sBIT, eXIf, acTL, texts, profiles, times, …       beside it: never a reason to refuse

What stands beside a picture is looked at for its orientation, its real depth and its frames, and left out
when it is damaged or too large to be true. Nothing is unpacked here but one text that may hold the
orientation, and no more of it than that takes.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO

from jobs.formats.images import truncated_image, unsupported_format

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, COLOR, PALETTE, GREY_ALPHA, COLOR_ALPHA = 0, 2, 3, 4, 6
#: Samples a pixel has, by the kind of color.
_CHANNELS = {GREY: 1, COLOR: 3, PALETTE: 1, GREY_ALPHA: 2, COLOR_ALPHA: 4}
#: Bits that a sample may have, by the kind of color.
_DEPTHS = {
    GREY: (1, 2, 4, 8, 16),
    COLOR: (8, 16),
    PALETTE: (1, 2, 4, 8),
    GREY_ALPHA: (8, 16),
    COLOR_ALPHA: (8, 16),
}
#: Chunks beside the picture that are looked at.
_HEEDED = (b"tRNS", b"sBIT", b"acTL", b"eXIf", b"zTXt", b"tEXt")
#: Bytes of EXIF in which an orientation is looked for; it stands at the beginning.
_EXIF_BYTES = 65_536
#: How ImageMagick names EXIF that it keeps as text.
_EXIF_TEXTS = (b"Raw profile type exif", b"Raw profile type APP1")


@dataclass(frozen=True)
class Header:
    """What IHDR says."""

    body: bytes
    width: int
    height: int
    #: Bits a sample.
    depth: int
    color: int

    @property
    def channels(self) -> int:
        """Samples a pixel, alpha included."""
        return _CHANNELS[self.color]

    def as_four_bytes(self) -> "Header":
        """The header of the same pixels of 32 bits, taken as red, green, blue and alpha."""
        body = self.body[:8] + bytes((8, COLOR_ALPHA)) + self.body[10:]
        return replace(self, body=body, depth=8, color=COLOR_ALPHA)


@dataclass(frozen=True)
class Png:
    """A PNG taken apart."""

    header: Header
    palette: bytes
    #: tRNS, if it fits the kind of color; else empty.
    transparency: bytes
    #: The packed pixels of all IDATs; the last of these may be cut short.
    pixels: bytearray
    #: True when it is: then nothing proves that its bytes are right.
    is_cut: bool
    #: How many bits a sample had before it was written, the most of its channels; None when nobody says.
    significant_bits: int | None
    #: EXIF, or what may be its beginning.
    exif: bytes
    #: Frames of an animation; 1 for none.
    frames: int

    def plain(self) -> bytes:
        """The same picture as a PNG with nothing beside it, and whole as far as its pixels are."""
        chunks = [_chunk(b"IHDR", self.header.body)]
        if self.header.color == PALETTE:
            chunks.append(_chunk(b"PLTE", self.palette))
        if self.transparency:
            chunks.append(_chunk(b"tRNS", self.transparency))
        pixels = _around(b"IDAT", self.pixels)
        return b"".join((SIGNATURE, *chunks, pixels[0], self.pixels, pixels[1], _chunk(b"IEND", b"")))


def header_of(file: IO[bytes]) -> Header:
    """The header of a file that begins as a PNG does.

    Raises ImageRejected (`truncated_image`; `unsupported_format` for Apple's own kind).
    """
    file.seek(len(SIGNATURE))
    start = file.read(25)
    if start[4:8] == b"CgBI":
        raise unsupported_format(
            "a PNG as Xcode rewrites it for iPhones", "Take the one from before the build"
        )
    if len(start) < 25 or start[:8] != struct.pack(">I", 13) + b"IHDR":
        raise truncated_image("its header is missing")
    body = start[8:21]
    if zlib.crc32(start[4:21]) != int.from_bytes(start[21:], "big"):
        raise truncated_image("its header is damaged")
    width, height, depth, color, packing, filters, interlacing = struct.unpack(">IIBBBBB", body)
    known = depth in _DEPTHS.get(color, ()) and packing == filters == 0 and interlacing <= 1
    if not (0 < width < 1 << 31 and 0 < height < 1 << 31 and known):
        raise truncated_image("its header makes no sense")
    return Header(body, width, height, depth, color)


def taken_apart(data: bytes, header: Header) -> Png:
    """A PNG's picture, and what is told beside it.

    Raises ImageRejected (`truncated_image`) when a part of the picture is damaged or missing.
    """
    # One after the other: a list of a million empty IDATs would take thirty times the file.
    pixels = bytearray()
    told: dict[bytes, memoryview] = {}
    exif, is_cut = b"", False
    for kind, body, is_whole in _chunks(data, header):
        if kind == b"IDAT":
            pixels += body
            is_cut = not is_whole
        else:
            told.setdefault(kind, body)
            exif = exif or _exif(kind, body)
    if not pixels:
        raise truncated_image("it has no pixels")
    palette = bytes(told.get(b"PLTE", b""))
    if header.color == PALETTE and (not palette or len(palette) % 3 or len(palette) > 768):
        raise truncated_image("its palette is missing or damaged")
    return Png(
        header,
        palette,
        _fitting_transparency(header, bytes(told.get(b"tRNS", b""))[:256]),
        pixels,
        is_cut,
        _most_bits(told.get(b"sBIT", b"")),
        exif,
        _frames(told.get(b"acTL", b"")),
    )


def _chunks(data: bytes, header: Header) -> Iterator[tuple[bytes, memoryview, bool]]:
    """The chunks that are looked at, each whole, up to IEND; of an IDAT where the file is cut, what is left.

    Raises ImageRejected for a damaged one that the picture needs; any other damaged one is left out.
    """
    view = memoryview(data)
    # What stands beside the picture: in other colors a palette is a suggestion.
    optional = () if header.color == PALETTE else (b"PLTE",)
    has_pixels = False
    place = len(SIGNATURE)
    while place + 8 <= len(data):
        size, kind = int.from_bytes(view[place : place + 4], "big"), data[place + 4 : place + 8]
        body, end = view[place + 8 : place + 8 + size], place + 12 + size
        if kind == b"IEND" or (has_pixels and not kind.isalpha()):
            return
        if not kind.isalpha():
            raise truncated_image(f"what should be a chunk at byte {place:,} has no name made of letters")
        has_pixels |= kind == b"IDAT"
        if end > len(data):
            if kind == b"IDAT":
                yield kind, body, False
            return
        if kind[:1].isupper() or kind in _HEEDED:
            checksum = int.from_bytes(view[end - 4 : end], "big")
            if zlib.crc32(body, zlib.crc32(kind)) == checksum:
                yield kind, body, True
            elif kind[:1].isupper() and kind not in optional:
                raise truncated_image(f"its chunk {kind.decode()} at byte {place:,} is damaged")
        place = end


def _exif(kind: bytes, body: memoryview) -> bytes:
    """EXIF from a chunk that holds it; else nothing."""
    if kind == b"eXIf":
        return bytes(body[:_EXIF_BYTES])
    if kind not in (b"zTXt", b"tEXt"):
        return b""
    name, _, text = bytes(body[: 2 * _EXIF_BYTES + 128]).partition(b"\0")
    if name not in _EXIF_TEXTS:
        return b""
    try:
        if kind == b"zTXt":
            text = zlib.decompressobj().decompress(text[1:], 2 * _EXIF_BYTES)
        # A line with the kind, a line with the number of bytes, then bytes as hexadecimal digits.
        digits = b"".join(text.split()[2:])
        return bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii"))
    except (zlib.error, ValueError):
        return b""


def _most_bits(given: bytes | memoryview) -> int | None:
    return max(given) if 0 < len(given) <= 4 else None


def _frames(given: bytes | memoryview) -> int:
    return max(1, int.from_bytes(given[:4], "big")) if len(given) == 8 else 1


def _fitting_transparency(header: Header, given: bytes) -> bytes:
    """The transparency as Pillow compares it: with samples that are brought to 8 bits."""
    if header.color == PALETTE:
        return given
    if header.color not in (GREY, COLOR) or len(given) != 2 * header.channels:
        return b""
    samples = struct.unpack(f">{header.channels}H", given)
    if header.color == COLOR and header.depth == 16:
        samples = tuple(sample >> 8 for sample in samples)
    if header.color == GREY and header.depth in (2, 4):
        samples = tuple(sample * 255 // ((1 << header.depth) - 1) & 0xFF for sample in samples)
    return struct.pack(f">{header.channels}H", *samples)


def _chunk(kind: bytes, body: bytes) -> bytes:
    before, after = _around(kind, body)
    return before + body + after


def _around(kind: bytes, body: bytes | bytearray) -> tuple[bytes, bytes]:
    """What stands before a chunk's body, and behind it."""
    checksum = zlib.crc32(body, zlib.crc32(kind))
    return struct.pack(">I", len(body)) + kind, struct.pack(">I", checksum)
