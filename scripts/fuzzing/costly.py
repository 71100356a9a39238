"""Requests of at most 50 MB that are made to cost web far more than others: time, or memory.

`KINDS` has them all. Each can be made smaller, for tests.
"""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from tests.files.forms import CONTENT_TYPE, bare_part, form, part, text
from tests.files.hostile import RawEntry, encoded, raw_zip
from tests.files.pdfs import many_sections

_JPEG_END = b"\xff\xc0\0\x0b\x08\0\x10\0\x10\1\1\x11\0\xff\xda\0\x08\1\1\0\0?\0" + b"\0" * 20 + b"\xff\xd9"
_GIF_HEAD = b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0, 0, 0)
_GIF_END = b",\0\0\0\0\x08\0\x08\0\0\x02\x01\0\0;"


@dataclass(frozen=True)
class Request:
    """The end of an address below a batch, a body and its Content-Type."""

    call: str
    body: bytes
    content_type: str = CONTENT_TYPE


# Images


def jpeg_of_segments(share: float) -> bytes:
    """A JPEG whose frame stands behind ten million empty segments."""
    return b"\xff\xd8" + b"\xff\xe1\0\2" * int(10_000_000 * share) + _JPEG_END


def jpeg_of_exif(share: float) -> bytes:
    """A JPEG whose EXIF comes in thousands of pieces."""
    piece = b"\xff\xe1" + struct.pack(">H", 8002) + b"Exif\0\0" + b"\0" * 7994
    return b"\xff\xd8" + piece * int(5000 * share) + _JPEG_END


def jpeg_of_fill(share: float) -> bytes:
    """A JPEG whose frame stands behind fill bytes."""
    return b"\xff\xd8" + b"\xff" * int(40_000_000 * share) + _JPEG_END


def jpeg_of_nothing(share: float) -> bytes:
    """A JPEG whose frame stands behind bytes that are no marker."""
    return b"\xff\xd8\xff\xe0\0\2" + b"\0" * int(40_000_000 * share) + _JPEG_END


def gif_of_blocks(share: float) -> bytes:
    """A GIF whose comment comes in pieces of one byte."""
    return _GIF_HEAD + b"!\xfe" + b"\1a" * int(20_000_000 * share) + b"\0" + _GIF_END


def gif_of_comments(share: float) -> bytes:
    """A GIF of empty comments."""
    return _GIF_HEAD + b"!\xfe\0" * int(13_000_000 * share) + _GIF_END


def webp_of_chunks(share: float) -> bytes:
    """A WebP whose picture stands behind millions of empty chunks."""
    chunks = b"VP8X" + struct.pack("<I", 10) + bytes(10) + b"abcd\0\0\0\0" * int(6_000_000 * share)
    picture = encoded(image_format="WEBP")[12:]
    return b"RIFF" + struct.pack("<I", 4 + len(chunks) + len(picture)) + b"WEBP" + chunks + picture


def heif_of_boxes(share: float, brand: bytes = b"heic") -> bytes:
    """A HEIF of millions of properties."""
    properties = _box(b"iprp", _box(b"ipco", _box(b"free") * int(5_000_000 * share)))
    named = _box(b"pitm", bytes(4) + b"\0\1")
    return _box(b"ftyp", brand + bytes(4) + brand) + _box(b"meta", bytes(4) + named + properties)


def heif_of_owners(share: float, brand: bytes = b"heic") -> bytes:
    """A HEIF whose properties belong to millions of items."""
    count = int(12_000_000 * share)
    owners = _box(b"ipma", bytes(4) + struct.pack(">I", count) + b"\0\2\1\1" * count)
    properties = _box(b"iprp", _box(b"ipco", _box(b"ispe", bytes(4) + b"\0\0\0\1" * 2)) + owners)
    named = _box(b"pitm", bytes(4) + b"\0\1")
    return _box(b"ftyp", brand + bytes(4) + brand) + _box(b"meta", bytes(4) + named + properties)


def tiff_of_tags(share: float) -> bytes:
    """A TIFF of thousands of directories with a thousand tags each."""
    count, size = int(4000 * share) or 1, 2 + 1000 * 12 + 4
    tags = struct.pack("<HHII", 256, 4, 1, 1) + struct.pack("<HHII", 257, 4, 1, 1) * 999
    directories = (struct.pack("<H", 1000) + tags + struct.pack("<I", 8 + n * size) for n in range(1, count))
    last = struct.pack("<H", 1000) + tags + struct.pack("<I", 0)
    return b"II*\0" + struct.pack("<I", 8) + b"".join(directories) + last


def tiff_of_pages(share: float, first_value: int = 0) -> bytes:
    """A TIFF of as many pages as a file may have."""
    count, size = max(1, int(200 * share)), 2 + 3 * 12 + 4
    numbers = (256, 4, 1, 1), (257, 4, 1, 1), (273, 4, 1, first_value)
    tags = struct.pack("<H", 3) + b"".join(struct.pack("<HHII", *number) for number in numbers)
    places = [*(8 + n * size for n in range(1, count)), 0]
    return b"II*\0" + struct.pack("<I", 8) + b"".join(tags + struct.pack("<I", place) for place in places)


def _box(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


_IMAGES: dict[str, Callable[[float], bytes]] = {
    "JPEG, ten million segments": jpeg_of_segments,
    "JPEG, EXIF in 5,000 pieces": jpeg_of_exif,
    "JPEG, 40 MB of fill bytes": jpeg_of_fill,
    "JPEG, 40 MB of no markers": jpeg_of_nothing,
    "GIF, a comment in 20 million blocks": gif_of_blocks,
    "GIF, 13 million comments": gif_of_comments,
    "WebP, 6 million chunks": webp_of_chunks,
    "HEIC, 5 million properties": heif_of_boxes,
    "HEIC, 12 million owners of properties": heif_of_owners,
    "AVIF, 5 million properties": lambda share: heif_of_boxes(share, b"avif"),
    "AVIF, 12 million owners of properties": lambda share: heif_of_owners(share, b"avif"),
    "TIFF, 4,000 directories of 1,000 tags": tiff_of_tags,
    "PDF, changed 900,000 times": lambda share: many_sections(int(900_000 * share)),
}


# Zips


def _zip(entries: Iterator[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return file.getvalue()


def zip_of(image: Callable[[float], bytes], share: float) -> bytes:
    """A zip of eight files of a costly kind."""
    content = image(share)
    return _zip((f"{n}.bin", content + bytes(n)) for n in range(8))


def zip_of_small(share: float) -> bytes:
    """A zip of as many small images as it may have."""
    image = encoded()
    return _zip((f"{n}.png", image + b"%d" % n) for n in range(int(20_000 * share)))


def zip_of_texts(share: float) -> bytes:
    """A zip of as many files that are refused as it may have."""
    return _zip((f"{n}.txt", b"%d" % n) for n in range(int(20_000 * share)))


def zip_of_pages(share: float) -> bytes:
    """A zip of files of many pages, each of which is a row."""
    count = int(5000 * share)
    return _zip((f"{n}.tif", tiff_of_pages(1, n)) for n in range(count))


def zip_of_nothing(share: float) -> bytes:
    """A zip of as many blank files as fit into it, a thousand times as large as their packed content."""
    return _repeated(_blank(share), 220)


def zip_of_bz2(share: float) -> bytes:
    """A zip with an entry of a few bytes that unpack to far more than it says."""
    size = int(200_000_000 * share)
    packed = _zip(iter([("0.bmp", bytes(size))]), zipfile.ZIP_BZIP2)
    return packed.replace(struct.pack("<I", size), struct.pack("<I", 1000))


def zip_of_lzma(share: float) -> bytes:
    """A zip whose entry says that it needs 4 GB of memory to be unpacked."""
    content = _zip(iter([("0.bmp", b"BM" + bytes(int(40_000_000 * share)))]), zipfile.ZIP_LZMA)
    place = content.index(b"0.bmp") + len("0.bmp") + 4
    return content[: place + 1] + b"\xff\xff\xff\xff" + content[place + 5 :]


def zip_of_one(share: float) -> bytes:
    """A zip of thousands of entries that are all the same piece of it."""
    return _repeated(_blank(share), int(4000 * share), is_shared=True)


def _blank(share: float) -> bytes:
    return b"BM" + bytes(int(49_000_000 * share))


def _repeated(content: bytes, count: int, *, is_shared: bool = False) -> bytes:
    """A zip of entries with the same content, which is there for each, or once for all."""
    packer = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
    packed = packer.compress(content) + packer.flush()
    sizes = zlib.crc32(content), len(packed), len(content)
    one = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 8, 0, 0x5321, *sizes, 0, 0) + packed
    directory = bytearray()
    for number in range(count):
        name, place = b"%06d.bmp" % number, 0 if is_shared else number * len(one)
        head = struct.pack("<4s6H3I", b"PK\1\2", 20, 20, 0, 8, 0, 0x5321, *sizes)
        directory += head + struct.pack("<5H2I", len(name), 0, 0, 0, 0, 0, place) + name
    body = one if is_shared else one * count
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)
    return body + bytes(directory) + end


def zip_of_names(share: float, name: bytes) -> bytes:
    """A zip of long names."""
    count = int(10_000_000 * share) // (len(name) + 50)
    return raw_zip(RawEntry(b"%d" % n + name) for n in range(count))


def zip_of_heads(share: float) -> bytes:
    """A zip of far more entries than it may have."""
    return raw_zip(RawEntry(b"") for _ in range(int(400_000 * share)))


def zip_of_extras(share: float) -> bytes:
    """A zip whose entries have thousands of extra fields."""
    return raw_zip(RawEntry(b"%d" % n, extra=b"\x99\x99\0\0" * 16_000) for n in range(int(150 * share)))


_ZIPS: dict[str, Callable[[float], bytes]] = {
    "zip of 20,000 small images": zip_of_small,
    "zip of 20,000 texts": zip_of_texts,
    "zip of 5,000 files of 200 pages": zip_of_pages,
    "zip of 220 × 49 MB of zeros": zip_of_nothing,
    "zip of 200 MB in 180 bytes of bzip2": zip_of_bz2,
    "zip that wants 4 GB for LZMA": zip_of_lzma,
    "zip of one content, 4,000 times": zip_of_one,
    "zip of names with an odd byte": lambda share: zip_of_names(share, b"\x81" + b"a" * 60_000),
    "zip of names of odd bytes": lambda share: zip_of_names(share, b"\x81\x20\xff\xe4\xa0" * 150),
    "zip of 400,000 heads": zip_of_heads,
    "zip of extra fields": zip_of_extras,
}


# Forms and JSON


def many(make: Callable[[int], bytes], share: float) -> Request:
    """As many files as a request may have."""
    return _files([(f"{n}.bin", make(n)) for n in range(int(1000 * share))])


def long_names(share: float) -> Request:
    """Hundreds of names of 64 kB, of which nobody says how they are written."""
    name = b'name="files"; filename="' + b"\x81\x20\xff\xe4\xa0" * 12_000 + b'"'
    return Request("files", form(*(part(name, b"a") for _ in range(int(760 * share)))))


def parts_with(headers: bytes, share: float) -> Request:
    """Hundreds of parts with far more in their headers than a name."""
    head = b'Content-Disposition: form-data; name="files"; filename="a.png"'
    return Request("files", form(*(bare_part(head + headers, b"a") for _ in range(int(700 * share)))))


def questions(value: str, share: float) -> Request:
    """Questions for more paths than there can be."""
    named = ",".join(f'"{n}":{value}' for n in range(int(1_300_000 * share)))
    return Request("files", form(text("questions", "{" + named + "}"), part('name="a"; filename="a"', b"")))


def known(one: bytes, share: float) -> Request:
    """More files than anybody may ask about, in a body that is as long as one may be."""
    body = b'{"files":[' + one * int(8_000_000 * share // len(one)) + b"0]}"
    return Request("known", body, "application/json")


def unknown_fields(share: float) -> Request:
    """A body of fields that there are not."""
    body = json.dumps({str(n): 0 for n in range(int(600_000 * share))})
    return Request("known", body.encode(), "application/json")


def plain_fields(share: float) -> Request:
    """A form without files, of millions of fields."""
    return Request("files", b"a&" * int(4_000_000 * share), "application/x-www-form-urlencoded")


def _files(files: Sequence[tuple[str, bytes]]) -> Request:
    return Request(
        "files", form(*(part(f'name="files"; filename="{name}"', content) for name, content in files))
    )


def _file(name: str, make: Callable[[float], bytes]) -> Callable[[float], Request]:
    return lambda share: _files([(name, make(share))])


#: How each kind of request is made; `share` of its size, 0 to 1.
KINDS: dict[str, Callable[[float], Request]] = {
    **{name: _file("a.bin", make) for name, make in _IMAGES.items()},
    **{f"zip of 8 × {name}": _file("a.zip", partial(zip_of, make)) for name, make in _IMAGES.items()},
    **{name: _file("a.zip", make) for name, make in _ZIPS.items()},
    "25 zips of 20,000 entries": lambda share: _files([(f"{n}.zip", zip_of_texts(share)) for n in range(25)]),
    "1,000 small images": partial(many, lambda number: encoded() + b"%d" % number),
    "1,000 files of 200 pages": partial(many, partial(tiff_of_pages, 1)),
    "760 names of 60,000 odd bytes": long_names,
    "parts with 12,000 lines": partial(parts_with, b"\r\na:b" * 12_000),
    "parts with 15,000 parameters": partial(parts_with, b";a=b" * 15_000),
    "parts of a type with 15,000 parameters": partial(
        parts_with, b"\r\nContent-Type: text/plain" + b";a=b" * 15_000
    ),
    "a million questions": partial(questions, '""'),
    "a million questions that are numbers": partial(questions, "0"),
    "four million known files that are numbers": partial(known, b"0,"),
    "two million known files that are nothing": partial(known, b"{},"),
    "a million known files that lack a hash": partial(known, b'{"file":""},'),
    "as many known files as are read, that lack a hash": lambda share: known(b'{"file":""},', 0.07 * share),
    "600,000 fields that there are not": unknown_fields,
    "four million fields of a plain form": plain_fields,
}
