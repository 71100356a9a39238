"""Samples of 16 or 32 bits, and fractions, brought to 8 bits."""

import numpy as np
from PIL import Image

#: Pixel modes of 16 bits a channel that Pillow has.
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")


def eight_bits(image: Image.Image) -> Image.Image:
    """The image with 8 bits a sample: scaled, because Pillow's own conversion would clip."""
    if image.mode in _SIXTEEN_BITS:
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode not in ("I", "F"):
        return image
    samples = np.nan_to_num(np.asarray(image, dtype=np.float64))
    top = _full_scale(image.mode, float(samples.max()))
    return Image.fromarray((samples.clip(0, top) * (255 / top)).astype(np.uint8))


def _full_scale(mode: str, largest: float) -> float:
    """The sample that means white: 1 or 255 for fractions, else what 8, 16 or 32 bits can hold."""
    steps = (1.0, 255.0, 65535.0, 4294967295.0) if mode == "F" else (255.0, 65535.0, 4294967295.0)
    return next((step for step in steps if largest <= step), largest)
