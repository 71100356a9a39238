"""Whether a model reads images at the resolution that is asked for: looked at in web, and in the worker."""

from jobs.contract.asking.pixels import PixelRange
from jobs.contract.codes import Code
from jobs.contract.errors import BadInput


def check_max_pixels(asked: int | None, model: str, offered: PixelRange | None) -> None:
    """Refuse a resolution that `model` does not read at; None is any.

    Raises BadInput: `resolution_fixed` when nothing is offered, `resolution_out_of_range` outside of that.
    """
    if asked is None:
        return
    if offered is None:
        raise BadInput(
            f"max_pixels is {asked:,}, but how many pixels of an image {model} sees cannot be chosen, or no"
            " worker of it has come up yet. Leave it out, or choose another model.",
            code=Code.RESOLUTION_FIXED,
            field="max_pixels",
        )
    if not offered.least <= asked <= offered.most:
        raise BadInput(
            f"max_pixels is {asked:,}; {model} takes {offered.least:,} to {offered.most:,} here"
            " (EVA01_MOST_PIXELS of its workers). Choose a number between these.",
            code=Code.RESOLUTION_OUT_OF_RANGE,
            field="max_pixels",
        )
