"""Images to ask about when none are given: solid colors, each its own, written without an image library."""

import random
import struct
import zlib

#: Width and height, in pixels.
SIZE = (800, 600)


def random_png(rng: random.Random) -> bytes:
    """An image in one random color."""
    width, height = SIZE
    rows = (b"\0" + rng.randbytes(3) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
