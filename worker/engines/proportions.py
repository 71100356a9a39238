"""Images that are long and thin: what may be made of them is bounded by what a model looks at.

    image ──► scaled down to the longest side ──► is anything left of its short side? ──► white beside it
                                                       └── no: refused

Scaled first and padded last: a picture one pixel wide would else become a sheet as wide as it is long.
"""

from PIL import Image, ImageOps

from jobs.contract.codes import Code
from jobs.contract.errors import TooLarge

#: Vision models refuse what is longer than 200 times its width.
MOST_ELONGATED = 190
#: Pixels of the short side that have to be left: of fewer no letter is read, and the model would see paper.
_LEAST_PX = 8


def scale_for(size: tuple[int, int], *limits: float) -> float:
    """The factor, at most 1, that stays within all limits, which are factors as well.

    Raises TooLarge (`image_too_thin`) when it leaves nothing of the image to look at.
    """
    scale = min(1.0, *limits)
    short = min(size)
    if scale < 1 and short * scale < _LEAST_PX:
        raise TooLarge(
            f"The image has {size[0]:,} × {size[1]:,} pixels; scaled down for the model, {short * scale:.2g}"
            f" of its {short:,} pixels would be left, and {_LEAST_PX} are needed. Cut it into parts.",
            code=Code.IMAGE_TOO_THIN,
        )
    return scale


def scaled(image: Image.Image, scale: float, filter_: Image.Resampling) -> Image.Image:
    """The image, each side times `scale`; itself where that is 1."""
    if scale == 1:
        return image
    return image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))), filter_)


def fit(image: Image.Image) -> Image.Image:
    """The image with white added to its short side where it is too long and thin for a vision model."""
    width, height = image.size
    needed = -(-max(width, height) // MOST_ELONGATED)
    if min(width, height) >= needed:
        return image
    return ImageOps.pad(image, (max(width, needed), max(height, needed)), color="white")
