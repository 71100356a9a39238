"""Paper and slides: a receipt, a slide, a table, a Chinese notice, a tall letter."""

import os
import random
import textwrap
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from drawing.pen import GREEN, GREY, INK, LINE, PAPER, PURPLE, SEED, Box, Draw, write

#: The font of the Chinese notice.
CJK_FONT = Path(os.environ.get("CJK_FONT", "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"))
#: The letter's text, a paragraph a line.
LETTER = Path(__file__).with_name("letter.txt")


def receipt() -> Image.Image:
    """A till receipt on a grey desk, with a total that can be checked."""
    image = Image.new("RGB", (640, 900), "#b9b4ad")
    draw = ImageDraw.Draw(image)
    draw.rectangle((62, 36, 584, 872), fill="#a39e97")
    draw.rectangle((56, 30, 578, 866), fill=PAPER)
    write(draw, (317, 66), "CORNER BAKERY", 38, anchor="ma", bold=True)
    write(draw, (317, 120), "12 Mill Lane, Oldtown", 22, ink=GREY, anchor="ma")
    write(draw, (317, 150), "2026-03-14   09:41   Till 2", 22, ink=GREY, anchor="ma")
    goods = (("Rye bread", "5.20"), ("2 x Croissant", "4.40"), ("Apple cake", "6.90"), ("Flat white", "3.75"))
    for row, (name, price) in enumerate(goods):
        _receipt_row(draw, 220 + row * 48, name, price, 26)
    draw.line((96, 424, 538, 424), fill=INK, width=2)
    _receipt_row(draw, 442, "Subtotal", "20.25", 26)
    _receipt_row(draw, 490, "Service", "3.20", 26)
    draw.line((96, 546, 538, 546), fill=INK, width=2)
    write(draw, (96, 566), "TOTAL 23.45", 44, bold=True)
    _receipt_row(draw, 640, "Card payment", "23.45", 26)
    _bar_code(draw, (137, 700, 497, 770))
    write(draw, (317, 796), "Thank you, see you soon!", 24, anchor="ma")
    return image


def _receipt_row(draw: Draw, top: float, name: str, price: str, size: int) -> None:
    write(draw, (96, top), name, size)
    write(draw, (538, top), price, size, anchor="ra")


def _bar_code(draw: Draw, box: Box) -> None:
    rng = random.Random(SEED)
    left, top, right, bottom = box
    while left < right:
        width = rng.choice((2, 2, 4, 6))
        draw.rectangle((left, top, min(left + width - 1, right), bottom), fill=INK)
        left += width + rng.choice((2, 3, 5))


def slide() -> Image.Image:
    """A presentation slide: a title, three points and a picture."""
    image = Image.new("RGB", (1280, 720), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 28, 720), fill=PURPLE)
    write(draw, (90, 70), "Why we moved to night trains", 60, bold=True)
    draw.rectangle((92, 158, 252, 164), fill=GREEN)
    points = (
        "71% less carbon than flying",
        "Arrive rested, in the city centre",
        "One ticket from door to door",
    )
    for row, text in enumerate(points):
        top = 250 + row * 100
        draw.ellipse((94, top + 10, 114, top + 30), fill=PURPLE)
        write(draw, (140, top), text, 38)
    _night_train(draw, (800, 210))
    write(draw, (90, 660), "Travel team  |  Spring review 2026", 22, ink=GREY)
    write(draw, (1220, 660), "7", 22, ink=GREY, anchor="ra")
    return image


def _night_train(draw: Draw, at: tuple[int, int]) -> None:
    left, top = at
    draw.rounded_rectangle((left, top, left + 400, top + 360), 24, fill="#2b2350")
    draw.ellipse((left + 290, top + 40, left + 350, top + 100), fill="#f6edc2")
    rng = random.Random(SEED)
    for _ in range(24):
        x, y = left + rng.randrange(20, 270), top + rng.randrange(20, 170)
        draw.ellipse((x, y, x + 3, y + 3), fill="white")
    draw.rounded_rectangle((left - 40, top + 200, left + 340, top + 300), 30, fill=GREEN)
    for window in range(5):
        x = left + window * 62
        draw.rounded_rectangle((x, top + 222, x + 44, top + 258), 8, fill="#fff6cf")
    draw.rectangle((left - 40, top + 316, left + 400, top + 322), fill="#b9b0dd")


def table() -> Image.Image:
    """A price list with a header, striped rows and numbers to the right."""
    rows = (
        ("Plant", "Light", "Water", "Price"),
        ("Monstera", "half shade", "weekly", "24.00"),
        ("Aloe vera", "full sun", "monthly", "9.50"),
        ("Fern", "shade", "twice a week", "12.00"),
        ("Peace lily", "half shade", "weekly", "15.75"),
        ("Basil", "full sun", "daily", "3.20"),
    )
    image = Image.new("RGB", (1000, 560), "white")
    draw = ImageDraw.Draw(image)
    write(draw, (50, 40), "House plants, May 2026", 40, bold=True)
    for number, row in enumerate(rows):
        top, is_head = 120 + number * 66, number == 0
        draw.rectangle((50, top, 950, top + 65), fill=PURPLE if is_head else ("#f3f0fa", "white")[number % 2])
        ink = "white" if is_head else INK
        for left, text in zip((74, 340, 570), row[:3], strict=True):
            write(draw, (left, top + 33), text, 28, ink=ink, anchor="lm", bold=is_head)
        write(draw, (926, top + 33), row[3], 28, ink=ink, anchor="rm", bold=is_head)
    draw.rectangle((50, 120, 950, 515), outline=LINE, width=2)
    return image


def notice() -> Image.Image:
    """A Chinese notice on a door."""
    image = Image.new("RGB", (800, 1000), "#fbf6ea")
    draw = ImageDraw.Draw(image)
    draw.rectangle((24, 24, 775, 975), outline="#b3261e", width=6)
    lines = (
        ("通知", 96, "#b3261e", 150),
        ("本周六上午九点", 52, INK, 330),
        ("图书馆停电检修", 52, INK, 420),
        ("请提前归还图书", 52, INK, 510),
        ("咨询电话：8800 1234", 44, INK, 650),
        ("市图书馆", 44, INK, 790),
        ("2026年5月18日", 40, GREY, 860),
    )
    for text, size, ink, middle in lines:
        draw.text(
            (400, middle), text, fill=ink, font=ImageFont.truetype(CJK_FONT, size, index=2), anchor="mm"
        )
    return image


def letter() -> Image.Image:
    """A page of 900×4000 pixels, with text down to its last lines."""
    image = Image.new("RGB", (900, 4000), PAPER)
    draw = ImageDraw.Draw(image)
    write(draw, (90, 90), "Letters from the lighthouse", 48, bold=True)
    top = 190
    for number, text in enumerate(LETTER.read_text().splitlines(), start=1):
        write(draw, (90, top), f"Day {number}", 34, ink=PURPLE, bold=True)
        top += 62
        for line in textwrap.wrap(text, 52):
            write(draw, (90, top), line, 28)
            top += 50
        top += 64
    draw.line((90, 3860, 810, 3860), fill=LINE, width=3)
    write(draw, (90, 3890), "The last line: the lamp is lit at 18:42.", 32)
    return image
