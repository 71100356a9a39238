"""Samples of more than 8 bits, whole or fractions, brought to 8: scaled by what white is in them."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from worker.job.decode.packing import Samples
from worker.job.decode.strips import Rows, rows_of, strips, thinned
from worker.job.decode.tones.white import BRIGHTEST, NEAR, black_and_white

#: Rows × columns of each channel.
Channels = Sequence[Samples]
#: Pixel modes of 16 bits a channel that Pillow has.
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
#: Pixel modes by the number of channels, and those whose colors were multiplied with alpha.
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_PREMULTIPLIED = {2: "La", 4: "RGBa"}
#: Samples that are looked at for it, at most; evenly taken.
_LOOKED_AT = 1_000_000


def eight_bits(
    image: Image.Image, bits: int | None = None, *, is_unsigned: bool = False, no_data: float | None = None
) -> Rows:
    """The rows of a loaded image with 8 bits a sample; `bits` is how many count, where the file says so.

    `is_unsigned`: its 32 bits hold no sign, though Pillow takes them for one. `no_data`: as below.
    """
    kind = np.int32 if image.mode == "I" else np.float32 if image.mode == "F" else None
    if image.mode not in (*_SIXTEEN_BITS, "I", "F"):
        return rows_of(image)

    def grey(top: int, end: int) -> Channels:
        samples: Samples = np.asarray(image.crop((0, top, image.width, end)), dtype=kind)
        return [samples.view(np.uint32) if is_unsigned and kind is np.int32 else samples]

    scaled = from_channels(image.size, grey, bits, no_data=no_data)
    transparent = image.info.get("transparency")
    if not isinstance(transparent, int):
        return scaled

    def with_alpha(top: int, end: int) -> Image.Image:
        strip = scaled(top, end)
        is_seen = grey(top, end)[0] != transparent
        strip.putalpha(Image.fromarray(np.where(is_seen, 255, 0).astype(np.uint8)))
        return strip

    return with_alpha


def from_channels(
    size: tuple[int, int],
    channels: Callable[[int, int], Channels],
    bits: int | None,
    *,
    has_alpha: bool = False,
    is_premultiplied: bool = False,
    no_data: float | None = None,
) -> Rows:
    """Rows of grey or color from those of each channel; the last is alpha where there is one.

    Samples that are `no_data` do not tell what white is.
    """
    some, opaque = _looked_through(size, channels, has_alpha=has_alpha)
    low, high = black_and_white(some if no_data is None else some[some != no_data], bits)
    modes = _PREMULTIPLIED if is_premultiplied else _MODES

    def rows(top: int, end: int) -> Image.Image:
        samples = channels(top, end)
        scaled = [_scaled(one, low, high) for one in (samples[:-1] if has_alpha else samples)]
        if has_alpha:
            scaled.append(_opacity(samples[-1], opaque, high))
        return Image.merge(modes[len(samples)], [Image.fromarray(one) for one in scaled])

    return rows


def _looked_through(
    size: tuple[int, int], channels: Callable[[int, int], Channels], *, has_alpha: bool
) -> tuple[Samples, float]:
    """Some of the samples of all colors, and the largest one of alpha."""
    step = 1 + int((size[0] * size[1] / _LOOKED_AT) ** 0.5)
    some: list[Samples] = []
    opaque = 0.0
    for top, end in strips(size, step):
        samples = channels(top, end)
        if has_alpha:
            opaque = max(opaque, float(samples[-1].max()))
        some += [one[::step, ::step].ravel() for one in (samples[:-1] if has_alpha else samples)]
    taken = np.concatenate(some)
    return (taken[np.isfinite(taken)] if taken.dtype.kind == "f" else taken), opaque


def looks_dark(image: Image.Image) -> bool:
    """True when the upper 8 of 16 bits use less than a quarter of what they can: white may lie lower."""
    thin = np.asarray(thinned(image.size, rows_of(image), _LOOKED_AT))[..., :3]
    return float(np.percentile(thin, BRIGHTEST)) < 256 * NEAR


def _opacity(samples: Samples, opaque: float, white: float) -> NDArray[np.uint8]:
    """Alpha with 8 bits; where it uses no more than colors do, their white is opaque."""
    if opaque <= white:
        return _scaled(samples, 0.0, white)
    return _scaled(samples, 0.0, float(np.iinfo(samples.dtype).max) if samples.dtype.kind == "u" else 1.0)


def _scaled(samples: Samples, low: float, high: float) -> NDArray[np.uint8]:
    """Samples from `low` to `high` as 0 to 255; what is no number is black."""
    if samples.dtype.kind == "u" and samples.dtype.itemsize <= 2:
        every = np.arange(1 << 8 * samples.dtype.itemsize)
        looked_up: NDArray[np.uint8] = _each_scaled(every, low, high)[samples]
        return looked_up
    return _each_scaled(samples, low, high)


def _each_scaled(samples: Samples, low: float, high: float) -> NDArray[np.uint8]:
    numbers = np.nan_to_num(samples.astype(np.float64), nan=low, posinf=high, neginf=low)
    return np.rint((numbers.clip(low, high) - low) * (255 / (high - low))).astype(np.uint8)
