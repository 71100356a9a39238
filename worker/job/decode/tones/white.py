"""Which samples mean black and white, where a sample has more than 8 bits.

    the file says how many bits count ──► white is the largest that they can hold
    it does not ────────────────────────► the next usual depth that holds all samples but a few broken ones

A single sample never tells it: one hot pixel would blacken the page. Nor do few thousandths outvote the
rest: a black page with one bright label would turn white.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The percentile of the samples that stands for the brightest, and the one for the darkest.
BRIGHTEST, _DARKEST = 99.9, 0.1
#: So many samples may be broken, and no more than this share of them.
_BROKEN, _BROKEN_SHARE = 16, 0.01
#: White as cameras, scanners and converters write it: 8, 10, 12, 14, 16 and 32 bits, without and with a sign.
_UNSIGNED = (255.0, 1023.0, 4095.0, 16383.0, 65535.0, 4294967295.0)
_SIGNED = (255.0, 1023.0, 4095.0, 16383.0, 32767.0, 65535.0, 2147483647.0)
_OF_16_BITS = 65535.0
#: Depths that are seldom held in more bits: taken only when samples fill them from dark to bright, else it is
#: a dark picture of more.
_SELDOM = frozenset({255.0, 1023.0})
#: White among fractions.
_FRACTIONS = (1.0, 255.0, 65535.0)
#: Samples that come this near to a white may mean it; what is no nearer to it than this is dark.
NEAR = 0.25


def black_and_white(some: NDArray[Any], bits: int | None) -> tuple[float, float]:
    """The samples that mean black and white in a picture of which these are some, all finite.

    `bits` is how many of each count, where the file says so.
    """
    if not some.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(some, (_DARKEST, BRIGHTEST)))
    if low < 0:
        return low, max(high, low + 1e-6)
    top = _top(some)
    if some.dtype.kind == "f":
        return 0.0, _white_of_fractions(high, top)
    if bits and top <= (1 << bits) - 1:
        return 0.0, float((1 << bits) - 1)
    steps = _SIGNED if some.dtype.kind == "i" else _UNSIGNED
    is_filled = low < top * NEAR
    white = next((step for step in steps if top <= step and (is_filled or step not in _SELDOM)), top)
    # Of 32 bits, any number may be used.
    return 0.0, top if white > _OF_16_BITS and top < white * NEAR else white


def _top(some: NDArray[Any]) -> float:
    """The brightest sample beside those that may be broken."""
    broken = min(_BROKEN, int(some.size * _BROKEN_SHARE))
    return float(np.partition(some, some.size - 1 - broken)[some.size - 1 - broken])


def _white_of_fractions(high: float, top: float) -> float:
    """The step that nearly all stay within and some come near to; else the brightest themselves."""
    value = top if top <= _FRACTIONS[0] else high
    white = next((step for step in _FRACTIONS if value <= step), value)
    if value > white * NEAR:
        return white
    return high if high > 0 else 1.0
