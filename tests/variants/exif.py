"""EXIF, tag by tag, with damage beside the orientation."""

import struct

#: Orientation: lying on its side, to be turned by 90 degrees.
SIDEWAYS = 6


def exif(*entries: tuple[int, int, int, bytes], order: str = "<", tail: bytes = b"") -> bytes:
    """EXIF of these tags: number, type, count, and four bytes of value."""
    start = b"II*\0" if order == "<" else b"MM\0*"
    body = b"".join(struct.pack(order + "HHI", *entry[:3]) + entry[3] for entry in sorted(entries))
    return start + struct.pack(order + "IH", 8, len(entries)) + body + struct.pack(order + "I", 0) + tail


def orientation(number: int, order: str = "<", kind: int = 3, count: int = 1) -> tuple[int, int, int, bytes]:
    """The tag that says how to turn the image."""
    value = struct.pack(order + "HH", number, number if count > 1 else 0)
    return 0x0112, kind, count, struct.pack(order + "I", number) if kind == 4 else value


_GOOD = orientation(SIDEWAYS)
#: EXIF with a right orientation, each with another fault beside it or another way to write it.
SIDEWAYS_BY: dict[str, bytes] = {
    "good": exif(_GOOD),
    "big end first": exif(orientation(SIDEWAYS, ">"), order=">"),
    "as a long": exif(orientation(SIDEWAYS, kind=4)),
    "as a long, big end first": exif(orientation(SIDEWAYS, ">", kind=4), order=">"),
    "twice in one": exif(orientation(SIDEWAYS, count=2)),
    "two headers": b"Exif\0\0" + exif(_GOOD),
    "a header that is padded oddly": b"Exif\0\xff" + exif(_GOOD),
    "text of numbers": exif(_GOOD, (0x010F, 3, 1, struct.pack("<HH", 7, 0))),
    "a date as a long": exif(_GOOD, (0x0132, 4, 1, struct.pack("<I", 7))),
    "a resolution of shorts": exif(_GOOD, (0x011A, 3, 2, struct.pack("<HH", 72, 1))),
    "a resolution of bytes": exif(_GOOD, (0x011A, 2, 4, b"72\0\0")),
    "a resolution over nothing": exif(_GOOD, (0x011A, 5, 1, struct.pack("<I", 38)), tail=bytes(8)),
    "a directory outside": exif(_GOOD, (0x8769, 4, 1, struct.pack("<I", 99999))),
    "a directory that is none": exif(_GOOD, (0x8825, 2, 4, b"abcd")),
    "unknown types": exif(_GOOD, (0xA000, 255, 1, b"abcd"), (0xC4A5, 13, 1, struct.pack("<I", 1))),
    "a count that is not there": exif(_GOOD, (0x9286, 7, 1 << 31, struct.pack("<I", 8))),
    "more tags than there are": exif(_GOOD).replace(b"\x08\0\0\0\x01\0", b"\x08\0\0\0\xff\xff"),
}
