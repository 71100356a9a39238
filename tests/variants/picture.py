"""The picture that all variants show: lettering that no turn leaves as it is, on light paper."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 96, 64
#: The only part that has colors.
RED, BLUE = (214, 32, 36), (36, 62, 214)


def draw(ink: Any = (10, 10, 10), paper: Any = (240, 240, 240), mode: str = "RGB") -> Image.Image:
    """An L of ink on paper; in color, with two squares besides."""
    image = Image.new(mode, (WIDTH, HEIGHT), paper)
    pen = ImageDraw.Draw(image)
    pen.rectangle((8, 8, 17, 55), fill=ink)
    pen.rectangle((8, 46, 60, 55), fill=ink)
    if mode == "RGB":
        pen.rectangle((70, 6, 89, 25), fill=RED)
        pen.rectangle((70, 40, 89, 57), fill=BLUE)
    return image


COLOR = draw()
GREY = draw(10, 240, "L")
#: Two levels only.
BLACK_AND_WHITE = draw(0, 255, "L")
#: As `over` shows on white paper, and on black.
ON_WHITE, ON_BLACK = draw(0, 255, "L"), draw(255, 0, "L")


def over(ink: tuple[int, int, int, int]) -> Image.Image:
    """The lettering on nothing; what is under the nothing has the color that would hide it."""
    hidden = (*(255 - value for value in ink[:3]), 0)
    return draw(ink, hidden, "RGBA")


def encoded(image: Image.Image, image_format: str, **how: object) -> bytes:
    """An image as a file's bytes."""
    file = io.BytesIO()
    image.save(file, image_format, **how)
    return file.getvalue()


def distance(one: Image.Image, other: Image.Image) -> float:
    """How far two pictures are from each other: mean difference of their samples, 255 for other sizes."""
    if one.size != other.size:
        return 255.0
    first, second = (np.asarray(image.convert("RGB"), dtype=float) for image in (one, other))
    return float(np.abs(first - second).mean())
