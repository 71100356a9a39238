"""Text, colors and the seed that all pictures share."""

from PIL import ImageDraw, ImageFont

SEED = 20261123
INK, GREY, LINE, PAPER = "#22252b", "#70757f", "#d9dce2", "#fffdf8"
PURPLE, GREEN, RED, YELLOW = "#6a3fb5", "#5fae2e", "#d8342c", "#f4cf2f"

Draw = ImageDraw.ImageDraw
Box = tuple[float, float, float, float]


def font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font."""
    found = ImageFont.load_default(size)
    assert isinstance(found, ImageFont.FreeTypeFont)
    return found


def write(
    draw: Draw,
    at: tuple[float, float],
    text: str,
    size: int,
    *,
    ink: str = INK,
    anchor: str = "la",
    bold: bool = False,
) -> None:
    """One line of text; bold is the same font with a fine outline."""
    draw.text(at, text, fill=ink, font=font(size), anchor=anchor, stroke_width=size / 40 if bold else 0)
