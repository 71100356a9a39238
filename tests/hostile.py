"""Malicious and suspicious files, made byte by byte."""

import io
import struct
import zipfile
import zlib

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
    """A zip with the names exactly as given."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


def link(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    """A symbolic link as a zip's entry."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    return info, target.encode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
