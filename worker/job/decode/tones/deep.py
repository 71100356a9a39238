"""Colors of 16 bits a sample, of which Pillow keeps the upper 8, where those are too few.

Files of cameras and scanners may hold 10 or 12 bits in the lower part of 16: then nearly all is in the 8
bits that Pillow leaves out. They are read once more, as if each sample's bytes stood the other way round.
"""

import sys
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFile

from worker.job.decode.packing import Samples
from worker.job.decode.strips import strips
from worker.job.decode.tiff.unstored import Unstored
from worker.job.decode.tones.samples import from_channels, looks_dark

_OTHER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_DEEP = ("RGB;16", "RGBA;16")


def with_all_bits(
    upper: Image.Image,
    way: str,
    open_anew: Callable[[], ImageFile.ImageFile],
    bits: int | None,
    unstored: Unstored | None = None,
) -> None:
    """Make the image brighter where its white lies in the lower bits; `way` is how Pillow unpacked it."""
    if way[:-1] not in _DEEP or not looks_dark(upper):
        return
    lower = open_anew()
    lower.tile = [tile._replace(args=_the_other_way(tile.args)) for tile in lower.tile]
    lower.load()

    def both(top: int, end: int) -> list[Samples]:
        box = (0, top, upper.width, end)
        above, below = np.asarray(upper.crop(box)), np.asarray(lower.crop(box))
        samples: Samples = above.astype(np.uint16) << 8 | below
        samples = unstored.fill(samples, top) if unstored else samples
        return [samples[..., channel] for channel in range(samples.shape[2])]

    rows = from_channels(upper.size, both, bits, has_alpha=upper.mode == "RGBA")
    # In its place, so that no third picture is made.
    for top, end in strips(upper.size):
        upper.paste(rows(top, end), (0, top))


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
