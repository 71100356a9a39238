"""Scenes drawn by independent code, for measuring only: other palettes, other layouts.

Nothing here is shared with the trainer's drawing; only the description of a scene is, to know the right
answers. Colors are those that people take from CSS and from well-known palettes.
"""

import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from scripts.nano.colors import RGB, distance
from scripts.nano.world import MIN_CONTRAST, SHAPES, Scene, Shape

PALETTE: dict[str, tuple[RGB, ...]] = {
    "red": ((255, 0, 0), (244, 67, 54), (239, 68, 68), (214, 39, 40), (220, 20, 60)),
    "green": ((0, 128, 0), (76, 175, 80), (34, 197, 94), (44, 160, 44), (0, 255, 0)),
    "blue": ((0, 0, 255), (33, 150, 243), (59, 130, 246), (65, 105, 225)),
    "yellow": ((255, 255, 0), (255, 235, 59), (250, 204, 21)),
    "orange": ((255, 165, 0), (255, 152, 0), (249, 115, 22), (255, 127, 14)),
    "purple": ((128, 0, 128), (156, 39, 176), (168, 85, 247)),
    "pink": ((255, 192, 203), (255, 105, 180), (244, 143, 177), (236, 72, 153)),
    "brown": ((139, 69, 19), (101, 67, 33)),
    "black": ((0, 0, 0), (33, 33, 33)),
    "white": ((255, 255, 255), (250, 250, 250)),
    "gray": ((128, 128, 128), (158, 158, 158), (107, 114, 128)),
    "cyan": ((0, 255, 255), (0, 188, 212), (23, 190, 207)),
}


def _pick_color(rng: random.Random, background: RGB | None = None, taken: str = "") -> tuple[str, RGB]:
    while True:
        name = rng.choice(list(PALETTE))
        rgb = rng.choice(PALETTE[name])
        if name != taken and (background is None or distance(rgb, background) >= MIN_CONTRAST):
            return name, rgb


def _background(rng: random.Random) -> tuple[str, RGB]:
    if rng.random() < 0.5:
        return rng.choice((("white", (255, 255, 255)), ("black", (0, 0, 0)), ("white", (255, 255, 255))))
    return _pick_color(rng)


def _shape(rng: random.Random, background: tuple[str, RGB], spot: tuple[float, float, float]) -> Shape:
    return Shape(rng.choice(list(SHAPES)), *_pick_color(rng, background[1], background[0]), *spot)


def one_in_the_middle(rng: random.Random) -> tuple[Scene, Image.Image]:
    """A 300 x 300 image with one shape in its middle, straight from PIL."""
    background = _background(rng)
    shape = _shape(rng, background, (150, 150, rng.choice((50, 75, 100))))
    scene = Scene(300, 300, *background, (shape,))
    return scene, _with_pil(scene)


def in_a_row(rng: random.Random) -> tuple[Scene, Image.Image]:
    """One to three shapes of one size side by side on a usual canvas, straight from PIL."""
    width, height = rng.choice(((800, 600), (640, 480), (1024, 768), (480, 320), (1200, 400), (600, 600)))
    background, count = _background(rng), rng.choice((1, 2, 3))
    radius = min(width / count, height) * rng.choice((0.25, 0.33, 0.4))
    spots = [(width * (place + 0.5) / count, height / 2, radius) for place in range(count)]
    scene = Scene(width, height, *background, tuple(_shape(rng, background, spot) for spot in spots))
    return scene, _with_pil(scene)


def scattered(rng: random.Random) -> tuple[Scene, Image.Image]:
    """One to three shapes of different sizes in different corners, through oversampled masks."""
    width, height = rng.choice(((800, 600), (500, 500), (900, 500), (400, 400), (600, 450)))
    background, count = _background(rng), rng.choice((1, 2, 3))
    mean_side = (width * height) ** 0.5
    spots = []
    for column in sorted(rng.sample(range(3), count)):
        radius = mean_side * rng.uniform(0.08, 0.145)
        x = width * (column + 0.5) / 3 + rng.uniform(-0.5, 0.5) * (width / 3 - 2 * radius)
        spots.append((x, rng.uniform(radius + 4, height - radius - 4), radius))
    scene = Scene(width, height, *background, tuple(_shape(rng, background, spot) for spot in spots))
    return scene, _with_masks(scene)


def softened(rng: random.Random) -> tuple[Scene, Image.Image]:
    """The row again, layer upon layer with transparency, and slightly out of focus."""
    scene, _ = in_a_row(rng)
    canvas = Image.new("RGBA", (scene.width, scene.height), (*scene.background_rgb, 255))
    for shape in scene.shapes:
        layer = Image.new("RGBA", canvas.size, (0, 0, 0, 0))
        _put(ImageDraw.Draw(layer), shape)
        canvas = Image.alpha_composite(canvas, layer.filter(ImageFilter.GaussianBlur(0.8)))
    return scene, canvas.convert("RGB")


HANDS: tuple[Callable[[random.Random], tuple[Scene, Image.Image]], ...] = (
    one_in_the_middle, in_a_row, scattered, softened,
)  # fmt: skip


def _put(pen: ImageDraw.ImageDraw, shape: Shape) -> None:
    x, y, radius = shape.cx, shape.cy, shape.radius
    if shape.kind == "circle":
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=shape.rgb)
    elif shape.kind == "square":
        pen.rectangle(
            (x - radius * 0.9, y - radius * 0.9, x + radius * 0.9, y + radius * 0.9), fill=shape.rgb
        )
    else:
        pen.regular_polygon((x, y, radius), n_sides=3, fill=shape.rgb)


def _with_pil(scene: Scene) -> Image.Image:
    image = Image.new("RGB", (scene.width, scene.height), scene.background_rgb)
    pen = ImageDraw.Draw(image)
    for shape in scene.shapes:
        _put(pen, shape)
    return image


def _inside(shape: Shape, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    x, y = (xs - shape.cx) / shape.radius, (ys - shape.cy) / shape.radius
    if shape.kind == "circle":
        return x**2 + y**2 <= 1
    if shape.kind == "square":
        return np.maximum(abs(x), abs(y)) <= 0.92
    return (y <= 0.8) & (abs(x) <= (y + 1) / 1.8)


def _with_masks(scene: Scene, fine: int = 3) -> Image.Image:
    ys, xs = (np.mgrid[: scene.height * fine, : scene.width * fine] + 0.5) / fine
    pixels = np.full((scene.height, scene.width, 3), scene.background_rgb, np.float64)
    for shape in scene.shapes:
        mask = _inside(shape, xs, ys).reshape(scene.height, fine, scene.width, fine).mean(axis=(1, 3))
        pixels += mask[..., None] * (np.array(shape.rgb) - pixels)
    return Image.fromarray(np.uint8(pixels.round()))
