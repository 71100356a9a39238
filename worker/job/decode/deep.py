"""Colors of 16 bits a sample, of which Pillow keeps the upper 8, where those are too few.

Files of cameras and scanners may hold 10 or 12 bits in the lower part of 16: then nearly all is in the 8
bits that Pillow leaves out. They are read once more, as if each sample's bytes stood the other way round.
"""

import sys
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFile

from worker.job.decode.samples import Samples, from_bands, looks_dark

_OTHER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
#: Pixels that are looked at to find white, at most.
_LOOKED_AT = 1_000_000
_DEEP = ("RGB;16", "RGBA;16")


def with_all_bits(
    upper: Image.Image, way: str, open_anew: Callable[[], ImageFile.ImageFile], bits: int | None
) -> Image.Image:
    """The image, brighter where its white lies in the lower bits; `way` is how Pillow unpacked it."""
    if way[:-1] not in _DEEP or not looks_dark(upper):
        return upper
    lower = open_anew()
    lower.tile = [tile._replace(args=_the_other_way(tile.args)) for tile in lower.tile]
    lower.load()

    def band_of(above: Image.Image, below: Image.Image) -> Callable[[int], Samples]:
        def band(number: int) -> Samples:
            samples = np.asarray(above.getchannel(number), dtype=np.uint16) << 8
            samples |= np.asarray(below.getchannel(number))
            return samples

        return band

    return from_bands(
        band_of(upper, lower),
        len(upper.getbands()),
        bits,
        has_alpha=upper.mode == "RGBA",
        thin_band=band_of(_thin(upper), _thin(lower)),
    )


def _thin(image: Image.Image) -> Image.Image:
    """Some of an image's pixels, evenly taken."""
    step = 1 + int((image.width * image.height / _LOOKED_AT) ** 0.5)
    size = (-(-image.width // step), -(-image.height // step))
    return image.resize(size, Image.Resampling.NEAREST)


def way_of(image: ImageFile.ImageFile) -> str:
    """How Pillow is going to unpack an image, as it calls that."""
    args = image.tile[0].args if image.tile else ""
    way = args if isinstance(args, str) or not args else args[0]
    return way if isinstance(way, str) else ""


def _the_other_way(args: "tuple[object, ...] | str | None") -> "tuple[object, ...] | str | None":
    if isinstance(args, str):
        return args[:-1] + _OTHER[args[-1]]
    if not args:
        return args
    way = str(args[0])
    return (way[:-1] + _OTHER[way[-1]], *args[1:])
