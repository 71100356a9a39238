"""A JPEG's segments: its frame, its scans, and what stands beside the picture.

    SOI ──► APPn, COM …  ──► DQT, DHT, SOF, DRI ──► SOS and its data … ──► EOI ──► anything

APP0 and APP14 say how colors are meant, and APP1 how the camera was held; nothing else beside the picture is
looked at. Only the first picture of a file counts.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from jobs.contract.settings import Limits
from jobs.formats.images import check_passes, truncated_image, unsupported_format

SIGNATURE = b"\xff\xd8\xff"
_SOI, _EOI, _SOS, _DHT, _DRI, _DNL = 0xD8, 0xD9, 0xDA, 0xC4, 0xDD, 0xDC
#: Markers of a frame's header, and those of them whose scans refine one another.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {_DHT, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xCA})
#: Markers without a body: restarts, and the rest of their kind.
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
_APP0, _APP1, _APP14, _APP15, _COM = 0xE0, 0xE1, 0xEE, 0xEF, 0xFE
_EXIF, _JFIF = b"Exif\0", b"JFIF\0"
#: What Adobe's marker begins with, and its bytes, of which the last says how colors were transformed.
_ADOBE, _ADOBE_BYTES = b"Adobe", 12
#: Markers before a frame's header or in a whole picture, and bytes before its header that belong to none of
#: them: real files have some dozens of either, and a thousand markers where much is told beside the picture.
_MOST_MARKERS, _MOST_STRAY_BYTES = 10_000, 1 << 18
#: Zeros at the end of a file that are no part of a picture.
_UNFILLED_BYTES = 16
#: Where a scan's data end: at a marker that is neither an escaped byte nor a restart.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
#: Where a segment begins: at a marker that has a body, or the end.
_SEGMENT = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")


@dataclass(frozen=True)
class Frame:
    """The header of a picture."""

    width: int
    height: int
    #: Bits a sample.
    depth: int
    is_progressive: bool
    #: Components by their numbers, with how many samples each has across and down in the smallest unit.
    components: tuple[tuple[int, int, int], ...]

    @property
    def unit(self) -> tuple[int, int]:
        """Pixels, across and down, of the smallest unit of a scan that has all components."""
        if len(self.components) == 1:
            return 8, 8
        return 8 * max(c[1] for c in self.components), 8 * max(c[2] for c in self.components)


@dataclass(frozen=True)
class Scan:
    """One pass over the picture."""

    components: tuple[int, ...]
    #: The first and last coefficient it has; 0 to 63 where it has all.
    first: int
    last: int
    #: True for the first bits of its coefficients, False for a refinement.
    is_first_pass: bool
    #: The last bit of them that it has; 0 where nothing is left to refine.
    last_bit: int
    #: True when something follows, so that nothing of it was cut off.
    is_whole: bool
    #: Restarts in its data.
    restarts: int


@dataclass(frozen=True)
class Jpeg:
    """A JPEG taken apart."""

    frame: Frame
    scans: tuple[Scan, ...]
    #: Units between two restarts; 0 for none.
    restart_every: int
    has_end: bool
    exif: bytes
    #: The picture alone, up to its end marker, and without that.
    endless: bytes

    @property
    def has_passes(self) -> bool:
        """True when no part of the picture is whole before the last scan."""
        return (
            self.frame.is_progressive
            or len(self.scans) > 1
            or len(self.scans[0].components) < len(self.frame.components)
        )

    @property
    def plain(self) -> bytes:
        """The picture alone, with an end marker."""
        return self.endless + b"\xff\xd9"


def frame_of(file: IO[bytes]) -> Frame:
    """The frame's header of a file that begins as a JPEG does; reads no further.

    Raises ImageRejected (`truncated_image`; `unsupported_format` for one of more than 8 bits).
    """
    file.seek(2)
    stray_bytes = 0
    for _ in range(_MOST_MARKERS):
        marker, skipped = _marker(file, _MOST_STRAY_BYTES - stray_bytes)
        stray_bytes += skipped
        if marker in _BARE:
            continue
        if marker in (0, _SOS, _EOI):
            raise truncated_image("it has no frame header")
        size = int.from_bytes(file.read(2), "big")
        if marker in _FRAMES:
            return _frame(marker, file.read(max(0, size - 2)))
        file.seek(max(0, size - 2), 1)
    raise truncated_image(f"it has no frame header behind its first {_MOST_MARKERS:,} markers")


def says_ycbcr(data: bytes) -> bool | None:
    """Whether its three components are brightness and colors, and not RGB; None where it does not say so.

    JFIF is the first, Adobe's marker names either. Without them colors of fewer samples than another are no
    RGB; nor are components 1, 2 and 3 of which the first alone is packed in another way.
    """
    transform: bool | None = None
    for marker, _, _, body in _segments(data):
        if marker == _APP0 and bytes(body[:5]) == _JFIF:
            return True
        if marker == _APP14 and bytes(body[:5]) == _ADOBE and len(body) >= _ADOBE_BYTES:
            transform = bool(body[_ADOBE_BYTES - 1])
        if marker in _FRAMES:
            parts = _frame(marker, bytes(body)).components
            if len(parts) != 3:
                return None
            return _look_like_ycbcr(parts, bytes(body)) if transform is None else transform
    return None


def _look_like_ycbcr(parts: Sequence[tuple[int, int, int]], frame: bytes) -> bool | None:
    """What three components are whose kind nothing says, by their numbers, samples, and tables."""
    numbers = bytes(number for number, _, _ in parts)
    if numbers == b"RGB":
        return False
    tables = frame[8::3][:3]
    is_color_apart = numbers == b"\1\2\3" and tables[0] != tables[1] == tables[2]
    is_sparse = len({part[1:] for part in parts}) > 1
    return True if is_sparse or is_color_apart else None


def taken_apart(data: bytes, limits: Limits) -> Jpeg:
    """A JPEG's picture and its EXIF.

    Raises ImageRejected (`truncated_image`, `unsupported_format`) or TooLarge (`too_many_pixels`).
    """
    frame: Frame | None = None
    scans: list[Scan] = []
    kept: list[memoryview] = []
    exif, restart_every, has_end = b"", 0, False
    view = memoryview(data)
    for marker, start, end, body in _segments(data):
        if marker == _EOI:
            has_end = True
            break
        if marker in _FRAMES and frame is None:
            frame = _frame(marker, bytes(body))
        elif marker == _DRI and len(body) >= 2:
            restart_every = int.from_bytes(body[:2], "big")
        elif marker == _APP1 and not exif and bytes(body[:5]) == _EXIF:
            exif = bytes(body)
        elif marker == _SOS:
            end_of_data = _end_of_scan(data, end)
            scans.append(_scan(bytes(body), data, end, end_of_data))
            check_passes(len(scans), frame.width * frame.height if frame else 1, limits)
            end = end_of_data
        if not (_APP1 <= marker < _APP14 or marker in (_APP15, _COM)):
            kept.append(view[start:end])
    if frame is None:
        raise truncated_image("it has no frame header")
    if not scans:
        raise truncated_image("it has no pixels")
    endless = b"".join((b"\xff\xd8", *kept))
    return Jpeg(
        frame,
        tuple(scans),
        restart_every,
        has_end,
        exif,
        endless if has_end else _unfilled_off(endless),
    )


def _unfilled_off(data: bytes) -> bytes:
    """Without the zeros of a file that was never filled to its end, and without half a marker."""
    filled = data.rstrip(b"\0")
    return (filled if len(data) - len(filled) >= _UNFILLED_BYTES else data).rstrip(b"\xff")


def _segments(data: bytes) -> Iterator[tuple[int, int, int, memoryview]]:
    """Each segment: its marker, where it begins and ends, and its body; a scan's data lie behind it.

    Raises ImageRejected (`truncated_image`) where they are more than any picture has.
    """
    view = memoryview(data)
    place = 2
    for _ in range(_MOST_MARKERS):
        found = _SEGMENT.search(data, place)
        if found is None:
            return
        place, marker = found.start(), data[found.start() + 1]
        if marker == _EOI:
            yield marker, place, place + 2, view[:0]
            return
        size = int.from_bytes(view[place + 2 : place + 4], "big")
        end = place + 2 + max(2, size)
        if end > len(data):
            return
        yield marker, place, end, view[place + 4 : end]
        place = _end_of_scan(data, end) if marker == _SOS else end
    raise truncated_image(f"it has more than {_MOST_MARKERS:,} segments")


def _marker(file: IO[bytes], most_stray: int) -> tuple[int, int]:
    """The next marker, 0 at the end of the file; and how many bytes before it belong to none.

    Raises ImageRejected (`truncated_image`) where these are more than `most_stray`.
    """
    last = b""
    for stray in range(-1, most_stray + 1):
        byte = file.read(1)
        if not byte or (last == b"\xff" and byte != b"\xff"):
            return (byte[0] if byte else 0), stray
        last = byte
    raise truncated_image(f"{_MOST_STRAY_BYTES:,} bytes before its frame header belong to no part of it")


def _frame(marker: int, body: bytes) -> Frame:
    if len(body) < 6 or len(body) < 6 + 3 * body[5] or not body[5]:
        raise truncated_image("its frame header is damaged")
    depth, height, width, count = struct.unpack(">BHHB", body[:6])
    if depth != 8:
        raise unsupported_format(f"a JPEG of {depth} bits a sample", "Save it as PNG")
    if not width or not height:
        raise truncated_image("its frame header names no size")
    parts = tuple((body[n], body[n + 1] >> 4, body[n + 1] & 15) for n in range(6, 6 + 3 * count, 3))
    return Frame(width, height, depth, marker in _PROGRESSIVE, parts)


def _end_of_scan(data: bytes, start: int) -> int:
    found = _NEXT_MARKER.search(data, start)
    return found.start() if found else len(data)


def _scan(body: bytes, data: bytes, start: int, end: int) -> Scan:
    count = body[0] if body else 0
    if len(body) < 4 + 2 * count:
        raise truncated_image("the header of a scan is damaged")
    first, last, bits = body[1 + 2 * count : 4 + 2 * count]
    restarts = sum(1 for _ in _RESTART.finditer(data, start, end))
    return Scan(
        tuple(body[1 : 1 + 2 * count : 2]), first, last, not bits >> 4, bits & 15, end < len(data), restarts
    )
