"""The strips or tiles of a TIFF that are JPEGs: their parts, what decoding them takes, and their colors."""

from collections.abc import Sequence
from io import BytesIO

from jobs.contract.errors import ImageRejected
from jobs.contract.settings import Limits
from jobs.formats import jpeg, tiff
from jobs.formats.images import check_passes, truncated_image, unsupported_format
from worker.job.decode.tiff.blocks import Blocks

#: How a scan of a JPEG begins; pixels hold no such bytes.
_SCAN = b"\xff\xda"
#: Bytes of the coefficients of a pixel.
_COEFFICIENTS_BYTES = 6
#: Bytes of the tables that JPEGs have in common; four of each kind have fewer than half as many.
_MOST_TABLE_BYTES = 8192


def jpegs_in(data: bytes, directory: tiff.Directory, blocks: Blocks) -> tuple[bytes, ...]:
    """Each as a JPEG of its own, with the tables that they have in common; one may be there several times.

    Raises ImageRejected (`truncated_image`) when together they have more bytes than the file.
    """
    if len(blocks.places) > tiff.MOST_VALUES:
        raise unsupported_format(
            f"a TIFF of {len(blocks.places):,} JPEGs, more than {tiff.MOST_VALUES:,}",
            "Save it in larger strips",
        )
    places = [*zip(blocks.places, blocks.sizes, strict=False)]
    if sum(max(0, min(size, len(data) - place)) for place, size in places) > len(data):
        raise truncated_image("its strips lie over one another")
    tables = directory.plain_bytes(tiff.JPEG_TABLES)
    if len(tables) > _MOST_TABLE_BYTES:
        raise truncated_image(f"the tables of its JPEGs have {len(tables):,} bytes")
    begin = tables.removesuffix(b"\xff\xd9") or b"\xff\xd8"
    stored = blocks.all_stored()
    made = {place: begin + data[place + 2 : place + size] for place, size in places if place}
    return tuple(made[place] for place in stored.places[: len(places)])


def bytes_between_passes(jpegs: Sequence[bytes], blocks: Blocks, limits: Limits) -> int:
    """What the decoder keeps of a strip or tile of several scans; each scan counts as a pass over its pixels.

    Raises TooLarge (`too_many_pixels`).
    """
    if not jpegs:
        return 0
    pixels, each = blocks.width * blocks.height, blocks.across * blocks.down
    # The last one may be higher than its strip: it is decoded as a whole.
    largest = max(each, _pixels_of(jpegs[-1]))
    scans = [one.count(_SCAN) for one in jpegs]
    check_passes((each * sum(scans[:-1]) + largest * scans[-1]) // pixels, pixels, limits)
    return _COEFFICIENTS_BYTES * largest if max(scans) > 1 else 0


def _pixels_of(one: bytes) -> int:
    try:
        frame = jpeg.frame_of(BytesIO(one))
    except ImageRejected:
        return 0
    return frame.width * frame.height
