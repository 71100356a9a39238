"""The name of a color, and how unambiguous it is.

A color name owns several anchors, because a name covers more than one spot of the RGB cube. A color is
called after the nearest anchor; the margin says how far the next best *name* is behind.
"""

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

RGB = tuple[int, int, int]

#: Below this margin two names fit about equally well, so the color has no single right answer.
CLEAR_MARGIN = 0.2


@dataclass(frozen=True)
class Color:
    """A color name in both languages; the first anchor is the most typical one."""

    name: str
    zh: str
    anchors: tuple[RGB, ...]


COLORS: tuple[Color, ...] = (
    Color("red", "红色", ((220, 30, 30), (255, 0, 0), (160, 0, 0), (200, 20, 60), (240, 68, 60))),
    Color(
        "green",
        "绿色",
        ((30, 160, 50), (0, 128, 0), (0, 255, 0), (110, 200, 90), (0, 80, 20), (150, 220, 60)),
    ),
    Color(
        "blue",
        "蓝色",
        (
            (30, 60, 220),
            (0, 0, 255),
            (0, 0, 128),
            (70, 120, 200),
            (100, 100, 255),
            (30, 144, 255),
            (135, 206, 250),
        ),
    ),
    Color("yellow", "黄色", ((250, 225, 40), (255, 255, 0), (240, 230, 110), (200, 190, 30), (255, 215, 0))),
    Color("orange", "橙色", ((250, 140, 20), (255, 165, 0), (255, 110, 40))),
    Color(
        "purple",
        "紫色",
        ((130, 40, 160), (128, 0, 128), (160, 60, 220), (90, 20, 120), (200, 40, 220), (148, 103, 189)),
    ),
    Color("pink", "粉色", ((250, 150, 190), (255, 105, 180), (255, 192, 203), (240, 60, 150))),
    Color("brown", "棕色", ((125, 70, 30), (150, 100, 50), (90, 50, 20), (139, 69, 19))),
    Color("black", "黑色", ((12, 12, 12), (0, 0, 0), (35, 35, 35))),
    Color("white", "白色", ((247, 247, 247), (255, 255, 255), (232, 232, 232))),
    Color("gray", "灰色", ((128, 128, 128), (90, 90, 90), (170, 170, 170), (190, 190, 190), (105, 115, 120))),
    Color("cyan", "青色", ((40, 210, 220), (0, 255, 255), (64, 224, 208), (120, 220, 230), (0, 150, 160))),
)
NAMES: tuple[str, ...] = tuple(color.name for color in COLORS)
BY_NAME: dict[str, Color] = {color.name: color for color in COLORS}


def distance(left: ArrayLike, right: ArrayLike) -> np.ndarray:
    """How different two colors look ("redmean", 0 to about 765), for arrays of RGB in the last axis."""
    one, other = np.asarray(left, np.float64), np.asarray(right, np.float64)
    red_mean = (one[..., 0] + other[..., 0]) / 2
    red, green, blue = np.moveaxis(one - other, -1, 0)
    apart: np.ndarray = np.sqrt(
        (2 + red_mean / 256) * red**2 + 4 * green**2 + (2 + (255 - red_mean) / 256) * blue**2
    )
    return apart


def name_all(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices into `NAMES` and margins (0 to 1) for colors of shape (n, 3)."""
    per_name = np.stack(
        [distance(rgb[:, None], np.array(color.anchors)[None]).min(axis=1) for color in COLORS], axis=1
    )
    nearest, runner_up = np.sort(per_name, axis=1)[:, :2].T
    return per_name.argmin(axis=1), (runner_up - nearest) / (runner_up + 1e-9)


def nearest_name(rgb: RGB) -> tuple[str, float]:
    """The color's name and its margin: 1 on an anchor, 0 half way between two names."""
    index, margin = name_all(np.array([rgb]))
    return NAMES[int(index[0])], float(margin[0])


def _clear_colors(count: int = 60_000) -> dict[str, list[RGB]]:
    rgb = np.random.default_rng(0).integers(0, 256, (count, 3))
    index, margin = name_all(rgb)
    is_clear = margin >= CLEAR_MARGIN
    return {name: [tuple(c) for c in rgb[is_clear & (index == i)].tolist()] for i, name in enumerate(NAMES)}


#: Colors from the whole RGB cube whose name has at least `CLEAR_MARGIN`.
CLEAR_COLORS: dict[str, list[RGB]] = _clear_colors()


def _close_to(rng: random.Random, anchor: RGB) -> RGB:
    red, green, blue = (min(255, max(0, value + rng.randint(-12, 12))) for value in anchor)
    return red, green, blue


def sample_rgb(rng: random.Random, name: str) -> RGB:
    """A color called `name`: an anchor itself, one close to an anchor, or one from anywhere in its region."""
    anchor = rng.choice(BY_NAME[name].anchors)
    style = rng.random()
    if style < 0.25:
        return anchor
    if style < 0.45:
        near = _close_to(rng, anchor)
        near_name, margin = nearest_name(near)
        return near if near_name == name and margin >= CLEAR_MARGIN else anchor
    return rng.choice(CLEAR_COLORS[name])
