"""What stands in a scene, and where: one to three filled shapes on a plain background, or nothing at all.

Shapes never overlap, and the middles of their bounding boxes differ in x, so "left to right" is never in
doubt. All lengths are pixels of the scene's own canvas; sizes are chosen relative to its mean side, the
square root of its area, because that is what survives the resizing in front of the model.
"""

import math
import random
from dataclasses import dataclass

from scripts.nano import colors
from scripts.nano.colors import RGB

#: English and Chinese names, in the order of the labels the vision tower is trained on.
SHAPES: dict[str, str] = {"circle": "圆形", "square": "正方形", "triangle": "三角形"}
MAX_SHAPES = 3

#: Two colors closer than this (redmean) are not put on one another.
MIN_CONTRAST = 130
#: Smallest gap between two shapes, and between a shape and the edge, in mean sides.
MIN_GAP = 0.015

Point = tuple[float, float]

COMMON_SIZES = (
    *((800, 600), (640, 480), (1024, 768), (512, 512), (256, 256), (224, 224), (1280, 720), (600, 800)),
    *((300, 200), (400, 300), (320, 240), (1920, 1080), (200, 200), (300, 300), (400, 400), (1600, 1200)),
    *((128, 128), (768, 1024)),
)


@dataclass(frozen=True)
class Shape:
    """A filled shape; `outline` is a convex polygon within ±1 around (0, 0), empty for a circle."""

    kind: str
    color: str
    rgb: RGB
    cx: float
    cy: float
    radius: float
    outline: tuple[Point, ...] = ()

    def corners(self, scale: float = 1.0) -> list[Point]:
        """The polygon on a canvas `scale` times as large."""
        return [
            ((self.cx + x * self.radius) * scale, (self.cy + y * self.radius) * scale)
            for x, y in self.outline
        ]


@dataclass(frozen=True)
class Scene:
    """A background with its shapes from left to right."""

    width: int
    height: int
    background: str
    background_rgb: RGB
    shapes: tuple[Shape, ...] = ()


@dataclass(frozen=True)
class Limits:
    """How hard the scenes of a set may be; the trainer draws wider than what is measured."""

    min_side: int = 96
    max_side: int = 1920
    max_aspect: float = 7.0
    #: Smallest width of a shape, in mean sides of the image.
    min_shape: float = 0.11
    #: Smallest distance in x between the middles of two shapes, in mean sides of the image.
    min_step: float = 0.07
    solid_share: float = 0.15
    #: Margin of the names of solid colors; half the solids keep it only three times in four.
    min_margin: float = 0.12
    #: Squares and triangles turned to any angle; others stand upright or are tilted by up to 15 degrees.
    any_angle_share: float = 0.08


TRAINING = Limits()
#: The scenes on which the thresholds are measured.
MEASURED = Limits(
    128, 1600, 4.0, min_shape=0.14, min_step=0.1, min_margin=colors.CLEAR_MARGIN, any_angle_share=0.0
)


def sample_size(rng: random.Random, limits: Limits = TRAINING) -> tuple[int, int]:
    """Width and height in pixels: a usual size, or any within the limits."""
    if rng.random() < 0.3:
        size = rng.choice(COMMON_SIZES)
        if limits.min_side <= min(size) and max(size) <= limits.max_side:
            return size
    mild = rng.random() < 0.75
    while True:
        low, high = math.log(limits.min_side), math.log(limits.max_side)
        width, height = (round(math.exp(rng.uniform(low, high))) for _ in range(2))
        aspect = max(width, height) / min(width, height)
        if aspect <= (min(2.2, limits.max_aspect) if mild else limits.max_aspect):
            return width, height


def _normalized(points: list[Point]) -> tuple[Point, ...]:
    xs, ys = zip(*points, strict=True)
    middle_x, middle_y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    reach = max(max(xs) - min(xs), max(ys) - min(ys)) / 2
    return tuple(((x - middle_x) / reach, (y - middle_y) / reach) for x, y in points)


def _rotated(points: list[Point], degrees: float) -> list[Point]:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [(x * cos - y * sin, x * sin + y * cos) for x, y in points]


def _sample_turn(rng: random.Random, limits: Limits) -> float:
    """Degrees: mostly none, some a little, a few any."""
    style = rng.random()
    if style < limits.any_angle_share:
        return rng.uniform(0, 360)
    return rng.uniform(-15, 15) if style > 0.8 else 0.0


def sample_outline(rng: random.Random, kind: str, limits: Limits) -> tuple[Point, ...]:
    """A circle has none; triangles differ in height and apex, and some stand on their tip."""
    if kind == "circle":
        return ()
    turn = _sample_turn(rng, limits)
    if kind == "square":
        return _normalized(_rotated([(-1, -1), (1, -1), (1, 1), (-1, 1)], turn))
    apex = rng.choice([0.0, 0.0, 0.0, rng.uniform(-1, 1)])
    height = rng.choice([math.sqrt(3), 2.0, 1.8, rng.uniform(1.4, 2.4)])
    flip = 180 if rng.random() < 0.1 else 0
    upright = [(apex, -height / 2), (1.0, height / 2), (-1.0, height / 2)]
    return _normalized(_rotated(upright, turn + flip))


Spot = tuple[float, float, float]  # middle x, middle y, radius


def _row(rng: random.Random, size: tuple[int, int], count: int) -> list[Spot]:
    """Side by side in equal slots, as a person would lay them out."""
    width, height = size
    slot = width / count
    level, share = rng.random() < 0.6, rng.uniform(0.2, 0.46)
    middle_y = height * (0.5 if rng.random() < 0.6 else rng.uniform(0.3, 0.7))
    spots = []
    for index in range(count):
        radius = min(slot, height) * (share if level else rng.uniform(0.2, 0.46))
        spare_x, spare_y = max(0.0, slot / 2 - radius * 1.05), max(0.0, height / 2 - radius * 1.05)
        shift = 0.0 if level else rng.uniform(-1, 1)
        cy = (
            min(height - radius * 1.05, max(radius * 1.05, middle_y))
            if level
            else height / 2 + spare_y * rng.uniform(-1, 1)
        )
        spots.append((slot * (index + 0.5) + spare_x * shift, cy, radius))
    return spots


def _scattered(rng: random.Random, size: tuple[int, int], count: int, limits: Limits) -> list[Spot]:
    """Anywhere, of any size."""
    width, height = size
    mean_side = math.sqrt(width * height)
    low = math.log(limits.min_shape * mean_side / 2)
    high = math.log(max(limits.min_shape * mean_side / 2, min(width, height) * (0.47, 0.38, 0.32)[count - 1]))
    spots = []
    for _ in range(count):
        radius = math.exp(rng.uniform(low, high))
        edge = radius + MIN_GAP * mean_side
        x, y = rng.uniform(edge, max(edge, width - edge)), rng.uniform(edge, max(edge, height - edge))
        spots.append((x, y, radius))
    return spots


def _is_fair(spots: list[Spot], size: tuple[int, int], limits: Limits) -> bool:
    """Inside the image, large enough, apart from each other, and in a clear order from left to right."""
    width, height = size
    mean_side = math.sqrt(width * height)
    gap = MIN_GAP * mean_side
    for index, (x, y, radius) in enumerate(spots):
        if 2 * radius < limits.min_shape * mean_side * 0.999:
            return False
        if min(x, y, width - x, height - y) < radius * 1.005:
            return False
        for other_x, other_y, other_radius in spots[:index]:
            if max(abs(x - other_x), abs(y - other_y)) < radius + other_radius + gap:
                return False
            if abs(x - other_x) < limits.min_step * mean_side:
                return False
    return True


def place(rng: random.Random, size: tuple[int, int], count: int, limits: Limits) -> list[Spot]:
    """Spots from left to right; fewer than `count` where so many do not fit."""
    for _ in range(40):
        if count == 1 and rng.random() < 0.3:
            spots = [(size[0] / 2, size[1] / 2, min(size) * rng.uniform(0.1, 0.47))]
        elif rng.random() < 0.45:
            spots = _row(rng, size, count)
        else:
            spots = _scattered(rng, size, count, limits)
        if _is_fair(spots, size, limits):
            return sorted(spots)
    if count == 1:
        return [(size[0] / 2, size[1] / 2, min(size) * 0.45)]
    return place(rng, size, count - 1, limits)


def _sample_shape(
    rng: random.Random, spot: Spot, background: tuple[str, RGB], like: Shape | None, limits: Limits
) -> Shape:
    kind = rng.choice(list(SHAPES))
    while True:
        color = rng.choice(colors.NAMES)
        rgb = colors.sample_rgb(rng, color)
        if color != background[0] and colors.distance(rgb, background[1]) >= MIN_CONTRAST:
            break
    if like and rng.random() < 0.15:
        color, rgb = like.color, like.rgb
    return Shape(kind, color, rgb, *spot, outline=sample_outline(rng, kind, limits))


def _sample_solid(rng: random.Random, size: tuple[int, int], limits: Limits) -> Scene:
    if rng.random() < 0.5:
        name = rng.choice(colors.NAMES)
        return Scene(*size, name, colors.sample_rgb(rng, name))
    is_strict = limits is not TRAINING or rng.random() < 0.75
    while True:
        rgb = (rng.randrange(256), rng.randrange(256), rng.randrange(256))
        name, margin = colors.nearest_name(rgb)
        if margin >= limits.min_margin or not is_strict:
            return Scene(*size, name, rgb)


def sample_scene(rng: random.Random, size: tuple[int, int], limits: Limits = TRAINING) -> Scene:
    """A scene of the given width and height."""
    if rng.random() < limits.solid_share:
        return _sample_solid(rng, size, limits)
    name = rng.choice(colors.NAMES)
    background = (name, colors.sample_rgb(rng, name))
    shapes: list[Shape] = []
    for spot in place(rng, size, rng.choice((1, 2, 2, 3, 3)), limits):
        shapes.append(_sample_shape(rng, spot, background, shapes[-1] if shapes else None, limits))
    return Scene(*size, *background, tuple(shapes))
