"""What packing gains for one linear layer: `python -m scripts.rolling.packed`.

Each call uses the weights of another of a dozen layers, so that they come from memory, as in a model.
"""

import itertools
import time
from collections.abc import Callable, Sequence
from statistics import median

from worker.cores import core_count, share_cores

share_cores()

import torch  # noqa: E402
from torch import nn  # noqa: E402

from worker.engines.packed import PackedLinear  # noqa: E402

#: Inputs and outputs of the layers of scripts/rolling/model.py.
SIZES = ((448, 2368), (2368, 448), (448, 16_384))
ROWS = (8, 16, 64, 128)
_LAYERS, _CALLS, _ROUNDS = 12, 48, 5


def main() -> None:
    """Print a line for each number of rows, in microseconds."""
    torch.set_num_threads(core_count())
    with torch.inference_mode():
        for rows in ROWS:
            found = [
                f"{plain:.0f} → {packed:.0f}" for plain, packed in (_measure(rows, *size) for size in SIZES)
            ]
            print(f"| {rows} | {' | '.join(found)} |")


def _measure(rows: int, inputs: int, outputs: int) -> tuple[float, float]:
    plain = [nn.Linear(inputs, outputs, bias=False) for _ in range(_LAYERS)]
    packed = [PackedLinear(layer) for layer in plain]
    given = torch.randn(rows, inputs)
    pairs = [(_us(plain, given), _us(packed, given)) for _ in range(_ROUNDS)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def _us(layers: Sequence[Callable[[torch.Tensor], torch.Tensor]], given: torch.Tensor) -> float:
    began_s = time.perf_counter()
    for layer in itertools.islice(itertools.cycle(layers), _CALLS):
        layer(given)
    return (time.perf_counter() - began_s) / _CALLS * 1e6


if __name__ == "__main__":
    main()
