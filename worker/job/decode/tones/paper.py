"""What transparent pixels show: white paper, or black where the drawing would be lost on white."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from worker.job.decode.strips import Rows, thinned

#: How much better black has to be, from 0 to 1, before it is chosen: in doubt paper is white.
_PREFERENCE = 0.05
#: A brightness this far from its paper's, of 255, is plain to see.
_PLAIN = 128.0
#: Pixels of which alpha is looked at, about.
_LOOKED_AT_PIXELS = 4_000_000


def on_paper(size: tuple[int, int], rows: Rows) -> Rows:
    """The same rows as RGB, on the paper from which the picture's pixels stand out where they meet it."""
    paper: str | None = None

    def colors(top: int, end: int) -> Image.Image:
        strip = rows(top, end)
        return (strip.convert("LA") if strip.mode == "La" else strip).convert("RGBA")

    def shown(top: int, end: int) -> Image.Image:
        nonlocal paper
        strip = rows(top, end)
        if strip.mode == "LAB":
            return _from_lab(strip)
        if not strip.has_transparency_data:
            return strip.convert("RGB")
        if paper is None:
            # Few of its pixels: lettering is seen in that as well.
            paper = "black" if _is_lost_on_white(thinned(size, colors, _LOOKED_AT_PIXELS)) else "white"
        seen = colors(top, end)
        return Image.alpha_composite(Image.new("RGBA", seen.size, paper), seen).convert("RGB")

    return shown


def _from_lab(image: Image.Image) -> Image.Image:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    shown = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    assert shown is not None
    return shown


def _is_lost_on_white(image: Image.Image) -> bool:
    """True when what meets the transparent pixels of an RGBA image stands out from black and not from white.

    The colors of pixels that are not seen do not count, nor do those within a shape: a white label with
    black lettering stands out from black.
    """
    alpha = np.asarray(image.getchannel("A"))
    if not alpha.any():
        return False
    brightness = np.asarray(image.convert("RGB").convert("L"), dtype=np.float32)
    seen = alpha > alpha.max() / 2
    edge = seen & _beside(~seen)
    counted = edge if edge.any() else seen
    weights = alpha[counted].astype(np.float32)
    lost_on_white = np.average(_faintness(255 - brightness[counted]), weights=weights)
    lost_on_black = np.average(_faintness(brightness[counted]), weights=weights)
    return bool(lost_on_white > lost_on_black + _PREFERENCE)


def _faintness(contrast: NDArray[np.float32]) -> NDArray[np.float32]:
    """How hard it is to see by its distance from the paper: 0, plain, to 1, not at all."""
    faintness: NDArray[np.float32] = np.square(np.clip(1 - contrast / _PLAIN, 0, 1))
    return faintness


def _beside(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels with one of the mask to their left, right, top or bottom."""
    found = np.zeros_like(mask)
    found[1:] |= mask[:-1]
    found[:-1] |= mask[1:]
    found[:, 1:] |= mask[:, :-1]
    found[:, :-1] |= mask[:, 1:]
    return found
