"""The picture in PDFs, packed in all the ways that they know."""

import io
import struct
import zlib

from PIL import Image, ImageOps
from PIL.TiffImagePlugin import TiffImageFile

from tests.files import pdfs
from tests.variants.picture import BLACK_AND_WHITE, COLOR, HEIGHT, WIDTH, encoded

#: Points of a pixel at the resolution that is used when nothing else is asked for.
_POINTS = 72 / 150
_WIDTH, _HEIGHT = WIDTH * _POINTS, HEIGHT * _POINTS
#: What stands before the only page, which is object 3; 4 is its content, 5 the picture.
_TREE = (b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>")


def flate(image: Image.Image = COLOR, more: str = "") -> bytes:
    """As most programs write it, on a page with that more."""
    return _of(image, zlib.compress(image.tobytes()), "/FlateDecode", more)


def jpeg() -> bytes:
    """As scanners write it."""
    return _of(COLOR, encoded(COLOR, "JPEG", quality=95, subsampling=0), "/DCTDecode")


def jpeg2000() -> bytes:
    """As archives write it."""
    return _of(COLOR, encoded(COLOR, "JPEG2000", irreversible=False), "/JPXDecode")


def group4() -> bytes:
    """As faxes and scanners of text write it."""
    return _two_levels(_packed("group4"), "/CCITTFaxDecode", f"/K -1 /Columns {WIDTH} /Rows {HEIGHT}")


def group3() -> bytes:
    """As older faxes write it: each row by itself."""
    return _two_levels(_packed("group3"), "/CCITTFaxDecode", f"/K 0 /Columns {WIDTH} /Rows {HEIGHT}")


def jbig2() -> bytes:
    """As scanners of books write it: a region of the page, packed as Group 4 is."""
    region = struct.pack(">IIIIBB", WIDTH, HEIGHT, 0, 0, 0, 1) + _packed("group4")
    page = struct.pack(">IIIIBH", WIDTH, HEIGHT, 0, 0, 0, 0)
    segments = ((48, page), (38, region), (49, b""))
    packed = b"".join(
        struct.pack(">IBBBI", number, kind, 0, 1, len(data)) + data
        for number, (kind, data) in enumerate(segments)
    )
    return _two_levels(packed, "/JBIG2Decode")


def turned(by: int = 90) -> bytes:
    """On a page that is said to lie on its side, or its head."""
    return flate(COLOR.rotate(by, expand=True), f"/Rotate {by}")


def cropped() -> bytes:
    """On a larger sheet, of which the page is a part."""
    left, low = 48, 24
    picture, content = _picture(COLOR), f"{_WIDTH} 0 0 {_HEIGHT} {left} {low} cm /I Do"
    more = f"/CropBox [{left} {low} {left + _WIDTH} {low + _HEIGHT}]"
    return pdfs.written([*_TREE, _page(more, (300, 200)), pdfs.stream(content.encode()), picture])


def beside() -> bytes:
    """As a stamp that somebody has put on an empty page."""
    return _on_top("/Subtype /Stamp")


def filled_in() -> bytes:
    """As what was written into a field of a form."""
    return _on_top("/Subtype /Widget /FT /Tx /T (name) /V (Anna)", "/AcroForm << /Fields [6 0 R] >>")


def ticked() -> bytes:
    """As the tick in a box of a form, which shows one of two looks."""
    look = "/Subtype /Widget /FT /Btn /T (yes) /V /On /AS /On"
    return _on_top(look, "/AcroForm << /Fields [6 0 R] >>", "<< /N << /On 7 0 R /Off 4 0 R >> >>")


def empty() -> bytes:
    """A page with nothing on it."""
    return pdfs.written([*_TREE, _page().replace(b"/Contents 4 0 R", b"")])


def _on_top(kind: str, form: str = "", looks: str = "<< /N 7 0 R >>") -> bytes:
    """The picture as how a note on an empty page looks."""
    catalog = _TREE[0].replace(b"/Catalog", b"/Catalog " + form.encode())
    note = f"<< /Type /Annot {kind} /Rect [0 0 {_WIDTH} {_HEIGHT}] /F 4 /AP {looks} >>"
    box, shown = f"/BBox [0 0 {_WIDTH} {_HEIGHT}]", "/Resources << /XObject << /I 5 0 R >> >>"
    said = f"/Type /XObject /Subtype /Form {box} {shown}"
    look = pdfs.stream(f"{_WIDTH} 0 0 {_HEIGHT} 0 0 cm /I Do".encode(), said)
    page = _page("/Annots [6 0 R]")
    return pdfs.written([catalog, _TREE[1], page, pdfs.stream(b""), _picture(COLOR), note.encode(), look])


def _page(more: str = "", sides: tuple[float, float] = (_WIDTH, _HEIGHT)) -> bytes:
    return (
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {sides[0]} {sides[1]}] {more}"
        " /Resources << /XObject << /I 5 0 R >> >> /Contents 4 0 R >>"
    ).encode()


def _two_levels(packed: bytes, by: str, how: str = "") -> bytes:
    said = f"/DecodeParms << {how} >>" if how else ""
    content = pdfs.stream(f"{_WIDTH} 0 0 {_HEIGHT} 0 0 cm /I Do".encode())
    picture = _stream_of(BLACK_AND_WHITE, packed, by, f"/BitsPerComponent 1 {said}")
    return pdfs.written([*_TREE, _page(), content, picture])


def _packed(how: str) -> bytes:
    """The picture in two levels, packed as faxes are: the only strip of a TIFF."""
    # Pillow writes that white is 1, and there white is 0.
    tiff = encoded(ImageOps.invert(BLACK_AND_WHITE).convert("1"), "TIFF", compression=how)
    with TiffImageFile(io.BytesIO(tiff)) as image:
        (start,), (size,) = image.tag_v2[273], image.tag_v2[279]
    return tiff[start : start + size]


def _picture(image: Image.Image) -> bytes:
    return _stream_of(image, zlib.compress(image.tobytes()), "/FlateDecode", "/BitsPerComponent 8")


def second_of_three() -> bytes:
    """The picture between two other pages."""
    blank = Image.new("RGB", (WIDTH, HEIGHT), "white")
    return _written(
        [_objects(one, zlib.compress(one.tobytes()), "/FlateDecode") for one in (blank, COLOR, blank)]
    )


def _of(image: Image.Image, packed: bytes, by: str, more: str = "") -> bytes:
    return _written([_objects(image, packed, by, more)])


def _objects(image: Image.Image, packed: bytes, by: str, more: str = "") -> list[bytes]:
    """A page, what draws it, and the picture; `%d` stands for the number of the object."""
    width, height = (side * _POINTS for side in image.size)
    return [
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] {more}"
        " /Resources << /XObject << /I {image} 0 R >> >> /Contents {content} 0 R >>".encode(),
        pdfs.stream(f"{width} 0 0 {height} 0 0 cm /I Do".encode()),
        _stream_of(image, packed, by, "/BitsPerComponent 8"),
    ]


def _stream_of(image: Image.Image, packed: bytes, by: str, more: str) -> bytes:
    space = "/DeviceGray" if image.mode == "L" else "/DeviceRGB"
    said = (
        f"/Type /XObject /Subtype /Image /Width {image.width} /Height {image.height} /ColorSpace {space}"
        f" /Filter {by} {more}"
    )
    return pdfs.stream(packed, said)


def _written(pages: list[list[bytes]]) -> bytes:
    objects: list[bytes] = []
    for page, content, picture in pages:
        first = 3 + len(objects)
        numbered = page.replace(b"{image}", b"%d" % (first + 2)).replace(b"{content}", b"%d" % (first + 1))
        objects += [numbered, content, picture]
    kids = " ".join(f"{3 + 3 * place} 0 R" for place in range(len(pages)))
    tree = f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode()
    return pdfs.written([b"<< /Type /Catalog /Pages 2 0 R >>", tree, *objects])
