"""Pillow's bicubic scaling as sums of whole numbers, so that they come out the same on any device.

    colors ──► one direction ──rounded to 8 bits──► the other ──► colors

Weights are whole numbers of 22 bits, as Pillow has them: no order of adding up changes a sum of them.
"""

from math import ceil

import numpy as np
import torch

#: Bits of a weight behind the point.
_BITS = 22
#: Pixels on either side of a point that count for it, where nothing is scaled down.
_REACH = 2.0
#: The kernel's slope at a distance of one pixel.
_SLOPE = -0.5


def scaled(colors: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Colors (height × width × channels, bytes) at another height and width."""
    (height, width), (new_height, new_width) = colors.shape[:2], size
    # Which goes first decides what is rounded; Pillow takes the one that leaves less to do.
    is_upright_first = height > new_height and height - new_height > 2 * (width - new_width)
    for axis in (0, 1) if is_upright_first else (1, 0):
        colors = _along(axis, colors, size[axis])
    return colors


def _along(axis: int, colors: torch.Tensor, length: int) -> torch.Tensor:
    if colors.shape[axis] == length:
        return colors
    places, weights = torch.from_numpy(_summands(colors.shape[axis], length)).to(colors.device)
    shape = [length if at == axis else 1 for at in range(colors.ndim)]
    size = [length if at == axis else old for at, old in enumerate(colors.shape)]
    sums = torch.full(size, 1 << (_BITS - 1), dtype=torch.int32, device=colors.device)
    for place, weight in zip(places, weights, strict=True):
        sums += colors.index_select(axis, place) * weight.view(shape)
    return (sums >> _BITS).clamp_(0, 255).to(torch.uint8)


def _summands(length: int, new_length: int) -> np.ndarray:
    """Which old pixels each new one is the sum of, and their weights (2 × summands × new length)."""
    step = length / new_length
    stretch = max(1.0, step)
    centers = (np.arange(new_length) + 0.5) * step
    first = np.maximum((centers - _REACH * stretch + 0.5).astype(int), 0)
    end = np.minimum((centers + _REACH * stretch + 0.5).astype(int), length)
    places = first + np.arange(2 * ceil(_REACH * stretch) + 1)[:, None]
    weights = np.where(places < end, _kernel((places - centers + 0.5) * (1 / stretch)), 0.0)
    # Added up one after the other, as Pillow does.
    weights /= np.cumsum(weights, axis=0)[-1]
    whole = np.trunc(weights * (1 << _BITS) + np.copysign(0.5, weights))
    return np.stack([np.minimum(places, length - 1), whole]).astype(np.int32)


def _kernel(distances: np.ndarray) -> np.ndarray:
    """Keys' cubic convolution."""
    x = np.abs(distances)
    near = ((_SLOPE + 2) * x - (_SLOPE + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * _SLOPE
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))
