"""What is there of an image whose end is missing.

It is read twice, on two grounds: the rows that come out alike were read, the others show the ground. Only
one block of whole rows counts, from the top or, where a format begins there, from the bottom.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

#: The two grounds, as values of every channel.
_GROUNDS = (0, 255)
#: Bytes of rows that are compared at a time, or one row.
_BYTES_AT_A_TIME = 1 << 20


@dataclass(frozen=True)
class Part:
    """Which rows of an image are there."""

    #: From this row, and up to but without that one.
    first: int
    end: int
    height: int

    @property
    def share(self) -> float:
        """How much of the image is there, 0 to 1."""
        return (self.end - self.first) / self.height

    @property
    def is_whole(self) -> bool:
        """True when no row is missing."""
        return self.share == 1

    def blank(self, strip: Image.Image, top: int) -> None:
        """Make rows that are missing white in an RGB strip that begins at row `top`."""
        strip.paste("white", (0, 0, strip.width, max(0, min(strip.height, self.first - top))))
        strip.paste("white", (0, max(0, min(strip.height, self.end - top)), strip.width, strip.height))


def may_be_partial(image: ImageFile.ImageFile) -> bool:
    """True for a loaded PNG or GIF that ends in zeros: their decoders do not say when rows are missing."""
    if image.format not in ("PNG", "GIF"):
        return False
    last = image.crop((0, max(0, image.height - 2), image.width, image.height))
    return not np.asarray(last).reshape(last.height, -1).any(axis=1).all()


def what_is_there(open_anew: Callable[[int], ImageFile.ImageFile]) -> tuple[Image.Image, Part]:
    """Read what can be read of an image that cannot be read whole; `open_anew` is told the ground."""
    one, other = (_read_on(open_anew(ground), ground) for ground in _GROUNDS)
    return one, Part(*_block(_alike(one, other)), one.height)


def rows_alike(one: Image.Image, other: Image.Image) -> int:
    """How many rows, from the top, are the same in both."""
    is_alike = _alike(one, other)
    return one.height if is_alike.all() else int(is_alike.argmin())


def _alike(one: Image.Image, other: Image.Image) -> NDArray[np.bool_]:
    """Whether each row is the same in both; looked at some rows at a time, to save memory."""
    is_alike = np.empty(one.height, dtype=bool)
    step = max(1, _BYTES_AT_A_TIME // (one.width * len(one.getbands())))
    for top in range(0, one.height, step):
        box = (0, top, one.width, min(top + step, one.height))
        some, same = np.asarray(one.crop(box)), np.asarray(other.crop(box))
        is_alike[box[1] : box[3]] = (some == same).reshape(box[3] - top, -1).all(axis=1)
    return is_alike


def _read_on(image: ImageFile.ImageFile, ground: int) -> Image.Image:
    # A frame of a GIF need not fill it.
    box = image.tile[0].extents if image.format == "GIF" else (0, 0, *image.size)
    prepare = image.load_prepare

    def prepare_on_ground() -> None:
        prepare()
        bands = len(image.im.getbands()) if hasattr(image.im, "getbands") else image.im.bands
        image.im.paste(ground if bands == 1 else (ground,) * bands, box)

    image.load_prepare = prepare_on_ground  # type: ignore[method-assign]
    try:
        image.load()
    except (OSError, SyntaxError):
        image.tile = []
        Image.Image.load(image)
    return image


def _block(is_there: NDArray[np.bool_]) -> tuple[int, int]:
    """The rows from the top, or to the bottom, that are there: those of which there are more."""
    height = len(is_there)
    if is_there.all():
        return 0, height
    from_top = int(is_there.argmin())
    to_bottom = int(is_there[::-1].argmin())
    return (0, from_top) if from_top >= to_bottom else (height - to_bottom, height)
