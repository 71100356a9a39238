"""A file as Pillow is given it: the picture alone, and what was told beside it, which is acted on here.

Damage beside the picture cannot reach its pixels so, nor can what Pillow would do of itself.
"""

from dataclasses import dataclass, replace
from io import BytesIO

from jobs.contract.settings import Limits
from jobs.formats import jpeg, png
from jobs.formats.jpeg import Jpeg
from jobs.formats.tiff import layout_of
from jobs.formats.unread import check_kind
from worker.job.decode.samples import Packing
from worker.job.decode.tiff import plain_tiff
from worker.job.decode.upright import orientation_in


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

    def on(self, ground: int) -> "Plain":
        """The same with bytes of this value in the gap."""
        if self.gap is None:
            return self
        start, size = self.gap
        return replace(self, data=self.data[:start] + bytes([ground]) * size + self.data[start + size :])


def plain(data: bytes, limits: Limits) -> Plain:
    """The picture in a file.

    Raises ImageRejected (`truncated_image`, `unsupported_format`), or TooLarge (`too_many_pixels`) for a JPEG
    or a TIFF of too many passes.
    """
    check_kind(BytesIO(data))
    if data.startswith(png.SIGNATURE):
        return _plain_png(data)
    if data.startswith(jpeg.SIGNATURE):
        parts = jpeg.taken_apart(data, limits)
        return Plain(parts.plain, orientation_in(parts.exif), is_animated=False, jpeg=parts)
    if layout_of(data):
        found = plain_tiff(data, limits)
        return Plain(
            found.data,
            found.orientation,
            is_animated=False,
            bits=found.significant_bits,
            is_inverted=found.is_inverted,
            is_unsigned=found.is_unsigned,
            packing=found.packing,
            gap=found.gap,
            strips=found.jpegs,
            kept_bytes=found.kept_bytes,
            rows=found.rows,
            is_damaged=found.is_damaged,
        )
    return Plain(data)


def _plain_png(data: bytes) -> Plain:
    header = png.header_of(BytesIO(data))
    parts = png.taken_apart(data, header)
    packing = None
    if header.depth == 16 and header.color == png.GREY_ALPHA:
        # Two samples of 16 bits are four of 8 to everything that a PNG does with them.
        packing = Packing(header.width, 2, 16, "u", ">", has_alpha=True)
        parts = replace(parts, header=header.as_four_bytes())
    return Plain(
        parts.plain(),
        orientation_in(parts.exif),
        is_animated=parts.frames > 1,
        is_cut=parts.is_cut,
        bits=parts.significant_bits if header.depth == 16 else None,
        packing=packing,
    )
