"""PDFs as no program writes them: that go round, are deeper or larger than can be, or unpack without end."""

import zlib
from collections.abc import Iterator

from tests.files import pdfs

#: Boxes of pages that are none, or that nobody could print.
_BOXES = (
    "[0 0 1000000000 1000000000]",
    f"[0 0 {10**38} 1]",
    "[-2147483648 -2147483648 2147483647 2147483647]",
    "[100 100 0 0]",
    "[0 0 0 0]",
    "[0 0 nan inf]",
    "[0 0]",
    "[[[]]]",
    "(a box)",
)
#: Numbers of pages that a tree may be said to have.
_COUNTS = (0, -1, 2**31 - 1, 10**12)
_CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
_TREE = b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>"
_DEPTH = 3000


def crafted() -> Iterator[bytes]:
    """All of them, each of some kilobytes; whoever looks at one is done, or ended, within seconds."""
    yield from _tables()
    yield from (_page(box) for box in _BOXES)
    yield from (_page().replace(b"/Count 1", b"/Count %d" % count) for count in _COUNTS)
    yield _deep()
    yield pdfs.going_round()
    yield pdfs.bomb()
    yield _unpacked_again()
    yield from _drawn()


def _tables() -> Iterator[bytes]:
    """Tables of objects that name themselves, or each other, as the ones before."""
    whole = _page()
    start = int(whole.rsplit(b"startxref\n", 1)[1].split()[0])
    for key in (b"/Prev", b"/XRefStm"):
        for place in (start, 0, len(whole) * 1000, -1):
            yield whole.replace(b"/Root 1 0 R", b"/Root 1 0 R %s %d" % (key, place))
    second = b"xref\n0 0\ntrailer << /Size 5 /Root 1 0 R /Prev %d >>\n"
    first = whole.replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev %08d" % 0)
    round_ = first.replace(b"/Prev %08d" % 0, b"/Prev %08d" % len(first))
    yield round_ + second % start + b"startxref\n%d\n%%%%EOF\n" % len(round_)


def _deep() -> bytes:
    """A tree of pages that is far deeper than any is."""
    nodes = [b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % (number + 3) for number in range(_DEPTH)]
    return pdfs.written([_CATALOG, *nodes, b"<< /Type /Page /MediaBox [0 0 90 60] >>"])


def _unpacked_again() -> bytes:
    """A page whose content is packed over and over."""
    content = b"0 0 9 9 re f"
    for _ in range(100):
        content = zlib.compress(content)
    return _page(content=pdfs.stream(content, f"/Filter [{'/FlateDecode ' * 100}]"))


def _drawn() -> Iterator[bytes]:
    """Pages that draw what draws itself, or is larger than it can be."""
    form = "/Type /XObject /Subtype /Form /BBox [0 0 90 60] /Resources << /XObject << /A 5 0 R >> >>"
    yield _page(content=_draws("/A Do"), more=[pdfs.stream(b"/A Do", form)])
    tile = "/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 1 1] /XStep 0.05 /YStep 0.05"
    resources = "/Resources << /Pattern << /A 5 0 R >> >>"
    paint = "/Pattern cs /A scn 0 0 90 60 re f"
    yield _page(content=_draws(paint), more=[pdfs.stream(paint.encode(), f"{tile} {resources}")])
    for size in (2**31 - 1, 100_000, -1, 0):
        kind = f"/Type /XObject /Subtype /Image /Width {size} /Height {size} /BitsPerComponent 8"
        picture = pdfs.stream(zlib.compress(bytes(99)), f"{kind} /ColorSpace /DeviceRGB /Filter /FlateDecode")
        yield _page(content=_draws("90 0 0 60 0 0 cm /A Do"), more=[picture])
    yield _page(content=_draws("q " * 100_000 + "Q " * 99))


def _draws(what: str) -> bytes:
    return pdfs.stream(what.encode())


def _page(box: str = "[0 0 90 60]", content: bytes | None = None, more: list[bytes] | None = None) -> bytes:
    page = (
        f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Contents 4 0 R"
        " /Resources << /XObject << /A 5 0 R >> /Pattern << /A 5 0 R >> >> >>"
    )
    drawn = content or pdfs.stream(b"0 0 45 60 re f")
    return pdfs.written([_CATALOG, _TREE, page.encode(), drawn, *(more or [])])
