"""A page in two columns: what is read one after the other, and what across."""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageDraw

from drawing.pen import GREEN, GREY, INK, LINE, PAPER, YELLOW, Draw, font, write

#: The newsletter's text, a paragraph a line.
TEXT = Path(__file__).with_name("newsletter.txt")
TIMES = (("Harbour", "Island"), ("07:00", "07:40"), ("12:00", "12:40"), ("17:00", "17:40"))
_SIZE, _PITCH, _WIDTH, _LEFT, _RIGHT = 22, 31, 450, 60, 570


def newsletter() -> Image.Image:
    """A heading across two columns; in the right one a picture with its caption, and a table of times."""
    image = Image.new("RGB", (1080, 1000), PAPER)
    draw = ImageDraw.Draw(image)
    write(draw, (540, 40), "The ferry sails again", 46, anchor="ma", bold=True)
    write(draw, (540, 102), "News from the old harbour, spring 2026", 24, ink=GREY, anchor="ma")
    draw.line((60, 150, 1020, 150), fill=LINE, width=2)
    paragraphs = TEXT.read_text(encoding="utf-8").splitlines()
    _column(draw, _LEFT, 176, paragraphs[:3])
    bottom = _picture(draw, _RIGHT, 180)
    bottom = _column(draw, _RIGHT, bottom, paragraphs[3:])
    for row, cells in enumerate(TIMES):
        for left, cell in zip((_RIGHT, _RIGHT + 260), cells, strict=True):
            write(draw, (left, bottom + 12 + row * 38), cell, _SIZE, bold=row == 0)
    return image


def _column(draw: Draw, left: float, top: float, paragraphs: Iterable[str]) -> float:
    """Paragraphs below each other; gives where they end."""
    for paragraph in paragraphs:
        for line in _broken(paragraph):
            write(draw, (left, top), line, _SIZE)
            top += _PITCH
        top += _PITCH / 2
    return top


def _broken(paragraph: str) -> Iterable[str]:
    """The lines of a paragraph."""
    line = ""
    for word in paragraph.split():
        if line and font(_SIZE).getlength(f"{line} {word}") > _WIDTH:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line


def _picture(draw: Draw, left: float, top: float) -> float:
    """A boat on the water, and its caption; gives where the text goes on."""
    draw.rectangle((left, top, left + _WIDTH, top + 170), fill="#cfe3ee")
    draw.rectangle((left, top + 120, left + _WIDTH, top + 170), fill="#5b8fb0")
    draw.polygon(
        [(left + 130, top + 95), (left + 330, top + 95), (left + 300, top + 138), (left + 160, top + 138)],
        GREEN,
    )
    draw.rectangle((left + 190, top + 60, left + 270, top + 95), fill=INK)
    draw.ellipse((left + 380, top + 20, left + 420, top + 60), fill=YELLOW)
    write(draw, (left, top + 180), "Figure 1: The ferry on its first day", 19, ink=GREY)
    return top + 228
