"""Speed-up by each kind of faster layer: `python -m scripts.rolling.layers`.

Calls cycle through several layers, so that weights come from memory, not from a cache, as in a model.
"""

import itertools
import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

from worker.ops.cores import core_count, share_cores

share_cores()

import torch  # noqa: E402
from torch import nn  # noqa: E402

from worker.engines.layers import (  # noqa: E402
    Joined,
    JoinedLinear,
    PackedLinear,
    PatchLinear,
    replace_layers,
)

#: Inputs and outputs of the layers of scripts/rolling/model.py.
SIZES = ((448, 2368), (2368, 448), (448, 16_384))
#: Outputs of those that are given the same there.
GIVEN_THE_SAME = ((448, 64, 64), (2368, 2368))
ROWS = (8, 16, 64, 128)
#: Patches of a small image and of one of a million pixels, and the width of the vision tower they go to.
PATCHES = ((148, 160), (5348, 1280))
_LAYERS, _CALLS, _ROUNDS = 4, 12, 5
_Layer = Callable[[torch.Tensor], torch.Tensor]


def main() -> None:
    """Print a line for each number of rows, and one of patches, in microseconds."""
    torch.set_num_threads(core_count())
    with torch.inference_mode():
        for rows in ROWS:
            found = [
                f"{plain:.0f} → {faster:.0f}"
                for plain, faster in (*(_measure(rows, *size) for size in SIZES), _measure_joined(rows))
            ]
            print(f"| {rows} | {' | '.join(found)} |")
        for count, width in PATCHES:
            plain, faster = _measure_patches(count, width)
            print(f"{count} patches to {width} features: {plain:.0f} → {faster:.0f}")


def _measure(rows: int, inputs: int, outputs: int) -> tuple[float, float]:
    plain = [nn.Linear(inputs, outputs, bias=False) for _ in range(_LAYERS)]
    return _compare(plain, [PackedLinear(layer) for layer in plain], torch.randn(rows, inputs))


def _measure_joined(rows: int) -> tuple[float, float]:
    """What a layer of a decoder multiplies by the same, each packed by itself and as one."""
    plain = [
        [[nn.Linear(SIZES[0][0], width, bias=False) for width in widths] for widths in GIVEN_THE_SAME]
        for _ in range(_LAYERS)
    ]
    apart = [[PackedLinear(layer) for layer in itertools.chain(*parts)] for parts in plain]
    joined = [[layer for part in parts for layer in _joined(part)] for parts in plain]
    given = torch.randn(rows, SIZES[0][0])
    return _compare([partial(_all, own) for own in apart], [partial(_all, own) for own in joined], given)


def _joined(layers: Sequence[nn.Linear]) -> list[JoinedLinear]:
    joined = Joined(layers)
    return [JoinedLinear(layer, joined, place) for place, layer in enumerate(layers)]


def _all(layers: Sequence[_Layer], given: torch.Tensor) -> torch.Tensor:
    return [layer(given) for layer in layers][-1]


def _measure_patches(count: int, outputs: int) -> tuple[float, float]:
    size = (2, 14, 14)
    plain = [nn.Conv3d(3, outputs, size, stride=size, bias=False) for _ in range(_LAYERS)]
    faster = [PatchLinear(layer) for layer in plain]
    for layer in faster:
        replace_layers(layer)
    return _compare(plain, faster, torch.randn(count, 3, *size))


def _compare(plain: Sequence[_Layer], faster: Sequence[_Layer], given: torch.Tensor) -> tuple[float, float]:
    pairs = [(_us(plain, given), _us(faster, given)) for _ in range(_ROUNDS)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def _us(layers: Sequence[_Layer], given: torch.Tensor) -> float:
    began_s = time.perf_counter()
    for layer in itertools.islice(itertools.cycle(layers), _CALLS):
        layer(given)
    return (time.perf_counter() - began_s) / _CALLS * 1e6


if __name__ == "__main__":
    main()
