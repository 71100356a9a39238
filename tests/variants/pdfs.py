"""The picture in PDFs, packed in all the ways that they know."""

import zlib

from PIL import Image

from tests import pdfs
from tests.variants.picture import COLOR, HEIGHT, WIDTH, encoded

#: Points of a pixel at the resolution that is used when nothing else is asked for.
_POINTS = 72 / 150


def flate(image: Image.Image = COLOR, more: str = "") -> bytes:
    """As most programs write it, on a page with that more."""
    return _of(image, zlib.compress(image.tobytes()), "/FlateDecode", more)


def jpeg() -> bytes:
    """As scanners write it."""
    return _of(COLOR, encoded(COLOR, "JPEG", quality=95, subsampling=0), "/DCTDecode")


def jpeg2000() -> bytes:
    """As archives write it."""
    return _of(COLOR, encoded(COLOR, "JPEG2000", irreversible=False), "/JPXDecode")


def turned() -> bytes:
    """On a page that is said to lie on its side."""
    return flate(COLOR.rotate(90, expand=True), "/Rotate 90")


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
    space = "/DeviceGray" if image.mode == "L" else "/DeviceRGB"
    said = (
        f"/Type /XObject /Subtype /Image /Width {image.width} /Height {image.height} /ColorSpace {space}"
        f" /BitsPerComponent 8 /Filter {by}"
    )
    return [
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] {more}"
        " /Resources << /XObject << /I {image} 0 R >> >> /Contents {content} 0 R >>".encode(),
        pdfs.stream(f"{width} 0 0 {height} 0 0 cm /I Do".encode()),
        pdfs.stream(packed, said),
    ]


def _written(pages: list[list[bytes]]) -> bytes:
    objects: list[bytes] = []
    for page, content, picture in pages:
        first = 3 + len(objects)
        numbered = page.replace(b"{image}", b"%d" % (first + 2)).replace(b"{content}", b"%d" % (first + 1))
        objects += [numbered, content, picture]
    kids = " ".join(f"{3 + 3 * place} 0 R" for place in range(len(pages)))
    tree = f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode()
    return pdfs.written([b"<< /Type /Catalog /Pages 2 0 R >>", tree, *objects])
