"""A TIFF with nothing told but how to read its pixels, for a reader that knows fewer kinds of samples.

Samples that Pillow cannot unpack, such as 12 bits in three half bytes, are asked of it as rows of bytes: it
undoes the compression, and `Packing` the rest.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from jobs.contract.settings import Limits
from jobs.formats import tiff
from jobs.formats.images import truncated_image, unsupported_format
from jobs.formats.jpeg import says_ycbcr
from worker.job.decode.packing import BYTE_DIFFERENCES, DIFFERENCES, Packing
from worker.job.decode.picture import Plain
from worker.job.decode.tiff.blocks import Blocks, blocks_of, deflated
from worker.job.decode.tiff.fax import FAXES, Fax, look_at
from worker.job.decode.tiff.jpegs import bytes_between_passes, jpegs_in
from worker.job.decode.tiff.unstored import Unstored, as_bytes, no_data_of, unstored_in

_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _YCBCR = 0, 1, 2, 6
#: What samples are, as the tag numbers it, and as NumPy calls it.
_KINDS = {1: "u", 2: "i", 3: "f"}
#: Bits of whole numbers and of fractions that can be unpacked.
_WHOLE, _FRACTIONS = frozenset({8, *range(9, 17), 32}), frozenset({16, 32, 64})
#: Compressions that pack bytes, whatever those mean: none, LZW, deflate, PackBits, LZMA, Zstandard.
_OF_BYTES = frozenset({1, 5, 8, 32946, 32773, 34925, 50000})
#: Those of them before which differences may be made of samples.
_WITH_DIFFERENCES = _OF_BYTES - {1, 32773}
_NONE = 1
#: Of black and white; Pillow takes it for none.
_RLE_IN_WORDS = 32771
_COLORS = {0: "grey", 1: "grey", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr", 8: "Lab"}
_COLORS_OF = {_MIN_IS_WHITE: 1, _MIN_IS_BLACK: 1, _RGB: 3}
#: What a sample is beside the colors; of alpha, where colors were multiplied with it, and where not.
_UNSPECIFIED, _PREMULTIPLIED, _ALPHA = 0, 1, 2
#: Compression by JPEG, and the way it was before it was mended in 1995.
_JPEG, _OLD_JPEG = 7, 6
#: How numbers of 16 bits are written, as the directory says it.
_SHORT = 3
#: Pixels of a side, and bytes of a row, that no TIFF has.
_LONGEST = 1 << 31
#: Bytes between a file that is cut short and what is put behind it, lest that be taken for pixels.
_GAP_BYTES = 65_536


@dataclass(frozen=True)
class _Kind:
    """What a directory says of its samples."""

    bits: int
    #: How many a pixel has.
    samples: int
    kind: str
    photometric: int
    #: Which of them is alpha, and whether colors were multiplied with it.
    alpha: int | None
    is_premultiplied: bool
    #: True when each channel lies for itself.
    is_planar: bool

    @property
    def colors(self) -> int | None:
        """How many samples are grey or RGB, from the first; None for other colors."""
        return _COLORS_OF.get(self.photometric)

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


def plain_tiff(data: bytes, limits: Limits) -> Plain:
    """The first image of a TIFF.

    Raises ImageRejected (`truncated_image`; `unsupported_format` for samples that cannot be read), or
    TooLarge (`too_many_pixels`).
    """
    directory = _directory_of(data)
    _check_packed(directory)
    kind, blocks = _kind(directory), blocks_of(directory)
    fax = _fax(data, directory, blocks)
    if fax and fax.drawn is not None:
        return _unpacked(fax.drawn, data, directory)
    jpegs = jpegs_in(data, directory, blocks) if directory.number(tiff.COMPRESSION, 1) == _JPEG else ()
    kept_bytes = bytes_between_passes(jpegs, blocks, limits)
    is_inverted = kind.photometric == _MIN_IS_WHITE and kind.bits > 8
    changed = _changed(directory, kind, jpegs, is_inverted=is_inverted)
    gap_bytes = _GAP_BYTES if blocks.ends_behind(len(data)) else 0
    file = _with_deep_palette(data, directory)
    without: tuple[int, ...] = ()
    packing = None
    if _is_for_us(kind) or not _opens(tiff.plain(file, directory, changed)):
        packing = _packing(directory, kind, blocks)
        blocks = blocks.of_planes(packing.planes) if packing.is_planar else blocks
        changed, without = _as_bytes(packing, blocks), _MEANING
    unstored = _unstored(file, directory, kind, blocks, None if packing else changed)
    if unstored and directory.number(tiff.COMPRESSION, 1) != _NONE:
        changed |= _places_of(blocks.all_stored())
    return Plain(
        tiff.plain(file, directory, changed, without=without, gap_bytes=gap_bytes),
        directory.number(tiff.ORIENTATION, 1),
        is_animated=False,
        bits=kind.significant_bits,
        is_inverted=is_inverted or (packing is not None and kind.photometric == _MIN_IS_WHITE),
        is_unsigned=kind.kind == "u",
        packing=packing,
        gap=(len(data), gap_bytes) if gap_bytes else None,
        strips=tuple(dict.fromkeys(jpegs)),
        kept_bytes=kept_bytes,
        rows=fax.rows if fax else None,
        unstored=unstored,
        no_data=no_data_of(directory, kind.kind, kind.bits),
        deflated=deflated(directory, blocks, kind.bits * (1 if kind.is_planar else kind.samples)),
    )


def _directory_of(data: bytes) -> tiff.Directory:
    """The first directory, which has all that its pixels need."""
    layout = tiff.layout_of(data)
    if layout is None:
        raise truncated_image("it is no TIFF")
    directory = tiff.first_directory(BytesIO(data), layout)
    if directory.lacks(tiff.PICTURE):
        raise truncated_image("a part of its directory is missing")
    if not (0 < directory.number(tiff.WIDTH) < _LONGEST and 0 < directory.number(tiff.HEIGHT) < _LONGEST):
        raise truncated_image("its directory names no size that can be")
    return directory


def _check_packed(directory: tiff.Directory) -> None:
    """Raises ImageRejected (`unsupported_format`) for what no decoder undoes, or would not tell damage of."""
    compression = directory.number(tiff.COMPRESSION, 1)
    if compression == _RLE_IN_WORDS:
        raise unsupported_format(
            "a TIFF packed in runs of whole words", "Save it as fax (Group 4), or as PNG"
        )
    if compression == _OLD_JPEG:
        raise unsupported_format(
            "a TIFF with JPEG inside as it was packed before 1995 (compression 6)", "Save it as PNG or JPEG"
        )
    _check_subsampling(directory)


def _changed(
    directory: tiff.Directory, kind: _Kind, jpegs: Sequence[bytes], *, is_inverted: bool
) -> dict[int, int | Sequence[int]]:
    """The tags that Pillow is told otherwise."""
    changed: dict[int, int | Sequence[int]] = {tiff.PHOTOMETRIC: _MIN_IS_BLACK} if is_inverted else {}
    if kind.photometric in (_RGB, _YCBCR) and jpegs and (is_ycbcr := says_ycbcr(jpegs[0])) is not None:
        # Who has put a whole JPEG into a TIFF may have said of it what is not so.
        changed[tiff.PHOTOMETRIC] = _YCBCR if is_ycbcr else _RGB
    if kind.samples == 1:
        changed[tiff.PLANAR] = 1
    if _has_a_sample_unexplained(directory, kind):
        changed[tiff.EXTRA_SAMPLES] = _UNSPECIFIED
    return changed


def _unstored(
    file: bytes,
    directory: tiff.Directory,
    kind: _Kind,
    blocks: Blocks,
    changed: Mapping[int, int | Sequence[int]] | None,
) -> Unstored | None:
    """The parts that are not stored; with the pixel that they show where Pillow reads them, `changed` so."""
    parts = unstored_in(blocks)
    if not parts:
        return None
    value = no_data_of(directory, kind.kind, kind.bits) or 0.0
    return Unstored(parts, value, None if changed is None else _pixel(file, directory, kind, value, changed))


def _pixel(
    file: bytes,
    directory: tiff.Directory,
    kind: _Kind,
    value: float,
    changed: Mapping[int, int | Sequence[int]],
) -> float | tuple[int, ...]:
    """A pixel of such samples as Pillow reads it: one of a picture of nothing else."""
    samples = as_bytes([value] * kind.samples, kind.kind, kind.bits, directory.layout.order)
    tags = dict(changed) | {
        tiff.WIDTH: 1,
        tiff.HEIGHT: 1,
        tiff.ROWS_PER_STRIP: 1,
        tiff.COMPRESSION: _NONE,
        tiff.PLANAR: 1,
        tiff.STRIP_OFFSETS: len(file),
        tiff.STRIP_BYTES: len(samples),
    }
    if tags.get(tiff.PHOTOMETRIC, kind.photometric) == _YCBCR:
        # A JPEG's decoder hands over RGB.
        tags[tiff.PHOTOMETRIC] = _RGB
    tiles = (tiff.TILE_WIDTH, tiff.TILE_HEIGHT, tiff.TILE_OFFSETS, tiff.TILE_BYTES, tiff.PREDICTOR)
    with Image.open(
        BytesIO(tiff.plain(file + samples, directory, tags, without=tiles)), formats=("TIFF",)
    ) as one:
        pixel: float | tuple[int, ...] = one.getpixel((0, 0))  # type: ignore[assignment]
    return pixel


def _places_of(blocks: Blocks) -> dict[int, Sequence[int]]:
    if blocks.is_tiled:
        return {tiff.TILE_OFFSETS: blocks.places, tiff.TILE_BYTES: blocks.sizes}
    return {tiff.STRIP_OFFSETS: blocks.places, tiff.STRIP_BYTES: blocks.sizes}


def _fax(data: bytes, directory: tiff.Directory, blocks: Blocks) -> Fax | None:
    """What is there of a fax, whose decoder would not tell; raises ImageRejected for damage."""
    if directory.number(tiff.COMPRESSION, 1) not in FAXES:
        return None
    if blocks.unstored:
        raise unsupported_format("a fax of which some strips or tiles are not stored", "Save it as PNG")
    return look_at(data, directory)


def _unpacked(drawn: bytes, data: bytes, directory: tiff.Directory) -> Plain:
    """A fax of which some rows were damaged, as it was drawn here."""
    changed = {
        tiff.COMPRESSION: 1,
        tiff.FILL_ORDER: 1,
        tiff.STRIP_OFFSETS: len(data),
        tiff.STRIP_BYTES: len(drawn),
        tiff.ROWS_PER_STRIP: directory.number(tiff.HEIGHT),
    }
    plain = tiff.plain(data + drawn, directory, changed)
    return Plain(plain, directory.number(tiff.ORIENTATION, 1), is_animated=False, is_damaged=True)


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
    return kind.samples - 1 == kind.colors and not directory.numbers(tiff.EXTRA_SAMPLES)


def _with_deep_palette(data: bytes, directory: tiff.Directory) -> bytes:
    """The file; where its palette has 8 bits a sample instead of 16, with those of 16."""
    palette, place = directory.numbers(tiff.PALETTE), directory.place_of(tiff.PALETTE)
    entry = directory.entry(tiff.PALETTE)
    if place is None or entry is None or entry.kind != _SHORT or max(palette, default=256) > 255:
        return data
    deep = struct.pack(f"{directory.layout.order}{len(palette)}H", *(257 * sample for sample in palette))
    return b"".join((data[:place], deep, memoryview(data)[place + len(deep) :]))


#: Tags that say what samples mean, which bytes do not.
_MEANING = (tiff.SAMPLE_FORMAT, tiff.EXTRA_SAMPLES, tiff.PREDICTOR)


def _kind(directory: tiff.Directory) -> _Kind:
    bits = directory.numbers(tiff.BITS) or (1,)
    samples = directory.number(tiff.SAMPLES, len(bits))
    formats = directory.numbers(tiff.SAMPLE_FORMAT) or (1,)
    photometric = directory.number(tiff.PHOTOMETRIC, _MIN_IS_WHITE)
    extra = directory.numbers(tiff.EXTRA_SAMPLES)
    alpha = next((number for number, what in enumerate(extra) if what in (_PREMULTIPLIED, _ALPHA)), None)
    is_even = len(set(bits)) == len(set(formats)) == 1
    return _Kind(
        bits[0],
        samples,
        _KINDS.get(formats[0], "?") if is_even else "?",
        photometric,
        None if alpha is None else _COLORS_OF.get(photometric, 0) + alpha,
        is_premultiplied=alpha is not None and extra[alpha] == _PREMULTIPLIED,
        is_planar=samples > 1 and directory.number(tiff.PLANAR, 1) != 1,
    )


def _is_for_us(kind: _Kind) -> bool:
    """True for samples that Pillow reads, and reads as others than they are."""
    return (
        8 < kind.bits < 16
        or (kind.bits == 8 and kind.kind == "i")
        or (kind.bits > 8 and (kind.is_planar or kind.is_premultiplied or kind.kind == "f"))
        or (kind.is_planar and kind.colors == 1)
    )


def _opens(data: bytes) -> bool:
    """True when Pillow knows how to read the samples."""
    try:
        with Image.open(BytesIO(data), formats=("TIFF",)):
            return True
    except Exception:
        return False


def _packing(directory: tiff.Directory, kind: _Kind, blocks: Blocks) -> Packing:
    """How to unpack the samples; raises ImageRejected (`unsupported_format`)."""
    compression = directory.number(tiff.COMPRESSION, 1)
    if compression not in _OF_BYTES:
        raise unsupported_format(
            f"{kind.said}, packed with compression {compression}",
            "Save it uncompressed, with deflate, or as PNG",
        )
    colors = kind.colors or 0
    predictor = directory.number(tiff.PREDICTOR, 1) if compression in _WITH_DIFFERENCES else 1
    can_be = (
        kind.bits in (_FRACTIONS if kind.kind == "f" else _WHOLE)
        and kind.kind in "uif"
        and (kind.kind == "u" or kind.bits in (8, 16, 32, 64))
        and 0 < colors <= kind.samples
        and (kind.alpha is None or kind.alpha < kind.samples)
    )
    if not can_be:
        raise unsupported_format(kind.said, "Save it as grey or RGB of 8 or 16 bits a sample, or as PNG")
    if not (
        predictor == 1 or (predictor == DIFFERENCES and kind.bits % 8 == 0) or _has_fractions(kind, predictor)
    ):
        raise unsupported_format(
            f"{kind.said}, as differences of kind {predictor}", "Save it without a predictor, or as PNG"
        )
    packing = Packing(
        blocks.width,
        kind.samples,
        kind.bits,
        kind.kind,
        directory.layout.order,
        colors,
        kind.alpha,
        is_premultiplied=kind.is_premultiplied,
        predictor=predictor,
        tile_width=blocks.across if blocks.is_tiled else None,
        is_planar=kind.is_planar,
    )
    if packing.row_bytes >= _LONGEST:
        raise truncated_image("its directory names no size that can be")
    return packing


def _has_fractions(kind: _Kind, predictor: int) -> bool:
    return predictor == BYTE_DIFFERENCES and kind.kind == "f"


def _as_bytes(packing: Packing, blocks: Blocks) -> dict[int, int | Sequence[int]]:
    """The tags of an image whose pixels are bytes: grey, or as many bands as there are planes."""
    bands = blocks.planes
    changed: dict[int, int | Sequence[int]] = {
        tiff.WIDTH: packing.row_bytes,
        tiff.BITS: 8,
        tiff.SAMPLES: bands,
        tiff.PLANAR: 1 if bands == 1 else 2,
        tiff.PHOTOMETRIC: _RGB if bands > 2 else _MIN_IS_BLACK,
    }
    if bands == 4:
        changed[tiff.EXTRA_SAMPLES] = _ALPHA
    if blocks.is_tiled:
        changed[tiff.TILE_WIDTH] = packing.block_bytes
    return changed | (_places_of(blocks) if packing.is_planar else {})
