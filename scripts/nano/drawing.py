"""A scene as pixels, in several styles: hard or smooth edges, noise, JPEG."""

import io
import math
import random

import numpy as np
from PIL import Image, ImageDraw

from scripts.nano.colors import RGB
from scripts.nano.world import Scene, Shape


def _fill(draw: ImageDraw.ImageDraw, shape: Shape, fill: RGB, scale: float) -> None:
    if shape.outline:
        draw.polygon(shape.corners(scale), fill=fill)
        return
    cx, cy, radius = shape.cx * scale, shape.cy * scale, shape.radius * scale
    draw.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=fill)


def draw_vector(scene: Scene, scale: float = 1.0, oversampling: int = 1) -> Image.Image:
    """PIL's own primitives: hard edges, or smooth ones where the canvas is drawn larger and shrunk."""
    size = (max(1, round(scene.width * scale)), max(1, round(scene.height * scale)))
    canvas = Image.new("RGB", (size[0] * oversampling, size[1] * oversampling), scene.background_rgb)
    draw = ImageDraw.Draw(canvas)
    for shape in scene.shapes:
        _fill(draw, shape, shape.rgb, scale * oversampling)
    return canvas if oversampling == 1 else canvas.resize(size, Image.Resampling.BOX)


def _signed_distance(shape: Shape, scale: float, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Pixels to the edge of the shape, negative inside."""
    if not shape.outline:
        return np.hypot(xs - shape.cx * scale, ys - shape.cy * scale) - shape.radius * scale
    corners = np.array(shape.corners(scale))
    edges = np.roll(corners, -1, axis=0) - corners
    normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1) / np.linalg.norm(edges, axis=1, keepdims=True)
    offsets = (normals * corners).sum(axis=1)
    inward = normals @ corners.mean(axis=0) - offsets
    normals, offsets = normals * -np.sign(inward)[:, None], offsets * -np.sign(inward)
    sides = [nx * xs + ny * ys - offset for (nx, ny), offset in zip(normals, offsets, strict=True)]
    outmost: np.ndarray = np.max(sides, axis=0)
    return outmost


def draw_mask(scene: Scene, scale: float, feather: float) -> Image.Image:
    """Blended through a mask whose edge is `feather` pixels wide."""
    width, height = max(1, round(scene.width * scale)), max(1, round(scene.height * scale))
    pixels = np.empty((height, width, 3), np.float32)
    pixels[:] = scene.background_rgb
    for shape in scene.shapes:
        reach = shape.radius * scale + 2
        x0, x1 = max(0, int(shape.cx * scale - reach)), min(width, math.ceil(shape.cx * scale + reach))
        y0, y1 = max(0, int(shape.cy * scale - reach)), min(height, math.ceil(shape.cy * scale + reach))
        ys, xs = np.mgrid[y0:y1, x0:x1] + 0.5
        alpha = np.clip(0.5 - _signed_distance(shape, scale, xs, ys) / feather, 0, 1)[..., None]
        part = pixels[y0:y1, x0:x1]
        part += alpha * (np.array(shape.rgb) - part)
    return Image.fromarray(pixels.round().astype(np.uint8))


def add_noise(image: Image.Image, rng: random.Random, strength: int) -> Image.Image:
    """Add noise of at most `strength` (of 255) to each value of each pixel."""
    generator = np.random.default_rng(rng.getrandbits(32))
    pixels = np.asarray(image).astype(np.int16)
    noise = generator.integers(-strength, strength + 1, pixels.shape, dtype=np.int16)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def through_jpeg(image: Image.Image, quality: int) -> Image.Image:
    """The image encoded as JPEG and decoded again."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def paint(scene: Scene, rng: random.Random, *, max_pixels: float = math.inf) -> Image.Image:
    """The scene in a random style, before it is encoded.

    With `max_pixels` a larger scene is drawn smaller from the start: close to what resizing would
    leave of it, at a fraction of the cost.
    """
    scale = min(1.0, math.sqrt(max_pixels / (scene.width * scene.height)))
    style = rng.random()
    if style < 0.45 or not scene.shapes:
        image = draw_vector(scene, scale)
    elif style < 0.7:
        image = draw_vector(scene, scale, oversampling=2)
    else:
        image = draw_mask(scene, scale, feather=rng.choice((0.01, 1.0, 1.5)))
    return add_noise(image, rng, rng.randint(2, 10)) if rng.random() < 0.15 else image


def draw(scene: Scene, rng: random.Random, *, max_pixels: float = math.inf) -> Image.Image:
    """The scene as it comes out of a file, now and then a JPEG."""
    image = paint(scene, rng, max_pixels=max_pixels)
    return through_jpeg(image, rng.randint(60, 95)) if rng.random() < 0.3 else image


def owner_map(scene: Scene, rows: int, columns: int) -> np.ndarray:
    """Which shape (1, 2, …; 0 for none) owns each point of a coarse grid laid over the scene."""
    plane = Image.new("L", (columns, rows), 0)
    draw = ImageDraw.Draw(plane)
    x_scale, y_scale = columns / scene.width, rows / scene.height
    for index, shape in enumerate(scene.shapes, start=1):
        if shape.outline:
            draw.polygon([(x * x_scale, y * y_scale) for x, y in shape.corners()], fill=index)
            continue
        left, top = (shape.cx - shape.radius) * x_scale, (shape.cy - shape.radius) * y_scale
        right, bottom = (shape.cx + shape.radius) * x_scale, (shape.cy + shape.radius) * y_scale
        draw.ellipse((left, top, right, bottom), fill=index)
    return np.asarray(plane)
