"""The process that jobs.formats.pdf.apart starts: reads a PDF from the standard input; a program by itself.

python -m jobs.formats.pdf.alone SECONDS BYTES sizes MOST DPI
    how many pixels the first MOST pages have: {"pages": 2, "sizes": [[1275, 1650], [1275, 1650]]}
python -m jobs.formats.pdf.alone SECONDS BYTES page NUMBER DPI PIXELS
    how large a page is, {"pages": 2, "width": 1275, "height": 1650, "drawn": [1275, 1650]}; then it itself,
    drawn with no more than PIXELS, row by row in RGB; then the text that it holds, in UTF-8

More than SECONDS of CPU or BYTES of memory ends it. What cannot be read is {"fault": …}.
"""

import json
import math
import resource
import sys
from typing import Any

import pypdfium2
import pypdfium2.raw

#: Points of an inch: what a PDF measures in. And the part of a pixel by which fractions may be off.
_POINTS, _ROUNDING = 72, 1e-3
#: Characters of a page's text that are looked at; a page in the smallest print has some ten thousand.
_MOST_CHARS = 50_000
#: What it ends with when there is no memory left.
NO_MEMORY = 3
#: What PDFium says of a document that it does not open, where it is not that it is damaged.
_FAULTS = {
    pypdfium2.raw.FPDF_ERR_PASSWORD: "password",
    pypdfium2.raw.FPDF_ERR_SECURITY: "encryption",
}
#: What stands for a hyphen at the end of a line, and for what is no character.
_SAID: dict[int, str | None] = {0x02: "-", 0xFFFE: "-", 0x00: None, 0xFFFF: None, 0xFEFF: None}


class Fault(Exception):
    """Raised when there is nothing to say but why."""


def main() -> None:
    """Read what the arguments ask for, and write it."""
    seconds, size_bytes, verb, *rest = sys.argv[1:]
    # Where both are the same, the kernel ends it as if the machine had no memory left.
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 1))
    resource.setrlimit(resource.RLIMIT_AS, (int(size_bytes), int(size_bytes)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        document = _opened(sys.stdin.buffer.read())
        if verb == "sizes":
            _say(_sizes(document, *map(int, rest)))
        else:
            _write_page(document, *map(int, rest))
    except Fault as fault:
        _say({"fault": str(fault)})
    except MemoryError:
        sys.exit(NO_MEMORY)


def _opened(data: bytes) -> pypdfium2.PdfDocument:
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise Fault(_FAULTS.get(error.err_code, "damaged")) from error
    if not len(document):
        raise Fault("damaged")
    return document


def _sizes(document: pypdfium2.PdfDocument, most: int, dpi: int) -> dict[str, Any]:
    numbers = range(1, min(len(document), most) + 1)
    return {"pages": len(document), "sizes": [_size(document, number, dpi) for number in numbers]}


def _size(document: pypdfium2.PdfDocument, number: int, dpi: int) -> tuple[int, int]:
    """A page's sides as it is shown, in pixels."""
    try:
        sides = document.get_page_size(number - 1)
    except pypdfium2.PdfiumError as error:
        raise Fault(f"page {number}") from error
    if not all(0 < side < math.inf for side in sides):
        raise Fault(f"page {number}")
    width, height = (max(1, math.ceil(side * dpi / _POINTS - _ROUNDING)) for side in sides)
    return width, height


def _write_page(document: pypdfium2.PdfDocument, number: int, dpi: int, most_pixels: int) -> None:
    if number > len(document):
        raise Fault("no such page")
    width, height = _size(document, number, dpi)
    scale = min(1.0, math.sqrt(most_pixels / (width * height)))
    drawn = max(1, round(width * scale)), max(1, round(height * scale))
    _say({"pages": len(document), "width": width, "height": height, "drawn": drawn})
    if drawn[0] * drawn[1] > 2 * most_pixels:
        # So long and thin that it is too large however few of its pixels are wanted: it will be refused.
        return
    # Forms that were filled in show what was written into them.
    document.init_forms()
    try:
        page = document[number - 1]
    except pypdfium2.PdfiumError as error:
        raise Fault(f"page {number}") from error
    _write_rows(page, *drawn)
    sys.stdout.buffer.write(_text(page).encode(errors="ignore"))


def _write_rows(page: pypdfium2.PdfPage, width: int, height: int) -> None:
    """Draw a page on white paper, with its notes and filled-in fields."""
    form = pypdfium2.raw.FPDFBitmap_BGR
    bitmap = pypdfium2.PdfBitmap.new_native(width, height, form, rev_byteorder=True)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
    flags = pypdfium2.raw.FPDF_ANNOT | pypdfium2.raw.FPDF_REVERSE_BYTE_ORDER
    how = (0, 0, width, height, 0, flags)
    pypdfium2.raw.FPDF_RenderPageBitmap(bitmap, page, *how)
    if page.formenv:
        pypdfium2.raw.FPDF_FFLDraw(page.formenv, bitmap, page, *how)
    rows = memoryview(bitmap.buffer).cast("B")
    for row in range(height):
        sys.stdout.buffer.write(rows[row * bitmap.stride : row * bitmap.stride + 3 * width])
    sys.stdout.buffer.flush()


def _text(page: pypdfium2.PdfPage) -> str:
    """The text that a page holds, as it is: not what is seen on it."""
    text = page.get_textpage()
    said = text.get_text_range(0, min(text.count_chars(), _MOST_CHARS), errors="ignore")
    return str(said).replace("\r\n", "\n").replace("\r", "\n").translate(_SAID)


def _say(what: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(what).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
