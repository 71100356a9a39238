"""TIFFs, tag by tag."""

import io
import struct
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from tests.files.tiffs import Part, file_of
from tests.variants.exif import SIDEWAYS
from tests.variants.picture import BLACK_AND_WHITE, COLOR, GREY, HEIGHT, WIDTH, encoded

_GREY = np.asarray(GREY) / 255
_COLOR = np.asarray(COLOR) / 255


def tiff(pixels: bytes, tags: dict[int, Any], order: str = "<", *, is_big: bool = False) -> bytes:
    """A TIFF of one strip, which lies behind its directory."""
    fixed = {256: WIDTH, 257: HEIGHT, 259: 1, 277: 1, 278: HEIGHT}
    return file_of([Part(fixed | tags, [pixels])], order=order, is_big=is_big)


def packed(samples: "np.ndarray", bits: int) -> bytes:
    """Rows of samples of 9 to 15 bits without a gap between them."""
    rows = samples.reshape(HEIGHT, -1).astype(np.uint32)
    each = (rows[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(each.reshape(HEIGHT, -1).astype(np.uint8), axis=1).tobytes()


def grey_packed(bits: int, order: str = "<", **more: Any) -> bytes:
    """Grey of 9 to 15 bits."""
    white = (1 << bits) - 1
    return tiff(packed(_GREY * white, bits), {258: bits, 262: 1} | _tags(more), order)


def color_packed(bits: int) -> bytes:
    """Color of 9 to 15 bits a sample."""
    return tiff(packed(_COLOR * ((1 << bits) - 1), bits), {258: [bits] * 3, 262: 2, 277: 3})


def grey(kind: str, low: float, high: float, *, photometric: int = 1, **more: Any) -> bytes:
    """Grey with samples of a NumPy kind such as `<u2`; black is `low` and white is `high`."""
    samples = (low + _GREY * (high - low)).astype(kind)
    numbers = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    tags = {258: samples.dtype.itemsize * 8, 262: photometric, 339: numbers} | _tags(more)
    return tiff(samples.tobytes(), tags, kind[0] if kind[0] in "<>" else "<")


def fractions_with(low: float, high: float, *odd: float) -> bytes:
    """Fractions, with these few samples among them that say nothing."""
    samples = (low + _GREY * (high - low)).astype("<f4")
    samples[60, 70 : 70 + len(odd)] = odd
    return tiff(samples.tobytes(), {258: 32, 262: 1, 339: 3})


def white_is_zero(kind: str = "<u2", white: int = 65535) -> bytes:
    """Grey in which the lowest sample means white."""
    return grey(kind, white, 0, photometric=0)


def color16(white: int = 65535, order: str = "<", **more: Any) -> bytes:
    """Color in 16 bits a sample."""
    pixels = (_COLOR * white).astype(f"{order}u2").tobytes()
    return tiff(pixels, {258: [16] * 3, 262: 2, 277: 3} | _tags(more), order)


def grey_alpha16() -> bytes:
    """Grey and alpha in 16 bits, opaque."""
    samples = np.stack([_GREY * 65535, np.full((HEIGHT, WIDTH), 65535)], -1).astype("<u2")
    return tiff(samples.tobytes(), {258: [16] * 2, 262: 1, 277: 2, 338: 2})


def premultiplied(image: Image.Image, opacity: float, white: int, order: str = "<") -> bytes:
    """Samples of 16 bits and alpha, with which they were multiplied; their white is `white`."""
    colors = np.asarray(image).reshape(HEIGHT, WIDTH, -1) * (white * opacity / 255)
    samples = np.concatenate([colors, np.full((HEIGHT, WIDTH, 1), white * opacity)], axis=2)
    count = samples.shape[2]
    tags = {258: [16] * count, 262: 1 if count == 2 else 2, 277: count, 338: 1}
    return tiff(np.rint(samples).astype(f"{order}u2").tobytes(), tags, order)


def color8(image: Image.Image = COLOR, **more: Any) -> bytes:
    """Color in 8 bits; more tags as `_274=6`."""
    tags = {256: image.width, 257: image.height, 258: [8] * 3, 262: 2, 277: 3, 278: image.height}
    return tiff(image.tobytes(), tags | _tags(more))


def with_zeros(image: Image.Image, bits: int = 8) -> bytes:
    """The picture with a further sample a pixel, which is zero and explained by nothing."""
    colors = np.asarray(image).reshape(HEIGHT, WIDTH, -1).astype(f"<u{bits // 8}") * (
        257 if bits == 16 else 1
    )
    samples = np.concatenate([colors, np.zeros_like(colors[..., :1])], axis=2)
    count = samples.shape[2]
    return tiff(samples.tobytes(), {258: [bits] * count, 262: 1 if count == 2 else 2, 277: count})


def shallow_palette() -> bytes:
    """A palette of grey as some programs write it, with 8 bits a sample."""
    palette = struct.pack("<768H", *range(256), *range(256), *range(256))
    return tiff(GREY.tobytes(), {258: 8, 262: 3, 320: (3, 768, palette)})


def ycbcr(**more: Any) -> bytes:
    """Brightness and colors, not packed; more tags as `_530=…`."""
    return tiff(COLOR.convert("YCbCr").tobytes(), {258: [8] * 3, 262: 6, 277: 3} | _tags(more))


def turned(**more: Any) -> bytes:
    """The picture lying on its side, and the tag that says so."""
    return color8(COLOR.transpose(Image.Transpose.ROTATE_90), _274=SIDEWAYS, **more)


def big() -> bytes:
    """One with 64-bit places."""
    return tiff(GREY.tobytes(), {258: 8, 262: 1}, is_big=True)


def pillow(image: Image.Image = COLOR, compression: str | None = None, **how: Any) -> bytes:
    """As Pillow writes it."""
    return encoded(image, "TIFF", compression=compression, **how)


def damaged_jpeg() -> bytes:
    """With JPEG inside, and noise in its second half."""
    whole = pillow(compression="jpeg", quality=95)
    with Image.open(io.BytesIO(whole)) as image:
        place, size = (image.getexif()[tag] for tag in (273, 279))
    middle = place + size * 3 // 4
    return whole[:middle] + b"\x55\xfe" * 10 + whole[middle + 20 :]


def jpeg_of_passes(more: int, image: Image.Image = COLOR) -> bytes:
    """With a progressive JPEG inside whose last pass comes again and again."""
    whole = encoded(image, "JPEG", progressive=True, subsampling=0)
    last = whole.rindex(b"\xff\xda")
    strip = whole[:-2] + whole[last:-2] * more + whole[-2:]
    tags = {256: image.width, 257: image.height, 258: [8] * 3, 259: 7, 262: 6, 277: 3, 278: image.height}
    return tiff(strip, tags | {530: (3, 2, b"\1\0\1\0")})


def color_jpegs(
    photometric: int = 6,
    *,
    subsampling: int = 0,
    missing: Collection[int] = (),
    change: Callable[[bytes], bytes] = bytes,
    **how: Any,
) -> bytes:
    """Strips of 16 rows that are JPEGs of their own, as `change` leaves them; some are not stored."""
    strips: list[bytes | None] = []
    for number in range(HEIGHT // 16):
        strip = COLOR.crop((0, 16 * number, WIDTH, 16 * number + 16))
        packed = change(encoded(strip, "JPEG", quality=95, subsampling=subsampling, **how))
        strips.append(None if number in missing else packed)
    tags: dict[int, Any] = {256: WIDTH, 257: HEIGHT, 258: [8] * 3, 259: 7, 262: photometric, 277: 3, 278: 16}
    samples = 1 if subsampling == 0 else 2
    return file_of([Part(tags | {530: (3, 2, bytes([samples, 0] * 2))}, strips)])


def fax(compression: str, image: Image.Image = BLACK_AND_WHITE, **how: Any) -> bytes:
    """Black and white, as faxes are packed."""
    return pillow(image.convert("1"), compression, **how)


def damaged_fax(compression: str, length: int = 4, *, share: float = 0.0) -> bytes:
    """A fax with some bytes overwritten, or so large a share of them, a quarter of the way into it."""
    data = bytearray(fax(compression))
    place, size = _strip(data)
    start, length = place + size // 4, max(length, round(size * share))
    data[start : start + length] = (b"\xa7\x51\x3c\x99\x06" * length)[:length]
    return bytes(data)


def short_fax() -> bytes:
    """A fax whose directory says that it has more rows."""
    short = fax("group4", BLACK_AND_WHITE.crop((0, 0, WIDTH, HEIGHT - 8)), tiffinfo={278: HEIGHT - 8})
    place, size = _strip(short)
    return tiff(short[place : place + size], {258: 1, 259: 4, 262: 1})


def cut_fax(compression: str, share: float) -> bytes:
    """The first part of a fax whose directory lies before its pixels."""
    data = fax(compression, tiffinfo={278: HEIGHT})
    place, size = _strip(data)
    number = {"tiff_ccitt": 2, "group3": 3, "group4": 4}[compression]
    whole = tiff(data[place : place + size], {258: 1, 259: number, 262: 1})
    return whole[: len(whole) - size + round(size * share)]


def fax_of_many_runs() -> bytes:
    """A fax of dots, one a pixel."""
    row = np.tile(np.array([0, 255], dtype=np.uint8), 2500)
    dots = Image.fromarray(np.tile(row, (2500, 1)))
    return fax("tiff_ccitt", dots, tiffinfo={278: 2500})


def _strip(data: bytes | bytearray) -> tuple[int, int]:
    """Where the first strip of a TIFF lies, and its bytes."""
    with Image.open(io.BytesIO(data)) as image:
        tags = image.tag_v2  # type: ignore[attr-defined]
        return tags[273][0], tags[279][0]


def cut(share: float) -> bytes:
    """The first part of the pixels."""
    whole = color8()
    start = len(whole) - WIDTH * HEIGHT * 3
    return whole[: start + round(WIDTH * HEIGHT * 3 * share)]


def directory_first(image: Image.Image, compression: str | None) -> bytes:
    """A color image in strips of 16 rows, which lie behind the directory in their order."""
    number = {None: 1, "tiff_lzw": 5, "tiff_deflate": 8}[compression]
    strips = []
    for top in range(0, image.height, 16):
        strip = image.crop((0, top, image.width, min(top + 16, image.height)))
        data = pillow(strip, compression, tiffinfo={278: 16})
        place, size = _strip(data)
        strips.append(data[place : place + size])
    tags: dict[int, Any] = {
        256: image.width,
        257: image.height,
        258: [8] * 3,
        259: number,
        262: 2,
        277: 3,
        278: 16,
    }
    return file_of([Part(tags, strips)])


def lab() -> bytes:
    """Lab, as the sRGB profile says."""
    profiles = (ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"))
    shown = ImageCms.applyTransform(COLOR, ImageCms.buildTransform(*profiles, "RGB", "LAB"))
    assert shown is not None
    return encoded(shown, "TIFF")


def complex_numbers() -> bytes:
    """Samples that are pairs of fractions."""
    return tiff((_GREY + 0j).astype("<c8").tobytes(), {258: 64, 262: 1, 339: 6})


def tiled_12_bits() -> bytes:
    """12 bits in two tiles, each half of the picture."""
    halves = np.hsplit(_GREY * 4095, 2)
    tags = {256: WIDTH, 257: HEIGHT, 258: 12, 259: 1, 262: 1, 277: 1, 322: WIDTH // 2, 323: HEIGHT}
    return file_of([Part(tags, [packed(half, 12) for half in halves])])


def raw(make: str, *, is_preview: bool = True, **more: Any) -> bytes:
    """A camera's raw file: a preview first, and the maker's name."""
    name = make.encode() + b"\0"
    tags = {254: int(is_preview), 271: (2, len(name), name)} | _tags(more)
    return color8() if not tags else tiff(COLOR.tobytes(), {258: [8] * 3, 262: 2, 277: 3} | tags)


def _tags(named: dict[str, Any]) -> dict[int, Any]:
    return {int(name[1:]): value for name, value in named.items()}
