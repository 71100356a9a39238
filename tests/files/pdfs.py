"""PDFs for tests, written by hand: pages with rectangles in known colors, and lines of text."""

import hashlib
import zlib
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import psutil

#: Sides of a page in points, where nothing else is said: at 72 dpi as many pixels.
SIDES = (200.0, 100.0)
#: What stands in front of every password (PDF 1.7, 7.6.3.3).
_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
RED, GREEN, BLUE = (1, 0, 0), (0, 1, 0), (0, 0, 1)


class Page(NamedTuple):
    """A page: a rectangle that fills its left half in a color, and text on its right half."""

    color: tuple[float, float, float] = RED
    text: str = ""
    sides: tuple[float, float] = SIDES
    #: What else its dictionary says.
    more: str = ""

    def content(self) -> bytes:
        """What draws it."""
        width, height = self.sides
        drawn = f"{' '.join(map(str, self.color))} rg 0 0 {width / 2} {height} re f 0 0 0 rg"
        said = "BT /F 12 Tf 14 TL {x} {y} Td {lines} ET".format(
            x=width / 2 + 5,
            y=height - 20,
            lines=" ".join(f"({line}) Tj T*" for line in self.text.splitlines()),
        )
        return f"{drawn} {said}".encode("latin-1")


_SECRET = Page(GREEN, "secret")


def document(*pages: Page) -> bytes:
    """A PDF of some pages; of one red one where none is said."""
    pages = pages or (Page(),)
    kids = " ".join(f"{4 + 2 * place} 0 R" for place in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for place, page in enumerate(pages):
        width, height = page.sides
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] {page.more}"
            f" /Resources << /Font << /F 3 0 R >> >> /Contents {5 + 2 * place} 0 R >>".encode()
        )
        objects.append(stream(page.content()))
    return written(objects)


def stream(data: bytes, said: str = "") -> bytes:
    """A stream object."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), said.encode(), data)


def written(objects: Sequence[bytes], trailer: str = "") -> bytes:
    """A PDF of objects, of which the first is its catalog."""
    file = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(file)
    file += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    file += b"".join(b"%010d 00000 n \n" % place for place in places)
    file += f"trailer << /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\n".encode("latin-1")
    return bytes(file + b"startxref\n%d\n%%%%EOF\n" % start)


def many_pages(count: int) -> bytes:
    """A PDF of so many empty pages, all of them one object."""
    kids = b"3 0 R " * count
    return written(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Count %d /Kids [%s] >>" % (count, kids),
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] >>",
        ]
    )


def without_pages() -> bytes:
    """A PDF that has none."""
    return written([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 0 /Kids [] >>"])


def going_round() -> bytes:
    """A PDF whose pages are its own parents."""
    return written(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Count 2 /Kids [3 0 R 3 0 R] /Parent 3 0 R >>",
            b"<< /Type /Pages /Count 2 /Kids [2 0 R 2 0 R] /Parent 2 0 R >>",
        ]
    )


def missing_page() -> bytes:
    """A PDF that names two pages, of which the second is not there."""
    return document(Page(), Page(GREEN)).replace(b"6 0 obj", b"9 0 obj")


def encrypted(password: bytes, page: Page = _SECRET) -> bytes:
    """A PDF of a page that opens with that password alone (RC4, 40 bits); with none where that is empty."""
    padded = (password + _PADDING)[:32]
    identity = bytes(range(16))
    owner = _rc4(hashlib.md5((b"owner" + _PADDING)[:32]).digest()[:5], padded)
    rights = -4
    key = hashlib.md5(padded + owner + rights.to_bytes(4, "little", signed=True) + identity).digest()[:5]
    user = _rc4(key, _PADDING)
    # Strings and streams are packed with a key of their object's own.
    own = hashlib.md5(key + (5).to_bytes(3, "little") + bytes(2)).digest()[:10]
    content, plain = page.content(), document(page)
    said = (
        f"/Encrypt << /Filter /Standard /V 1 /R 2 /O <{owner.hex()}> /U <{user.hex()}> /P {rights} >>"
        f" /ID [<{identity.hex()}> <{identity.hex()}>]"
    )
    return plain.replace(content, _rc4(own, content)).replace(b"/Root 1 0 R", b"/Root 1 0 R " + said.encode())


def bomb(size_bytes: int = 3 << 30) -> bytes:
    """A PDF whose content unpacks to so many bytes: zeros, packed twice."""
    packer = zlib.compressobj(9)
    begin = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    # What stands between two full flushes is the same each time.
    piece = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = begin + piece * (size_bytes >> 20) + packer.flush()
    content = stream(zlib.compress(packed, 9), "/Filter [/FlateDecode /FlateDecode]")
    return written(_one_page(content))


def endless(shapes: int = 3_000_000) -> bytes:
    """A PDF of one page that takes minutes to draw: see-through shapes one on the other, packed small."""
    shape = b"0 0 m 200 100 l 200 0 l 0 100 l 30 90 150 3 7 44 c f* "
    content = zlib.compress(b"/G gs " + shape * shapes, 9)
    objects = _one_page(stream(content, "/Filter /FlateDecode"))
    objects[2] = objects[2].replace(
        b"/Contents", b"/Resources << /ExtGState << /G << /ca 0.5 >> >> >> /Contents"
    )
    return written(objects)


def many_sections(count: int = 300_000) -> bytes:
    """A PDF of a page that takes long to open: it was changed so often, and each change names the last."""
    file = bytearray(document())
    before = int(file.rsplit(b"startxref\n", 1)[1].split()[0])
    for _ in range(count):
        start = len(file)
        file += b"xref\n0 0\ntrailer<</Size 6/Root 1 0 R/Prev %d>>\n" % before
        before = start
    return bytes(file + b"startxref\n%d\n%%%%EOF\n" % before)


def readers() -> list[psutil.Process]:
    """The processes that read PDFs for this one."""
    found = []
    for child in psutil.Process().children():
        # One that has come to its end meanwhile is none.
        with suppress(psutil.Error):
            if "jobs.formats.pdf.alone" in child.cmdline():
                found.append(child)
    return found


def _one_page(content: bytes) -> list[bytes]:
    return [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 4 0 R >>",
        content,
    ]


def _rc4(key: bytes, data: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)
