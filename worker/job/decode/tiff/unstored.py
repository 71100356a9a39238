"""What a TIFF does not store, as GDAL leaves out strips and tiles that are empty: each shows one value.

The value is the one that stands for no data, where the file names one that its samples can hold; else zero.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from jobs.formats import tiff
from worker.job.decode.packing import Samples
from worker.job.decode.tiff.blocks import Blocks, Box

#: A pixel as Pillow holds it.
_Pixel = float | tuple[int, ...]


@dataclass(frozen=True)
class Unstored:
    """The parts of a picture that show nothing."""

    #: The channel that a part belongs to, None for all; and its pixels.
    parts: tuple[tuple[int | None, Box], ...]
    #: What each sample there is.
    value: float
    #: The same as Pillow reads a pixel of it; None where it does not.
    pixel: _Pixel | None = None

    def paint(self, image: Image.Image) -> None:
        """Put it into a loaded image."""
        assert self.pixel is not None
        for channel, box in self.parts:
            if channel is None:
                image.paste(self.pixel, box)
            elif isinstance(self.pixel, tuple) and channel < len(self.pixel):
                bands = list(image.crop(box).split())
                bands[channel].paste(self.pixel[channel], (0, 0, *bands[channel].size))
                image.paste(Image.merge(image.mode, bands), box)

    def fill(self, samples: Samples, top: int) -> Samples:
        """Put it into rows × columns × channels, of which the first row is `top`."""
        filled = samples.copy()
        for channel, (left, first, right, end) in self.parts:
            rows = slice(max(0, first - top), max(0, end - top))
            filled[rows, left:right, slice(None) if channel is None else channel] = self.value
        return filled


def unstored_in(blocks: Blocks) -> tuple[tuple[int | None, Box], ...]:
    """The parts of which nothing is stored."""
    return tuple(blocks.box(number) for number in blocks.unstored if number < blocks.planes * blocks.a_plane)


def no_data_of(directory: tiff.Directory, kind: str, bits: int) -> float | None:
    """The number that stands for no data; None where there is none that samples of this kind can hold."""
    try:
        value = float(directory.text(tiff.NO_DATA))
    except ValueError:
        return None
    if kind == "f":
        return float(np.dtype(f"f{bits // 8}").type(value)) if bits in (16, 32, 64) else None
    lowest, highest = (-(1 << bits - 1), (1 << bits - 1) - 1) if kind == "i" else (0, (1 << bits) - 1)
    return value if math.isfinite(value) and value == int(value) and lowest <= value <= highest else None


def as_bytes(values: Sequence[float], kind: str, bits: int, order: str) -> bytes:
    """Samples as a file has them, the first bit first."""
    if bits % 8 == 0 and kind in "uif":
        number = np.array(values, dtype="f8" if kind == "f" else "i8")
        return number.astype(f"{order}{kind}{bits // 8}").tobytes()
    digits = "".join(f"{int(value):0{bits}b}" for value in values)
    return int(digits.ljust(-(-len(digits) // 8) * 8, "0"), 2).to_bytes(-(-len(digits) // 8), "big")
