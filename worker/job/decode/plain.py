"""A file as Pillow is given it: the picture alone, and what was told beside it, which is acted on here.

Damage beside the picture cannot reach its pixels so, nor can what Pillow would do of itself.
"""

from dataclasses import replace
from io import BytesIO

from jobs.contract.settings import Limits
from jobs.formats import jpeg, png
from jobs.formats.tiff import layout_of
from jobs.formats.unread import check_kind, is_avif
from worker.job.decode.heif_end import is_unfilled
from worker.job.decode.packing import Packing
from worker.job.decode.picture import Plain
from worker.job.decode.tiff.pixels import plain_tiff
from worker.job.decode.upright import orientation_in


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
        return plain_tiff(data, limits)
    return Plain(data, is_cut=is_avif(data[:64]) and is_unfilled(data, limits.least_image_part))


def _plain_png(data: bytes) -> Plain:
    header = png.header_of(BytesIO(data))
    parts = png.taken_apart(data, header)
    packing = None
    if header.depth == 16 and header.color == png.GREY_ALPHA:
        # Two samples of 16 bits are four of 8 to everything that a PNG does with them.
        packing = Packing(header.width, 2, 16, "u", ">", colors=1, alpha=1)
        parts = replace(parts, header=header.as_four_bytes())
    return Plain(
        parts.plain(),
        orientation_in(parts.exif),
        is_animated=parts.frames > 1,
        is_cut=parts.is_cut,
        bits=parts.significant_bits if header.depth == 16 else None,
        packing=packing,
    )
