"""How far each number is from its bar, as SVG: a dot a round, a stroke at the median.

Right of the line is better than its bar; each step of the scale is twice as good as the one before.
"""

from collections.abc import Mapping, Sequence
from html import escape
from math import log2
from statistics import median

from scripts.benching.found import Measured

#: In pixels: room for the names, a step of the scale, a row, and the margin around all.
_NAMES, _STEP, _ROW, _EDGE = 520, 90, 22, 30
#: The ends of the scale, as powers of two.
_LEAST, _MOST = -2, 3
_WIDTH = _EDGE + _NAMES + (_MOST - _LEAST) * _STEP + _EDGE


def draw(works: Mapping[str, Measured], order: Sequence[str]) -> str:
    """The picture of all numbers that have a bar."""
    rows = [
        (f"{name}  {found.what} ({found.wanted})", found.times_the_bar)
        for name in order
        if name in works
        for found in works[name].found
        if found.times_the_bar
    ]
    height = 2 * _EDGE + _ROW * (len(rows) + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        *(_tick(power, height) for power in range(_LEAST, _MOST + 1)),
        *(_row(number, name, values) for number, (name, values) in enumerate(rows)),
    ]
    return "\n".join([*parts, "</svg>\n"])


def _tick(power: int, height: int) -> str:
    x, color = _x(2.0**power), "#444" if power == 0 else "#ddd"
    name = "its bar" if power == 0 else f"{2.0**power:g} ×"
    line = f'<path d="M{x:.1f} {_EDGE}V{height - _EDGE - _ROW}" stroke="{color}"/>'
    return f'{line}<text x="{x:.1f}" y="{height - _EDGE}" text-anchor="middle">{name}</text>'


def _row(number: int, name: str, values: Sequence[float]) -> str:
    y, middle = _EDGE + _ROW * (number + 0.5), _x(median(values))
    color = "#0e7490" if median(values) >= 1 else "#b91c1c"
    dots = [f'<circle cx="{_x(value):.1f}" cy="{y}" r="3"/>' for value in values]
    stroke = f'<path d="M{middle:.1f} {y - 8}v16" stroke="{color}" stroke-width="2"/>'
    text = f'<text x="{_EDGE}" y="{y + 4}">{escape(name)}</text>'
    return f'{text}<g fill="{color}" fill-opacity=".5">{"".join(dots)}</g>{stroke}'


def _x(times: float) -> float:
    """The place of a number; what is beyond an end of the scale is at that end."""
    power = min(_MOST, max(_LEAST, log2(times))) if times > 0 else _LEAST
    return _EDGE + _NAMES + (power - _LEAST) * _STEP
