"""What a computer shows: a bar chart, a window with small text."""

import math

from PIL import Image, ImageDraw

from drawing.pen import GREEN, GREY, INK, LINE, PURPLE, RED, YELLOW, font, write


def bar_chart() -> Image.Image:
    """A bar chart with a title, axis names and a number on each bar."""
    sales = (("Mar", 35), ("Apr", 42), ("May", 58), ("Jun", 96), ("Jul", 124), ("Aug", 110), ("Sep", 71))
    image = Image.new("RGB", (1000, 640), "white")
    draw = ImageDraw.Draw(image)
    write(draw, (520, 34), "Ice creams sold per month", 38, anchor="ma", bold=True)
    bottom, scale = 530, 3
    for value in range(0, 141, 20):
        y = bottom - value * scale
        draw.line((110, y, 950, y), fill=LINE, width=1)
        write(draw, (96, y), str(value), 20, ink=GREY, anchor="rm")
    for number, (month, value) in enumerate(sales):
        left = 140 + number * 116
        draw.rectangle(
            (left, bottom - value * scale, left + 76, bottom), fill=GREEN if month == "Jul" else PURPLE
        )
        write(draw, (left + 38, bottom - value * scale - 8), str(value), 24, anchor="md", bold=True)
        write(draw, (left + 38, bottom + 12), month, 24, anchor="ma")
    draw.line((110, bottom, 950, bottom), fill=INK, width=2)
    write(draw, (530, 590), "Month of 2025", 24, ink=GREY, anchor="ma")
    _write_upwards(image, (24, 320), "Number sold", 24)
    return image


def _write_upwards(image: Image.Image, at: tuple[int, int], text: str, size: int) -> None:
    width = math.ceil(font(size).getlength(text))
    strip = Image.new("RGB", (width, size + 8), "white")
    write(ImageDraw.Draw(strip), (0, 0), text, size, ink=GREY)
    turned = strip.rotate(90, expand=True)
    image.paste(turned, (at[0], at[1] - turned.height // 2))


def settings_window() -> Image.Image:
    """A screenshot of a settings window with small text."""
    image = Image.new("RGB", (760, 480), "#e7e9ee")
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((20, 20, 740, 460), 10, fill="white", outline=LINE)
    draw.rounded_rectangle((20, 20, 740, 56), 10, fill="#f4f5f8")
    for number, ink in enumerate((RED, YELLOW, GREEN)):
        draw.ellipse((36 + number * 20, 32, 48 + number * 20, 44), fill=ink)
    write(draw, (380, 38), "Backup settings", 15, anchor="mm", bold=True)
    for number, name in enumerate(("General", "Backup", "Network", "Privacy", "About")):
        if name == "Backup":
            draw.rounded_rectangle((32, 104, 168, 130), 6, fill="#ece5f8")
        write(draw, (44, 85 + number * 32), name, 14, anchor="lm", ink=PURPLE if name == "Backup" else INK)
    draw.line((180, 56, 180, 460), fill=LINE)
    rows = (
        ("Back up every", "6 hours"),
        ("Keep copies for", "30 days"),
        ("Destination", "/mnt/archive/laptop-17"),
        ("Last backup", "Today at 07:15, 2.4 GB in 318 files"),
        ("Next backup", "Today at 13:15"),
        ("Encryption", "AES-256, key in the keychain"),
    )
    for number, (name, value) in enumerate(rows):
        top = 84 + number * 46
        write(draw, (206, top), name, 13, ink=GREY)
        write(draw, (350, top), value, 13)
        draw.line((206, top + 30, 716, top + 30), fill="#eef0f4")
    draw.rounded_rectangle((600, 400, 716, 434), 7, fill=PURPLE)
    write(draw, (658, 417), "Back up now", 14, ink="white", anchor="mm")
    return image
