"""What happens to a page before somebody sends it: printing, skew, turning, compression."""

from io import BytesIO

from PIL import Image

from scripts.ocr_pages.sheets import Sheet

#: Grey of ink and of paper.
_INKS = {"black on white": (0, 255), "faded": (135, 205), "dark": (225, 30)}
_TURNS = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}


def worn(page: Image.Image, sheet: Sheet) -> Image.Image:
    """The page as it is sent."""
    ink, paper = _INKS[sheet.ink]
    page = page.point([round(ink + (paper - ink) * grey / 255) for grey in range(256)])
    if sheet.skew_deg:
        page = page.rotate(sheet.skew_deg, Image.Resampling.BICUBIC, expand=True, fillcolor=paper)
    if sheet.turn_deg:
        page = page.transpose(_TURNS[sheet.turn_deg])
    page = page.convert("RGB")
    if sheet.jpeg is None:
        return page
    buffer = BytesIO()
    page.save(buffer, "JPEG", quality=sheet.jpeg)
    return Image.open(BytesIO(buffer.getvalue())).convert("RGB")
