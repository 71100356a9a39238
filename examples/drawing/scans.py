"""What a scanner or a fax machine sends: black on white, a little askew, several pages in one file."""

import random
from collections.abc import Sequence

from PIL import Image, ImageDraw

from drawing.pen import SEED, Draw, write

#: A page of A4 at 150 dots per inch.
_SIZE = (1240, 1754)
#: By how many degrees each page lies askew.
_ASKEW = (0.4, -0.6, 0.3)
_MEASURED = (
    ("Monday", "7.2", "61", "none"),
    ("Tuesday", "8.9", "58", "none"),
    ("Wednesday", "9.4", "72", "4 mm"),
    ("Thursday", "6.8", "80", "11 mm"),
    ("Friday", "5.1", "77", "2 mm"),
    ("Saturday", "6.0", "66", "none"),
    ("Sunday", "7.7", "59", "none"),
)


def fax() -> list[Image.Image]:
    """Three pages of a weather station: a cover, a table, a signed remark."""
    rng = random.Random(SEED)
    return [
        _scanned(page, degrees, rng)
        for page, degrees in zip((_cover(), _table(), _remark()), _ASKEW, strict=True)
    ]


def _page(number: int) -> tuple[Image.Image, Draw]:
    image = Image.new("L", _SIZE, 255)
    draw = ImageDraw.Draw(image)
    write(draw, (1130, 1650), f"Page {number} of 3", 30, ink="black", anchor="ra")
    return image, draw


def _write_lines(draw: Draw, top: int, lines: Sequence[str]) -> None:
    for row, text in enumerate(lines):
        write(draw, (120, top + row * 64), text, 36, ink="black")


def _cover() -> Image.Image:
    image, draw = _page(1)
    write(draw, (120, 130), "TELEFAX", 84, ink="black", bold=True)
    draw.line((120, 250, 1120, 250), fill=0, width=4)
    _write_lines(
        draw,
        300,
        (
            "To: Institute of Meteorology",
            "From: Weather station Hollow Peak",
            "Date: 9 November 2026",
            "Subject: Readings of week 45",
        ),
    )
    draw.line((120, 590, 1120, 590), fill=0, width=4)
    _write_lines(draw, 660, ("Please find the readings on page 2", "and a remark on page 3."))
    return image


def _table() -> Image.Image:
    image, draw = _page(2)
    write(draw, (120, 130), "Readings of week 45", 56, ink="black", bold=True)
    for row, cells in enumerate((("Day", "Celsius", "Humidity", "Rain"), *_MEASURED)):
        top = 280 + row * 90
        for left, text in zip((140, 470, 720, 960), cells, strict=True):
            write(draw, (left, top + 45), text, 36, ink="black", anchor="lm", bold=row == 0)
        draw.line((120, top + 90, 1120, top + 90), fill=0, width=4 if row == 0 else 2)
    draw.rectangle((120, 280, 1120, 280 + 8 * 90), outline=0, width=4)
    return image


def _remark() -> Image.Image:
    image, draw = _page(3)
    write(draw, (120, 130), "Remark", 56, ink="black", bold=True)
    _write_lines(
        draw,
        280,
        (
            "The rain gauge was frozen on Monday.",
            "It was thawed and emptied at 14:30.",
            "The wind vane needs a new bearing.",
        ),
    )
    curve = [(140 + step * 6, 700 + 50 * ((step * 7) % 11 - 5) / 5) for step in range(60)]
    draw.line(curve, fill=0, width=4, joint="curve")
    draw.line((120, 780, 620, 780), fill=0, width=2)
    _write_lines(draw, 800, ("A. Winter, observer",))
    return image


def _scanned(page: Image.Image, degrees: float, rng: random.Random) -> Image.Image:
    """Askew and with specks, and each pixel black or white, as faxes have them."""
    turned = page.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=255)
    draw = ImageDraw.Draw(turned)
    for _ in range(60):
        x, y = rng.randrange(_SIZE[0]), rng.randrange(_SIZE[1])
        draw.rectangle((x, y, x + rng.randrange(2), y + rng.randrange(2)), fill=0)
    return turned.point(lambda value: 255 if value > 140 else 0).convert("1", dither=Image.Dither.NONE)
