"""A page of a PDF: drawn by a process of its own, no larger than is wanted."""

from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from jobs.contract.models import Note
from jobs.contract.settings import Limits
from jobs.formats.pdf.apart import Drawn, drawn_page

#: Bytes of a drawn pixel here, and in the process that draws it.
BYTES = 3 + 3
#: How a PDF ends, and bytes of its end in which that stands, or else some of it is missing.
_END, _END_BYTES = b"%%EOF", 2048


@dataclass(frozen=True)
class DrawnPage:
    """A page in RGB, and what else is known of it."""

    image: Image.Image
    #: Its size at the resolution that was asked for.
    width: int
    height: int
    #: How many pages there are.
    pages: int
    #: The text that it holds.
    text: str
    notes: tuple[Note, ...]


def page_of(data: bytes, number: int, dpi: int, most_pixels: int, limits: Limits) -> DrawnPage:
    """A page of a PDF, counted from 1; raises what `drawn_page` raises."""
    with drawn_page(BytesIO(data), number, dpi, most_pixels, limits) as drawn:
        image, text = _image(drawn), drawn.text()
    # PDFium mends a file whose end is missing, as far as it finds something, and says nothing.
    notes = () if _END in data[-_END_BYTES:] else (Note.IMAGE_INCOMPLETE,)
    return DrawnPage(image, drawn.width, drawn.height, drawn.pages, text, notes)


def _image(drawn: Drawn) -> Image.Image:
    image = Image.new("RGB", drawn.drawn)
    top = 0
    for data in drawn.pixels:
        rows = len(data) // (3 * image.width)
        image.paste(Image.frombytes("RGB", (image.width, rows), data), (0, top))
        top += rows
    return image
