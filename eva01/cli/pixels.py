"""How many pixels of an image a model sees at most: as people write it, and what it costs."""

import re

from eva01.client.models import Model

_WRITTEN = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([kM]?)(?:px|P)?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1000, "m": 1_000_000}


def pixels_in(text: str) -> int:
    """Pixels written as `786432`, `800k` or `1.5M`.

    Raises ValueError for anything else, and for none at all.

    >>> pixels_in("2M"), pixels_in("0.5 M"), pixels_in("800k"), pixels_in("3136")
    (2000000, 500000, 800000, 3136)
    """
    found = _WRITTEN.fullmatch(text.strip())
    pixels = round(float(found[1]) * _UNITS[found[2].lower()]) if found else 0
    if not pixels:
        raise ValueError(f"{text!r} is no number of pixels. Write 786432, 800k or 1.5M.")
    return pixels


def cost_of(pixels: int, model: Model) -> str | None:
    """What it costs to have `model` see so many, in a sentence; None where that is as usual, or not known."""
    usual = model.max_pixels.default if model.max_pixels else 0
    if usual in (0, pixels):
        return None
    times = f"a large one takes about {pixels / usual:.2g} × the image tokens"
    if pixels > usual:
        gain, cost = (
            "smaller text is read",
            f"{times}, and as much of the time to look at it or somewhat more",
        )
    else:
        gain, cost = "faster, and small text is lost", f"{times}, and of the time to look at it"
    return (
        f"Images are seen at up to {pixels:,} pixels instead of {usual:,} ({gain}): {cost}."
        " The time to write the answer hardly changes."
    )
