"""Scenes for the tests, drawn by other code than the training data of `nano`.

A scene is a plain background and one to three shapes in a row; its right answers follow from how it was
drawn.
"""

import random
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageDraw

RGB = {
    "red": (214, 32, 36),
    "green": (34, 150, 54),
    "blue": (36, 62, 214),
    "yellow": (248, 222, 44),
    "black": (14, 14, 14),
    "white": (246, 246, 246),
    "orange": (248, 138, 24),
    "purple": (128, 42, 158),
}
#: Colors that are easy to tell apart, on a light and on a dark background.
ON_WHITE = ("red", "green", "blue", "black", "purple")
SHAPES = ("circle", "square", "triangle")


@dataclass(frozen=True)
class Scene:
    """A background's color, and each shape with its color, left to right."""

    background: str
    shapes: tuple[tuple[str, str], ...]

    @property
    def description(self) -> str:
        """What `nano` says of it."""
        if not self.shapes:
            return f"A solid {self.background} image."
        named = [f"{_a(color)} {shape}" for color, shape in self.shapes]
        listed = named[0] if len(named) == 1 else ", ".join(named[:-1]) + " and " + named[-1]
        return listed[0].upper() + listed[1:] + f" on {_a(self.background)} background."

    def draw(self, width: int = 480, height: int = 320) -> Image.Image:
        """The scene as an image, its shapes in equal parts of the width."""
        image = Image.new("RGB", (width, height), RGB[self.background])
        pen = ImageDraw.Draw(image)
        for place, (color, shape) in enumerate(self.shapes):
            part = width / len(self.shapes)
            radius = 0.38 * min(part, height)
            _draw(pen, shape, part * (place + 0.5), height / 2, radius, RGB[color])
        return image

    def encode(self, image_format: str = "PNG", **how: int) -> bytes:
        """The scene as a file's bytes."""
        file = BytesIO()
        self.draw(**how).save(file, image_format, quality=92)
        return file.getvalue()


def random_scene(rng: random.Random, *, shapes: int = 1) -> Scene:
    """A scene on white with `shapes` different shapes in different colors."""
    colors = rng.sample(ON_WHITE, shapes)
    return Scene("white", tuple(zip(colors, rng.sample(SHAPES, shapes), strict=True)))


def _a(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def _draw(
    pen: ImageDraw.ImageDraw, shape: str, x: float, y: float, radius: float, rgb: tuple[int, int, int]
) -> None:
    if shape == "circle":
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=rgb)
    elif shape == "square":
        half = radius * 0.9
        pen.rectangle((x - half, y - half, x + half, y + half), fill=rgb)
    else:
        pen.polygon(
            ((x, y - radius), (x - radius, y + radius * 0.8), (x + radius, y + radius * 0.8)), fill=rgb
        )
