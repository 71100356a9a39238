"""A TIFF with nothing told but how to read its pixels, for a reader that knows fewer kinds of samples.

Samples that Pillow cannot unpack, such as 12 bits in three half bytes, are asked of it as rows of bytes: it
undoes the compression, and `Packing` the rest.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from jobs.contract.errors import ImageRejected
from jobs.contract.settings import Limits
from jobs.formats import jpeg, tiff
from jobs.formats.images import check_passes, truncated_image, unsupported_format
from worker.job.decode.fax import FAXES, Fax, look_at
from worker.job.decode.samples import Packing

_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _YCBCR = 0, 1, 2, 6
#: What samples are, as the tag numbers it, and as NumPy calls it.
_KINDS = {1: "u", 2: "i", 3: "f"}
#: Bits of whole numbers and of fractions that can be unpacked.
_WHOLE, _FRACTIONS = frozenset({8, *range(9, 17), 32}), frozenset({16, 32, 64})
#: Compressions that pack bytes, whatever those mean: none, LZW, deflate, PackBits, LZMA, Zstandard.
_OF_BYTES = frozenset({1, 5, 8, 32946, 32773, 34925, 50000})
#: Of black and white; Pillow takes it for none.
_RLE_IN_WORDS = 32771
_COLORS = {0: "grey", 1: "grey", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr", 8: "Lab"}
#: What a sample is beside the colors.
_UNSPECIFIED, _ALPHA = 0, (1, 2)
#: Compression by JPEG, and the way it was before it was mended in 1995.
_JPEG, _OLD_JPEG = 7, 6
#: How a scan of a JPEG begins; pixels hold no such bytes.
_SCAN = b"\xff\xda"
#: Bytes of the coefficients of a pixel.
_COEFFICIENTS_BYTES = 6
#: Bytes of the tables that JPEGs have in common; four of each kind have fewer than half as many.
_MOST_TABLE_BYTES = 8192
#: How numbers of 16 bits are written, as the directory says it.
_SHORT = 3
#: Pixels of a side, and bytes of a row, that no TIFF has.
_LONGEST = 1 << 31
#: Bytes between a file that is cut short and what is put behind it, lest that be taken for pixels.
_GAP_BYTES = 65_536


@dataclass(frozen=True)
class PlainTiff:
    """A picture of a TIFF, and how to take it."""

    data: bytes
    orientation: int
    #: How many bits of a sample count, where that is not for the samples to tell.
    significant_bits: int | None = None
    is_inverted: bool = False
    is_unsigned: bool = False
    packing: Packing | None = None
    #: Where pixels lie beyond the end of the file: where that is, and as many bytes of the gap behind it.
    gap: tuple[int, int] | None = None
    #: Its strips or tiles as JPEGs, where they are such.
    jpegs: tuple[bytes, ...] = ()
    #: Bytes that their decoder keeps from one pass to the next.
    kept_bytes: int = 0
    #: How many rows, from the top, are there; None when the decoder has to say.
    rows: int | None = None
    #: True when some rows show others.
    is_damaged: bool = False


@dataclass(frozen=True)
class _Kind:
    """What a directory says of its samples."""

    bits: int
    samples: int
    kind: str
    photometric: int
    has_alpha: bool
    #: True when each channel lies for itself.
    is_planar: bool

    @property
    def significant_bits(self) -> int | None:
        """How many bits count of those whose number says what white is; files of 16 may hold fewer."""
        if self.bits > 15:
            return None
        return self.bits - (self.kind == "i")

    @property
    def said(self) -> str:
        colors = _COLORS.get(self.photometric, f"colors of kind {self.photometric}")
        numbers = {"u": "", "i": " with a sign", "f": " as fractions"}.get(self.kind, " of an unknown kind")
        planes = ", each channel for itself" if self.is_planar else ""
        return f"a TIFF of {self.samples} × {self.bits} bits a pixel{numbers} ({colors}{planes})"


def plain_tiff(data: bytes, limits: Limits) -> PlainTiff:
    """The first image of a TIFF.

    Raises ImageRejected (`truncated_image`; `unsupported_format` for samples that cannot be read), or
    TooLarge (`too_many_pixels`).
    """
    layout = tiff.layout_of(data)
    if layout is None:
        raise truncated_image("it is no TIFF")
    directory = tiff.first_directory(BytesIO(data), layout)
    if directory.lacks(tiff.PICTURE):
        raise truncated_image("a part of its directory is missing")
    if not (0 < directory.number(tiff.WIDTH) < _LONGEST and 0 < directory.number(tiff.HEIGHT) < _LONGEST):
        raise truncated_image("its directory names no size that can be")
    kind = _kind(directory)
    fax = _fax(data, directory)
    if fax and fax.drawn is not None:
        return _unpacked(fax.drawn, data, directory)
    _check_subsampling(directory)
    jpegs = _jpegs(data, directory)
    kept_bytes = _bytes_between_passes(jpegs, directory, limits)
    is_inverted = kind.photometric == _MIN_IS_WHITE and kind.bits > 8
    changed = {tiff.PHOTOMETRIC: _MIN_IS_BLACK} if is_inverted else {}
    if _has_a_sample_unexplained(directory, kind):
        changed[tiff.EXTRA_SAMPLES] = _UNSPECIFIED
    gap_bytes = _GAP_BYTES if _ends_behind(directory, len(data)) else 0
    written = _with_deep_palette(data, directory)
    plain, packing = tiff.plain(written, directory, changed, gap_bytes=gap_bytes), None
    if _is_for_us(kind) or not _opens(plain):
        packing = _packing(directory, kind)
        plain = tiff.plain(data, directory, _as_bytes(packing), without=_MEANING, gap_bytes=gap_bytes)
    return PlainTiff(
        plain,
        directory.number(tiff.ORIENTATION, 1),
        kind.significant_bits,
        is_inverted or (packing is not None and kind.photometric == _MIN_IS_WHITE),
        kind.kind == "u",
        packing,
        (len(data), gap_bytes) if gap_bytes else None,
        jpegs,
        kept_bytes,
        fax.rows if fax else None,
    )


def _jpegs(data: bytes, directory: tiff.Directory) -> tuple[bytes, ...]:
    """Strips or tiles that are JPEGs, each with the tables that they have in common.

    Raises ImageRejected (`truncated_image`) when together they have more bytes than the file.
    """
    if directory.number(tiff.COMPRESSION, 1) != _JPEG:
        return ()
    listed = directory.entry(tiff.TILE_OFFSETS) or directory.entry(tiff.STRIP_OFFSETS)
    if listed and listed.count > tiff.MOST_VALUES:
        raise unsupported_format(
            f"a TIFF of {listed.count:,} JPEGs, more than {tiff.MOST_VALUES:,}", "Save it in larger strips"
        )
    places = tuple(_places(directory))
    if sum(max(0, min(size, len(data) - place)) for place, size in places) > len(data):
        raise truncated_image("its strips lie over one another")
    tables = directory.plain_bytes(tiff.JPEG_TABLES)
    if len(tables) > _MOST_TABLE_BYTES:
        raise truncated_image(f"the tables of its JPEGs have {len(tables):,} bytes")
    begin = tables.removesuffix(b"\xff\xd9") or b"\xff\xd8"
    return tuple(begin + data[place + 2 : place + size] for place, size in places)


def _bytes_between_passes(jpegs: Sequence[bytes], directory: tiff.Directory, limits: Limits) -> int:
    """What the decoder keeps of a strip or tile of several scans; each scan counts as a pass over its pixels.

    Raises TooLarge (`too_many_pixels`).
    """
    if not jpegs:
        return 0
    width, height = directory.number(tiff.WIDTH), directory.number(tiff.HEIGHT)
    across = directory.number(tiff.TILE_WIDTH, width)
    down = directory.number(tiff.TILE_HEIGHT) or min(height, directory.number(tiff.ROWS_PER_STRIP, height))
    each = across * down
    # The last one may be higher than its strip: it is decoded as a whole.
    largest = max(each, _pixels_of(jpegs[-1]))
    scans = [one.count(_SCAN) for one in jpegs]
    check_passes((each * sum(scans[:-1]) + largest * scans[-1]) // (width * height), width * height, limits)
    return _COEFFICIENTS_BYTES * largest if max(scans) > 1 else 0


def _pixels_of(one: bytes) -> int:
    try:
        frame = jpeg.frame_of(BytesIO(one))
    except ImageRejected:
        return 0
    return frame.width * frame.height


def _places(directory: tiff.Directory) -> Iterator[tuple[int, int]]:
    """Where each strip or tile begins, and its bytes."""
    for places, sizes in ((tiff.STRIP_OFFSETS, tiff.STRIP_BYTES), (tiff.TILE_OFFSETS, tiff.TILE_BYTES)):
        yield from zip(directory.numbers(places), directory.numbers(sizes), strict=False)


def _fax(data: bytes, directory: tiff.Directory) -> Fax | None:
    """What is there of a fax, whose decoder would not tell; raises ImageRejected for damage."""
    compression = directory.number(tiff.COMPRESSION, 1)
    if compression == _RLE_IN_WORDS:
        raise unsupported_format(
            "a TIFF packed in runs of whole words", "Save it as fax (Group 4), or as PNG"
        )
    if compression == _OLD_JPEG:
        raise unsupported_format(
            "a TIFF with JPEG inside as it was packed before 1995 (compression 6)", "Save it as PNG or JPEG"
        )
    return look_at(data, directory) if compression in FAXES else None


def _unpacked(drawn: bytes, data: bytes, directory: tiff.Directory) -> PlainTiff:
    """A fax of which some rows were damaged, as it was drawn here."""
    changed = {
        tiff.COMPRESSION: 1,
        tiff.FILL_ORDER: 1,
        tiff.STRIP_OFFSETS: len(data),
        tiff.STRIP_BYTES: len(drawn),
        tiff.ROWS_PER_STRIP: directory.number(tiff.HEIGHT),
    }
    plain = tiff.plain(data + drawn, directory, changed)
    return PlainTiff(plain, directory.number(tiff.ORIENTATION, 1), is_damaged=True)


def _check_subsampling(directory: tiff.Directory) -> None:
    """Raises ImageRejected for colors of fewer pixels than brightness, which only a JPEG's decoder undoes."""
    subsampling = directory.numbers(tiff.SUBSAMPLING) or (2, 2)
    is_sparse = directory.number(tiff.PHOTOMETRIC) == _YCBCR and set(subsampling) != {1}
    if is_sparse and directory.number(tiff.COMPRESSION, 1) != _JPEG:
        across, down = subsampling[0], subsampling[-1]
        raise unsupported_format(
            f"a TIFF of YCbCr with colors for every {across} × {down} pixels, and no JPEG inside",
            "Save it as RGB, or as PNG",
        )


def _has_a_sample_unexplained(directory: tiff.Directory, kind: _Kind) -> bool:
    """True for one sample more than colors need, where nothing says that it is alpha."""
    colors = {_MIN_IS_WHITE: 1, _MIN_IS_BLACK: 1, _RGB: 3}.get(kind.photometric)
    return kind.samples - 1 == colors and not directory.numbers(tiff.EXTRA_SAMPLES)


def _with_deep_palette(data: bytes, directory: tiff.Directory) -> bytes:
    """The file; where its palette has 8 bits a sample instead of 16, with those of 16."""
    palette, place = directory.numbers(tiff.PALETTE), directory.place_of(tiff.PALETTE)
    entry = directory.entry(tiff.PALETTE)
    if place is None or entry is None or entry.kind != _SHORT or max(palette, default=256) > 255:
        return data
    deep = struct.pack(f"{directory.layout.order}{len(palette)}H", *(257 * sample for sample in palette))
    return b"".join((data[:place], deep, memoryview(data)[place + len(deep) :]))


def _ends_behind(directory: tiff.Directory, size_bytes: int) -> bool:
    """True when a strip or a tile ends behind the end of the file, or is not listed at all."""
    if _lacks_strips(directory):
        return True
    return any(place + size > size_bytes for place, size in _places(directory))


def _lacks_strips(directory: tiff.Directory) -> bool:
    height = directory.number(tiff.HEIGHT)
    rows = min(height, directory.number(tiff.ROWS_PER_STRIP, height) or height)
    listed = directory.entry(tiff.STRIP_OFFSETS)
    return listed is not None and listed.count < -(-height // max(1, rows))


#: Tags that say what samples mean, which bytes do not.
_MEANING = (tiff.SAMPLE_FORMAT, tiff.EXTRA_SAMPLES, tiff.PREDICTOR)


def _kind(directory: tiff.Directory) -> _Kind:
    bits = directory.numbers(tiff.BITS) or (1,)
    samples = directory.number(tiff.SAMPLES, len(bits))
    formats = directory.numbers(tiff.SAMPLE_FORMAT) or (1,)
    extra = directory.numbers(tiff.EXTRA_SAMPLES)
    is_even = len(set(bits)) == len(set(formats)) == 1
    return _Kind(
        bits[0],
        samples,
        _KINDS.get(formats[0], "?") if is_even else "?",
        directory.number(tiff.PHOTOMETRIC, _MIN_IS_WHITE),
        has_alpha=bool(extra) and extra[0] in _ALPHA,
        is_planar=samples > 1 and directory.number(tiff.PLANAR, 1) != 1,
    )


def _is_for_us(kind: _Kind) -> bool:
    """True for samples that Pillow reads, and reads as others than they are."""
    return 8 < kind.bits < 16 or (kind.bits == 8 and kind.kind == "i") or (kind.bits > 8 and kind.is_planar)


def _opens(data: bytes) -> bool:
    """True when Pillow knows how to read the samples."""
    try:
        with Image.open(BytesIO(data), formats=("TIFF",)):
            return True
    except Exception:
        return False


def _packing(directory: tiff.Directory, kind: _Kind) -> Packing:
    """How to unpack the samples; raises ImageRejected (`unsupported_format`)."""
    grey = kind.photometric in (_MIN_IS_WHITE, _MIN_IS_BLACK)
    channels = kind.samples - kind.has_alpha
    can_be = (
        kind.bits in (_FRACTIONS if kind.kind == "f" else _WHOLE)
        and kind.kind in "uif"
        and (kind.kind == "u" or kind.bits in (8, 16, 32, 64))
        and ((grey and channels == 1) or (kind.photometric == _RGB and channels == 3))
        and not kind.is_planar
        and directory.number(tiff.COMPRESSION, 1) in _OF_BYTES
        and directory.number(tiff.PREDICTOR, 1) == 1
        and tiff.TILE_WIDTH not in directory
        and tiff.STRIP_OFFSETS in directory
    )
    if not can_be:
        raise unsupported_format(kind.said, "Save it with 8 or 16 bits a sample, uncompressed or as PNG")
    width = directory.number(tiff.WIDTH)
    packing = Packing(width, kind.samples, kind.bits, kind.kind, directory.layout.order, kind.has_alpha)
    if packing.row_bytes >= _LONGEST:
        raise truncated_image("its directory names no size that can be")
    return packing


def _as_bytes(packing: Packing) -> dict[int, int]:
    """The tags of a grey image whose pixels are the bytes of a row."""
    return {
        tiff.WIDTH: packing.row_bytes,
        tiff.BITS: 8,
        tiff.SAMPLES: 1,
        tiff.PHOTOMETRIC: _MIN_IS_BLACK,
    }
