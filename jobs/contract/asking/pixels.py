"""How many pixels of an image a model sees at most, where a batch or a question may choose."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict


class PixelRange(BaseModel):
    """What `max_pixels` may be, in pixels of one image; one with more is scaled down before it is seen."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: The fewest that make sense.
    least: int
    #: What holds when nobody chooses.
    default: int
    #: The most that are taken.
    most: int

    def weight(self, asked: int | None) -> int:
        """How many images of the usual size one takes the memory of, rounded up.

        >>> usual = PixelRange(least=3136, default=1_000_000, most=4_000_000)
        >>> usual.weight(None), usual.weight(3136), usual.weight(1_500_000)
        (1, 1, 2)
        """
        return -(-(asked or self.default) // self.default)


def in_common(ranges: Sequence[PixelRange | None]) -> PixelRange | None:
    """What all of several workers take; None when one lets nobody choose, or they have nothing in common.

    >>> wide, narrow = PixelRange(least=4, default=9, most=30), PixelRange(least=6, default=8, most=20)
    >>> in_common([wide, narrow]) == PixelRange(least=6, default=8, most=20), in_common([wide, None])
    (True, None)
    """
    known = [one for one in ranges if one]
    if not known or len(known) < len(ranges):
        return None
    least, most = max(one.least for one in known), min(one.most for one in known)
    default = min(max(min(one.default for one in known), least), most)
    return PixelRange(least=least, default=default, most=most) if least <= most else None
