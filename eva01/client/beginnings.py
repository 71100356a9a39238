"""How the files of images begin, whatever they are called."""

import struct
from pathlib import Path

#: Bytes that are looked at.
_HEAD_BYTES = 256
_SIGNATURES = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a"),
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    b"%PDF-",
)
#: Lengths of the headers that a BMP may have; two letters alone begin many a text.
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
#: What AVIF and HEIF call themselves in the container that they share with videos.
_BRANDS = frozenset(
    {
        *(b"avif", b"avis", b"mif1", b"msf1"),
        *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    }
)


def is_image(path: Path) -> bool:
    """True when a file begins as an image that a server takes; False when it cannot be read."""
    try:
        with path.open("rb") as file:
            return begins_as_image(file.read(_HEAD_BYTES))
    except OSError:
        return False


def begins_as_image(head: bytes) -> bool:
    """True for the beginning of a JPEG, PNG, GIF, WebP, BMP, TIFF, AVIF, HEIF or PDF file."""
    return (
        head.startswith(_SIGNATURES)
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or _is_bmp(head)
        or (head[4:8] == b"ftyp" and not _BRANDS.isdisjoint(_brands(head)))
    )


def _is_bmp(head: bytes) -> bool:
    return head[:2] == b"BM" and len(head) >= 18 and struct.unpack_from("<I", head, 14)[0] in _BMP_HEADERS


def _brands(head: bytes) -> list[bytes]:
    """The first brand, and those that the container is compatible with."""
    end = min(len(head), int.from_bytes(head[:4], "big"))
    return [head[8:12], *(head[place : place + 4] for place in range(16, end - 3, 4))]
