"""Which pages of a file one answer is about, and at what resolution those of a PDF are drawn."""

from enum import StrEnum

#: Dots an inch: fewer show nothing that could be read, and more nothing that a printer could.
LEAST_DPI, MOST_DPI = 36, 600


class Pages(StrEnum):
    """What a file of several pages becomes."""

    #: A job for each page, with an answer of its own.
    EACH = "each"
    #: One job about all of them, in their order.
    TOGETHER = "together"
