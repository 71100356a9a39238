"""Samples of more than 8 bits, whole or fractions, brought to 8: scaled by what white is in them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from worker.job.decode.white import BRIGHTEST, NEAR, black_and_white

Samples = NDArray[Any]
#: Pixel modes of 16 bits a channel that Pillow has.
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
#: Samples that are looked at for it, at most; evenly taken.
_LOOKED_AT = 1_000_000
#: Samples that are scaled at a time.
_AT_A_TIME = 1 << 22


@dataclass(frozen=True)
class Packing:
    """Samples that Pillow cannot unpack, and hands over as rows of bytes."""

    width: int
    #: Samples a pixel.
    channels: int
    bits: int
    #: As NumPy calls it: `u`, `i` or `f`.
    kind: str
    #: `<` or `>`; of no consequence where a sample does not fill whole bytes.
    order: str
    has_alpha: bool = False

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, in which samples follow each other without a gap."""
        return -(-self.width * self.channels * self.bits // 8)

    def unpack(self, image: Image.Image) -> Samples:
        """The samples, as rows × columns × channels."""
        rows = np.asarray(image).reshape(image.height, -1)[:, : self.row_bytes]
        if self.bits in (8, 16, 32, 64):
            flat: Samples = np.ascontiguousarray(rows).view(f"{self.order}{self.kind}{self.bits // 8}")
        else:
            flat = self._unpacked(rows)
        return flat.reshape(image.height, self.width, self.channels)

    def _unpacked(self, rows: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """Samples of 9 to 15 bits, the first bit first."""
        first_bits = np.arange(self.width * self.channels, dtype=np.int64) * self.bits
        places, shifts = first_bits >> 3, 24 - (first_bits & 7) - self.bits
        unpacked = np.empty((len(rows), len(places)), dtype=np.uint16)
        at_a_time = max(1, _AT_A_TIME // max(1, len(places)))
        for start in range(0, len(rows), at_a_time):
            some = np.pad(rows[start : start + at_a_time], ((0, 0), (0, 2))).astype(np.uint32)
            three = some[:, places] << 16 | some[:, places + 1] << 8 | some[:, places + 2]
            unpacked[start : start + at_a_time] = three >> shifts.astype(np.uint32) & ((1 << self.bits) - 1)
        return unpacked


def eight_bits(image: Image.Image, bits: int | None = None, *, is_unsigned: bool = False) -> Image.Image:
    """The image with 8 bits a sample; `bits` is how many count, where the file says so.

    `is_unsigned`: its 32 bits hold no sign, though Pillow takes them for one.
    """
    if image.mode in _SIXTEEN_BITS:
        samples: Samples = np.asarray(image)
    elif image.mode == "I":
        samples = np.asarray(image, dtype=np.int32)
        samples = samples.view(np.uint32) if is_unsigned else samples
    elif image.mode == "F":
        samples = np.asarray(image, dtype=np.float32)
    else:
        return image
    grey = from_bands(lambda _: samples, 1, bits)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey.putalpha(Image.fromarray(np.where(samples == transparent, 0, 255).astype(np.uint8)))
    return grey


def from_bands(
    band: Callable[[int], Samples],
    count: int,
    bits: int | None,
    *,
    has_alpha: bool = False,
    thin_band: Callable[[int], Samples] | None = None,
) -> Image.Image:
    """Grey or color from the samples of each channel, rows × columns; the last is alpha where there is one.

    `band` gives them by the channel's number; `thin_band`, where that takes less time, some of them.
    """
    colors = count - has_alpha
    low, high = black_and_white(np.concatenate([_some((thin_band or band)(n)) for n in range(colors)]), bits)
    scaled = [_scaled(band(n), low, high) for n in range(colors)]
    if has_alpha:
        scaled.append(_opacity(band(colors), high))
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[count]
    return Image.merge(mode, [Image.fromarray(samples) for samples in scaled])


def looks_dark(image: Image.Image) -> bool:
    """True when the upper 8 of 16 bits use less than a quarter of what they can: white may lie lower."""
    bands = [_some(np.asarray(image.getchannel(n))) for n in range(min(3, len(image.getbands())))]
    return float(np.percentile(np.concatenate(bands), BRIGHTEST)) < 256 * NEAR


def _opacity(samples: Samples, white: float) -> NDArray[np.uint8]:
    """Alpha with 8 bits; where it uses no more than colors do, their white is opaque."""
    if float(samples.max()) <= white:
        return _scaled(samples, 0.0, white)
    return _scaled(samples, 0.0, float(np.iinfo(samples.dtype).max) if samples.dtype.kind == "u" else 1.0)


def _some(samples: Samples) -> Samples:
    """The finite ones of some samples, evenly taken."""
    step = 1 + int((samples.size / _LOOKED_AT) ** 0.5)
    some = samples[::step, ::step].ravel()
    return some[np.isfinite(some)] if some.dtype.kind == "f" else some


def _scaled(samples: Samples, low: float, high: float) -> NDArray[np.uint8]:
    """Samples from `low` to `high` as 0 to 255; what is no number is black."""
    if samples.dtype.kind == "u" and samples.dtype.itemsize <= 2:
        every = np.arange(1 << 8 * samples.dtype.itemsize)
        looked_up: NDArray[np.uint8] = _each_scaled(every, low, high)[samples]
        return looked_up
    scaled = np.empty(samples.shape, dtype=np.uint8)
    at_a_time = max(1, _AT_A_TIME // max(1, samples.shape[1]))
    for start in range(0, len(samples), at_a_time):
        scaled[start : start + at_a_time] = _each_scaled(samples[start : start + at_a_time], low, high)
    return scaled


def _each_scaled(samples: Samples, low: float, high: float) -> NDArray[np.uint8]:
    numbers = np.nan_to_num(samples.astype(np.float64), nan=low, posinf=high, neginf=low)
    return np.rint((numbers.clip(low, high) - low) * (255 / (high - low))).astype(np.uint8)
