"""A picture alone, and how to take it: what a decoder is given, and what is acted on here."""

from dataclasses import dataclass, replace

from jobs.formats.jpeg import Jpeg
from worker.job.decode.packing import Packing
from worker.job.decode.tiff.blocks import Deflated
from worker.job.decode.tiff.unstored import Unstored


@dataclass(frozen=True)
class Plain:
    """A picture, and how to take it."""

    data: bytes
    #: How it has to be turned, 1 to 8; None when that is for the format's own reader to say.
    orientation: int | None = None
    #: True for an animation; None when the format's reader has to say.
    is_animated: bool | None = None
    #: How many bits of a sample count, where the file says so.
    bits: int | None = None
    #: True when the lowest sample means white, and Pillow does not know.
    is_inverted: bool = False
    #: True when samples of 32 bits have no sign.
    is_unsigned: bool = False
    #: How to unpack what Pillow cannot.
    packing: Packing | None = None
    #: Where the file ends too early, and how many bytes without meaning follow; None for a whole one.
    gap: tuple[int, int] | None = None
    #: How many rows, from the top, are there; None when the decoder has to say.
    rows: int | None = None
    #: The parts of a JPEG.
    jpeg: Jpeg | None = None
    #: The strips or tiles of a TIFF that are JPEGs.
    strips: tuple[bytes, ...] = ()
    #: Bytes that their decoder keeps from one pass over them to the next.
    kept_bytes: int = 0
    #: True when the file ends too early, be it that all rows seem to be there.
    is_cut: bool = False
    #: True when some rows are damaged, and show others.
    is_damaged: bool = False
    #: Parts of a TIFF that its file does not store.
    unstored: Unstored | None = None
    #: The sample that stands for no data.
    no_data: float | None = None
    #: Strips or tiles whose checksums are to be looked at.
    deflated: Deflated | None = None

    def on(self, ground: int) -> "Plain":
        """The same with bytes of this value in the gap."""
        if self.gap is None:
            return self
        start, size = self.gap
        return replace(self, data=self.data[:start] + bytes([ground]) * size + self.data[start + size :])
