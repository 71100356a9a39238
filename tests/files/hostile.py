"""Malicious and suspicious files, made byte by byte."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
NAME = 'a "b"\n<script>alert(1)</script>/=1+1 \u540d\u524d \U0001f5bc.png'


def encoded(mode: str = "RGB", size: tuple[int, int] = (8, 6), image_format: str = "PNG", **how) -> bytes:
    """A small image as a file's bytes."""
    file = io.BytesIO()
    Image.new(mode, size).save(file, image_format, **how)
    return file.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its data does not have."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            _chunk(b"IDAT", zlib.compress(b"\0" * 64)),
            _chunk(b"IEND", b""),
        )
    )


def animation(frames: int) -> bytes:
    """A GIF of many frames."""
    first, *others = [Image.new("P", (1, 1), n % 2) for n in range(frames)]
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=others, duration=20)
    return file.getvalue()


def zipped(entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip with the names exactly as given; of the same bytes whenever it is made."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            # By its name alone an entry would have the time now.
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o40775 << 16 | 0x10) if name.endswith("/") else 0o600 << 16
            archive.writestr(info, content, compression)
    return file.getvalue()


def link(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    """A symbolic link as a zip's entry."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    return info, target.encode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@dataclass(frozen=True)
class RawEntry:
    """An entry of a zip, said byte by byte."""

    name: bytes
    content: bytes = b""
    flags: int = 0
    extra: bytes = b""
    #: Where the zip was made, in the upper byte: 0 is MS-DOS, 3 is Unix.
    made_by: int = 0x0014
    attributes: int = 0
    #: What its own header says otherwise than the directory.
    own_name: bytes | None = None
    own_flags: int | None = None
    #: The checksum; None for the right one.
    crc: int | None = None
    method: int = 0
    #: Ten times the version of zip that it takes, in the directory.
    version: int = 20
    #: The packed and the unpacked size that the directory claims; None for the right one.
    said_size: int | None = None


def raw_zip(entries: Iterable[RawEntry]) -> bytes:
    """A stored zip with whatever its entries say; also several of one name."""
    body, directory = io.BytesIO(), io.BytesIO()
    all_entries = [*entries]
    for entry in all_entries:
        place, size = body.tell(), len(entry.content)
        own_name = entry.name if entry.own_name is None else entry.own_name
        own_flags = entry.flags if entry.own_flags is None else entry.own_flags
        crc = zlib.crc32(entry.content) if entry.crc is None else entry.crc
        fields = (entry.method, 0, 0x5321, crc, size, size)
        own_head = struct.pack("<HHHHHIIIHH", 20, own_flags, *fields, len(own_name), len(entry.extra))
        said = size if entry.said_size is None else entry.said_size
        lengths = (len(entry.name), len(entry.extra))
        head = struct.pack("<HHHHHIIIHH", entry.version, entry.flags, *fields[:4], said, said, *lengths)
        body.write(b"PK\x03\x04" + own_head + own_name + entry.extra + entry.content)
        directory.write(b"PK\x01\x02" + struct.pack("<H", entry.made_by) + head)
        directory.write(struct.pack("<HHHII", 0, 0, 0, entry.attributes, place) + entry.name + entry.extra)
    count = min(len(all_entries), 0xFFFF)
    end = struct.pack("<HHHHIIH", 0, 0, count, count, directory.tell(), body.tell(), 0)
    return body.getvalue() + directory.getvalue() + b"PK\x05\x06" + end


def unicode_path(raw: bytes, name: str) -> bytes:
    """Info-ZIP's extra field with the name of an entry in UTF-8."""
    field = struct.pack("<BL", 1, zlib.crc32(raw)) + name.encode()
    return struct.pack("<HH", 0x7075, len(field)) + field
