"""All variants by the names they have in docs/formats.md, each with the picture it has to show."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

from tests.files import hostile
from tests.files.pdfs import GREEN, Page, bomb, document, encrypted, going_round, without_pages
from tests.files.tiffs import MASK, REDUCED, Directory, written
from tests.variants import foreign, jpegs, others, pdfs, png, tiffs
from tests.variants.exif import SIDEWAYS_BY
from tests.variants.others import BLACK, WHITE
from tests.variants.picture import BLACK_AND_WHITE, COLOR, GREY, HEIGHT, ON_BLACK, ON_WHITE, WIDTH, encoded
from tests.variants.tiff_blocks import cut_up, endless, flipped

#: How far a picture may be from the right one, as a mean of its samples: packed without loss, and with.
EXACT, NEAR, CLOSE = 1.0, 4.0, 12.0


class Variant(NamedTuple):
    """A file, and the picture it shows."""

    make: Callable[[], bytes]
    shows: Image.Image = COLOR
    #: The most that the picture may differ.
    within: float = EXACT
    #: The rows that are looked at, of those that are there.
    rows: tuple[int, int] | None = None
    #: The page that shows it, and how many there are.
    page: int = 1
    pages: int = 1


def _upper_half() -> Image.Image:
    mask = Image.new("L", COLOR.size)
    mask.paste(255, (0, 0, COLOR.width, HEIGHT // 2))
    return mask


_BIG = b"x" * (3 << 20)
#: The grey picture with its darkest as black and its brightest as white, and with the latter alone.
_STRETCHED = Image.eval(GREY, lambda value: round((value - 10) * 255 / 230))
_WHITE_MOVED = Image.eval(GREY, lambda value: round(value * 255 / 240))
#: The grey picture, half transparent on black paper; grey with an opaque alpha; and from 0 to 1.
_HALF = Image.eval(GREY, lambda value: round(value / 2))
_GREY_ALPHA = np.dstack([np.asarray(GREY), np.full((HEIGHT, WIDTH), 255, dtype=np.uint8)])
_FRACTIONS = (np.asarray(GREY)[..., None] / 255).astype("f4")
#: The picture with its lower half black.
_HALF_THERE = Image.composite(COLOR, Image.new("RGB", COLOR.size), _upper_half())
_BLANK = Image.new("RGB", COLOR.size, "white")
_BLANK_GREY = Image.new("L", COLOR.size, "white")
_BLANK_LOWER = Image.composite(GREY, _BLANK_GREY, _upper_half())


def _written(*images: tuple[Image.Image, int], last: int | None = None) -> bytes:
    return written([Directory(image, kind) for image, kind in images], last=last)


def _pages(last: int | None = None) -> bytes:
    """Three pages, of which the second shows the picture."""
    return _written((_BLANK_GREY, 0), (GREY, 0), (_BLANK_GREY, 0), last=last)


def _fax() -> bytes:
    """Three pages, of which the last shows the picture."""
    others = [_BLANK_GREY.convert("1"), BLACK_AND_WHITE.convert("1")]
    return encoded(others[0], "TIFF", compression="group4", save_all=True, append_images=others)


PNG = {
    "Grey, 8 bits": Variant(lambda: encoded(GREY, "PNG"), GREY),
    "Grey, 1 bit": Variant(lambda: png.grey_few(1), BLACK_AND_WHITE),
    "Grey, 2 or 4 bits": Variant(lambda: png.grey_few(2), BLACK_AND_WHITE),
    "Grey, 16 bits": Variant(png.grey16, GREY),
    "Grey, 16 bits of which 12 are used": Variant(lambda: png.grey16(4095), GREY),
    "Grey, 16 bits of which 10 are used": Variant(lambda: png.grey16(1023), GREY),
    "Grey, 16 bits of which 12 are used, and broken pixels": Variant(png.grey16_hot, GREY),
    "Grey, 16 bits, sBIT says 12, written low": Variant(lambda: png.grey16_said(12, 4095), GREY),
    "Grey, 16 bits, sBIT says 12, written high": Variant(lambda: png.grey16_said(12, 65535), GREY),
    "Grey and alpha, 16 bits": Variant(png.grey_alpha16, GREY),
    "Grey and alpha, 16 bits of which 12 are used": Variant(lambda: png.grey_alpha16(4095), GREY),
    "Color, 8 bits": Variant(lambda: encoded(COLOR, "PNG")),
    "Color, 16 bits": Variant(png.color16),
    "Color, 16 bits of which 12 are used": Variant(lambda: png.color16(4095)),
    "Color and alpha, 16 bits": Variant(png.color_alpha16),
    "Color and alpha, 16 bits of which 12 are used": Variant(lambda: png.color_alpha16(4095)),
    "Palette, 8 or 4 bits": Variant(lambda: png.palette(16)),
    "Interlaced": Variant(png.interlaced),
    "Orientation in eXIf": Variant(lambda: png.turned([png.chunk(b"eXIf", SIDEWAYS_BY["good"])])),
    "Orientation in a text, as ImageMagick writes it": Variant(
        lambda: png.turned([png.exif_text(SIDEWAYS_BY["good"], packed=True)])
    ),
    "Texts of megabytes, thousands of them": Variant(
        lambda: png.beside(
            png.chunk(b"tEXt", b"Comment\0" + _BIG), *(png.chunk(b"tEXt", b"k\0v") for _ in range(3000))
        )
    ),
    "A chunk beside the picture with a wrong checksum, too short, or no sense": Variant(
        lambda: png.beside(
            png.chunk(b"pHYs", bytes(9), 12345),
            png.chunk(b"gAMA", b"\0"),
            png.chunk(b"iCCP", b"icc\0\0notzlib"),
            png.chunk(b"tIME", b""),
            png.chunk(b"eXIf", b"junk"),
        )
    ),
    "Animated (APNG)": Variant(png.animated),
    "Without IEND": Variant(lambda: encoded(COLOR, "PNG")[:-12]),
    "Something behind IEND": Variant(lambda: encoded(COLOR, "PNG") + b"<?php" * 100),
    "Cut short, most rows are there": Variant(lambda: png.cut(0.8), rows=(0, 50)),
    "Fewer rows packed than the header says": Variant(png.short, rows=(0, HEIGHT - 10)),
    "Cut short, few rows are there": Variant(lambda: png.cut(0.3)),
    "Interlaced and cut short": Variant(lambda: others.cut(png.interlaced(), 0.8)),
    "Damaged pixels": Variant(lambda: png.damaged(40)),
    "Palette missing": Variant(lambda: png.png((8, 3), png.rows_of(np.asarray(GREY)))),
    "Palette damaged, of a picture that is not in a palette": Variant(
        lambda: png.beside(png.chunk(b"PLTE", b"\0\0\0", 12345))
    ),
    "Palette damaged, of a picture in a palette": Variant(
        lambda: png.png((8, 3), png.rows_of(np.asarray(GREY)), png.chunk(b"PLTE", bytes(768), 12345))
    ),
    "A chunk before the pixels whose name is not made of letters": Variant(
        lambda: png.beside(png.chunk(b"\0\1\2\3", b"x"))
    ),
    "Rewritten by Xcode (CgBI)": Variant(
        lambda: png.SIGNATURE + png.chunk(b"CgBI", bytes(4)) + encoded(COLOR, "PNG")[8:]
    ),
}
JPEG = {
    "Color": Variant(jpegs.jpeg, within=NEAR),
    "Grey": Variant(lambda: jpegs.jpeg(GREY, subsampling=-1), GREY, NEAR),
    "Progressive": Variant(lambda: jpegs.jpeg(progressive=True), within=NEAR),
    "Restarts": Variant(lambda: jpegs.jpeg(restart_marker_rows=1), within=NEAR),
    "Printing colors (CMYK), inverted by Adobe": Variant(jpegs.cmyk, within=NEAR),
    "Printing colors (CMYK), without Adobe's marker": Variant(
        lambda: jpegs.without_marks(jpegs.cmyk()), within=NEAR
    ),
    "Printing colors as YCCK": Variant(jpegs.ycck, within=NEAR),
    "Several pictures in one, as phones write them (MPO)": Variant(jpegs.of_a_phone, within=NEAR),
    "Orientation in EXIF, other tags damaged": Variant(
        lambda: jpegs.turned(SIDEWAYS_BY["a directory outside"]), within=NEAR
    ),
    "EXIF that cannot be read": Variant(
        lambda: jpegs.with_segments(jpegs.segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff")), within=NEAR
    ),
    "Profiles and texts that make no sense": Variant(
        lambda: jpegs.with_segments(
            jpegs.segment(0xE2, b"ICC_PROFILE\0\1\7junk"),
            jpegs.segment(0xE2, b"MPF\0junk"),
            jpegs.segment(0xED, b"Photoshop 3.0\x008BIM"),
            jpegs.segment(0xFE, b"\xff" * 9),
        ),
        within=NEAR,
    ),
    "Something behind the end marker": Variant(lambda: jpegs.jpeg() + b"\0junk" * 99, within=NEAR),
    "End marker missing": Variant(jpegs.without_end, within=NEAR),
    "Last rows missing": Variant(lambda: jpegs.cut(0.9), within=NEAR, rows=(0, 40)),
    "Last rows missing, and an end marker": Variant(
        lambda: jpegs.cut(0.9) + b"\xff\xd9", within=NEAR, rows=(0, 40)
    ),
    "Last rows never written (zeros)": Variant(
        lambda: jpegs.cut(0.9) + bytes(5000), within=NEAR, rows=(0, 40)
    ),
    "Few rows are there": Variant(lambda: jpegs.cut(0.3)),
    "Progressive, the last passes missing": Variant(lambda: jpegs.cut(0.9, progressive=True), within=CLOSE),
    "Progressive, the first passes cut": Variant(lambda: jpegs.cut(0.2, progressive=True)),
    "Progressive, the last passes cut, and an end marker": Variant(
        lambda: jpegs.cut(0.9, progressive=True) + b"\xff\xd9", within=CLOSE
    ),
    "Progressive, the first passes cut, and an end marker": Variant(
        lambda: jpegs.cut(0.2, progressive=True) + b"\xff\xd9"
    ),
    "Progressive, a pass missing as a whole": Variant(jpegs.without_last_pass, within=CLOSE),
    "Damaged within: bytes changed, zeroed or lost": Variant(jpegs.damaged, within=NEAR, rows=(0, 16)),
    "Damaged so that its markers make no sense": Variant(
        lambda: jpegs.cut(0.5) + jpegs.segment(0xC5, bytes(9)) + jpegs.cut(0.9)
    ),
    "12 bits a sample": Variant(jpegs.twelve_bits),
}
TIFF = {
    "Color, uncompressed, LZW, deflate, PackBits": Variant(lambda: tiffs.pillow(compression="tiff_lzw")),
    "Color, JPEG inside": Variant(lambda: tiffs.pillow(compression="jpeg", quality=95), within=NEAR),
    "Color, JPEG inside, in YCbCr where the TIFF says RGB": Variant(
        lambda: tiffs.color_jpegs(2), within=NEAR
    ),
    "Color, JPEG inside, in RGB where the TIFF says YCbCr": Variant(
        lambda: tiffs.color_jpegs(6, keep_rgb=True), within=NEAR
    ),
    "Color, JPEG inside, damaged within": Variant(tiffs.damaged_jpeg, within=NEAR, rows=(0, 16)),
    "Color, JPEG inside, of very many passes": Variant(lambda: tiffs.jpeg_of_passes(200)),
    "Color, JPEG inside, as before 1995 (compression 6)": Variant(lambda: tiffs.color8(_259=6)),
    "Black and white, fax (G3, G4)": Variant(
        lambda: tiffs.pillow(BLACK_AND_WHITE.convert("1"), "group4"), BLACK_AND_WHITE
    ),
    "Black and white, fax, either end of a byte first, rows told by those above": Variant(
        lambda: tiffs.fax("group3", tiffinfo={266: 2, 292: 1}), BLACK_AND_WHITE
    ),
    "Black and white, fax, cut short, most rows are there": Variant(
        lambda: tiffs.cut_fax("group4", 0.9), BLACK_AND_WHITE, rows=(0, 50)
    ),
    "Black and white, fax, cut short, few rows are there": Variant(lambda: tiffs.cut_fax("group3", 0.3)),
    "Black and white, fax, damaged": Variant(lambda: tiffs.damaged_fax("group4")),
    "Black and white, fax (G3), some rows damaged": Variant(
        lambda: tiffs.damaged_fax("group3"), BLACK_AND_WHITE, within=NEAR
    ),
    "Black and white, fax (G3), most rows damaged": Variant(lambda: tiffs.damaged_fax("group3", share=0.7)),
    "Black and white, fax, rows missing at its end": Variant(tiffs.short_fax),
    "Black and white, fax, more than 10,000,000 runs": Variant(tiffs.fax_of_many_runs),
    "Black and white, in runs of whole words (32771)": Variant(lambda: tiffs.fax("tiff_raw_16")),
    "Grey, 8 bits": Variant(lambda: tiffs.pillow(GREY), GREY),
    "Grey, 8 bits with a sign": Variant(lambda: tiffs.grey("<i1", 0, 127), GREY, NEAR),
    "Grey, 9 to 15 bits": Variant(lambda: tiffs.grey_packed(12), GREY),
    "Grey, 9 to 15 bits, other end first": Variant(lambda: tiffs.grey_packed(10, ">"), GREY),
    "Grey, 16 bits": Variant(lambda: tiffs.grey("<u2", 0, 65535), GREY),
    "Grey, 16 bits, other end first": Variant(lambda: tiffs.grey(">u2", 0, 65535), GREY),
    "Grey, 16 bits of which 12 or 14 are used": Variant(lambda: tiffs.grey("<u2", 0, 4095), GREY),
    "Grey, 16 bits with a sign": Variant(lambda: tiffs.grey("<i2", -1000, 3000), _STRETCHED, NEAR),
    "Grey, 32 bits": Variant(lambda: tiffs.grey("<u4", 0, 4294967295), GREY),
    "Grey, lowest is white": Variant(tiffs.white_is_zero, GREY),
    "Grey and alpha, 16 bits": Variant(tiffs.grey_alpha16, GREY),
    "Grey and alpha, 16 bits, multiplied with it": Variant(
        lambda: tiffs.premultiplied(GREY, 0.5, 65535), _HALF
    ),
    "Color and alpha, 16 bits of which 12 are used, multiplied with it": Variant(
        lambda: tiffs.premultiplied(COLOR, 1, 4095)
    ),
    "Grey and alpha, each channel for itself": Variant(
        lambda: cut_up(_GREY_ALPHA, is_planar=True, tags={338: 2}), GREY
    ),
    "Fractions of 16, 32 or 64 bits, 0 to 1": Variant(lambda: tiffs.grey("<f8", 0, 1), GREY),
    "Fractions, 0 to 255": Variant(lambda: tiffs.grey("<f4", 0, 255), GREY),
    "Fractions of 32 bits, packed, other end first": Variant(lambda: cut_up(_FRACTIONS, order=">"), GREY),
    "Fractions of another range": Variant(lambda: tiffs.grey("<f4", 0, 0.02), _WHITE_MOVED, NEAR),
    "Fractions, some of them no numbers or far too large": Variant(
        lambda: tiffs.fractions_with(0, 1, float("nan"), float("inf"), 1e30), GREY
    ),
    "Color, 12 bits a sample": Variant(lambda: tiffs.color_packed(12)),
    "Color, 16 bits a sample": Variant(tiffs.color16),
    "Color, 16 bits of which 12 are used": Variant(lambda: tiffs.color16(4095)),
    "Color, 16 bits a sample, each channel for itself": Variant(
        lambda: cut_up(np.asarray(COLOR).astype("u2") * 257, is_planar=True)
    ),
    "Color, and a fourth sample that nothing says to be alpha": Variant(lambda: tiffs.with_zeros(COLOR)),
    "Grey, and a second sample that nothing says to be alpha": Variant(lambda: tiffs.with_zeros(GREY), GREY),
    "Grey of 16 bits, and a second sample that nothing says to be alpha": Variant(
        lambda: tiffs.with_zeros(GREY, 16), GREY
    ),
    "Color, and further samples that nothing says to be alpha, 16 bits": Variant(
        lambda: cut_up(np.dstack([np.asarray(COLOR), np.zeros((HEIGHT, WIDTH, 2))]).astype("u2") * 257)
    ),
    "Differences in place of samples (predictors 2 and 3)": Variant(
        lambda: cut_up(_FRACTIONS, predictor=3, across=32), GREY
    ),
    "Differences in place of samples, grey and alpha of 16 bits": Variant(
        lambda: cut_up(_GREY_ALPHA.astype("u2") * 257, predictor=2, tags={338: 2}), GREY
    ),
    "Strips or tiles that are not stored, as GDAL writes what is empty": Variant(
        lambda: cut_up(np.asarray(COLOR), missing=[2, 3]), _HALF_THERE
    ),
    "The same, and a value that stands for no data": Variant(
        lambda: cut_up(np.asarray(_BLANK_LOWER)[..., None], missing=[2, 3], tags={42113: b"255"}),
        _BLANK_LOWER,
    ),
    "Strips or tiles of which none is stored": Variant(lambda: cut_up(np.asarray(COLOR), missing=range(4))),
    "Deflate, damaged": Variant(lambda: flipped(cut_up(np.asarray(COLOR)), 40)),
    "Deflate, its end missing in a file that is all there": Variant(lambda: endless(np.asarray(COLOR))),
    "Palette": Variant(lambda: tiffs.pillow(COLOR.quantize(16, dither=Image.Dither.NONE))),
    "Palette of 8 bits a sample instead of 16": Variant(tiffs.shallow_palette, GREY),
    "YCbCr, with colors for every pixel": Variant(lambda: tiffs.ycbcr(_530=(3, 2, b"\1\0\1\0")), within=NEAR),
    "YCbCr, with colors for every 2 × 2 pixels, and no JPEG inside": Variant(tiffs.ycbcr),
    "Printing colors (CMYK)": Variant(lambda: tiffs.pillow(COLOR.convert("CMYK")), within=NEAR),
    "Lab": Variant(tiffs.lab, within=CLOSE),
    "BigTIFF": Variant(tiffs.big, GREY),
    "Orientation": Variant(tiffs.turned),
    "Orientation, other tags damaged": Variant(
        lambda: tiffs.turned(_34665=99999, _282=(3, 2, b"\1\0\2\0"), _700=(1, 1 << 30, b"\0\0\0\xff"))
    ),
    "Cut short, most rows are there": Variant(lambda: tiffs.cut(0.8), rows=(0, 50)),
    "Cut short, few rows are there": Variant(lambda: tiffs.cut(0.3)),
    "Cut short, in one strip that is packed": Variant(
        lambda: others.cut(cut_up(np.asarray(COLOR), down=HEIGHT), 0.9)
    ),
    "Directory missing": Variant(lambda: others.cut(tiffs.pillow(compression="tiff_lzw"), 0.8)),
    "Several pages": Variant(_pages, GREY, page=2, pages=3),
    "Several pages, fax": Variant(_fax, BLACK_AND_WHITE, page=3, pages=3),
    "Small versions and masks beside the page": Variant(
        lambda: _written(
            *((_BLANK_GREY, REDUCED), (_BLANK_GREY, MASK), (GREY, 0), (_BLANK_GREY, MASK | REDUCED))
        ),
        GREY,
    ),
    "A chain of pages that goes round": Variant(lambda: _pages(last=-1), GREY, page=2, pages=3),
    "A later page that is missing": Variant(lambda: _pages(last=2**31)),
    "Complex numbers": Variant(tiffs.complex_numbers),
    "Grey, 9 to 15 bits, in tiles": Variant(tiffs.tiled_12_bits, GREY),
}
OTHERS = {
    "GIF": Variant(others.gif),
    "GIF, animated": Variant(lambda: others.animated("GIF"), within=CLOSE),
    "GIF without its last byte": Variant(lambda: others.gif()[:-1]),
    "GIF, cut short, most rows are there": Variant(
        lambda: others.cut(others.gif(interlace=0), 0.95), rows=(0, 32)
    ),
    "GIF, cut short, few rows are there": Variant(lambda: others.cut(others.gif(interlace=0), 0.6)),
    "BMP": Variant(lambda: encoded(COLOR, "BMP")),
    "BMP with alpha": Variant(lambda: others.bmp_alpha(255)),
    "BMP packed as runs (RLE)": Variant(lambda: others.bmp_runs(GREY), GREY),
    "BMP packed as runs, cut short": Variant(lambda: others.cut(others.bmp_runs(GREY), 0.95)),
    "BMP packed as runs, fewer rows than its header says": Variant(lambda: others.bmp_runs(GREY, rows=60)),
    "BMP with colors at unusual bits, or more than 8 bits a sample": Variant(
        lambda: others.bmp_masked(0x3FF00000, 0xFFC00, 0x3FF)
    ),
    "BMP with a JPEG or a PNG inside": Variant(lambda: others.bmp_masked(compression=4)),
    "BMP with alpha that was never written": Variant(lambda: others.bmp_alpha(0)),
    "BMP, cut short, most rows are there": Variant(
        lambda: others.cut(encoded(COLOR, "BMP"), 0.8), rows=(14, 64)
    ),
    "BMP, cut short, few rows are there": Variant(lambda: others.cut(encoded(COLOR, "BMP"), 0.3)),
    "WebP, with or without loss": Variant(lambda: encoded(COLOR, "WEBP", quality=95), within=CLOSE),
    "WebP, animated": Variant(lambda: others.animated("WEBP", lossless=True)),
    "WebP, orientation": Variant(lambda: others.turned("WEBP", lossless=True)),
    "WebP, cut short": Variant(lambda: others.cut(encoded(COLOR, "WEBP"), 0.9)),
    "AVIF": Variant(lambda: encoded(COLOR, "AVIF", quality=95), within=CLOSE),
    "AVIF, a sequence": Variant(lambda: others.animated("AVIF", quality=95), within=CLOSE),
    "AVIF, orientation": Variant(lambda: others.turned("AVIF", quality=95), within=CLOSE),
    "AVIF, cut short": Variant(lambda: others.cut(encoded(COLOR, "AVIF"), 0.9)),
    "AVIF, its end never written (zeros)": Variant(lambda: others.unfilled(encoded(COLOR, "AVIF"), 66)),
    "HEIC": Variant(lambda: others.heic("plain")),
    "HEIC, grey": Variant(lambda: others.heic("grey"), GREY),
    "HEIC, 10 bits": Variant(lambda: others.heic("ten_bits")),
    "HEIC, grey, 10 bits": Variant(lambda: others.heic("grey_ten_bits"), GREY),
    "HEIC, orientation": Variant(lambda: others.heic("turned")),
    "HEIC, several pictures": Variant(lambda: others.heic("several")),
    "HEIC, cut short": Variant(lambda: others.cut(others.heic("plain"), 0.9)),
    "HEIC, its end never written (zeros)": Variant(
        lambda: others.unfilled(others.heic("plain"), 150), rows=(0, 32)
    ),
    "HEIC, most of it never written (zeros)": Variant(lambda: others.unfilled(others.heic("plain"), 1000)),
}
TRANSPARENCY = {
    "Dark lettering on nothing": Variant(lambda: others.see_through("PNG", BLACK), ON_WHITE),
    "Light lettering on nothing": Variant(lambda: others.see_through("PNG", WHITE), ON_BLACK),
    "The same in a palette": Variant(lambda: png.palette_see_through(WHITE), ON_BLACK, NEAR),
    "The same in a palette, dark": Variant(lambda: png.palette_see_through(BLACK), ON_WHITE, NEAR),
    "The same as one color of grey, 1 to 8 bits": Variant(lambda: png.grey_see_through(2), ON_WHITE),
    "The same as one color of grey, 16 bits": Variant(png.grey16_see_through, ON_WHITE),
    "The same as one color": Variant(lambda: png.color_see_through(8), ON_BLACK),
    "The same as one color of 16 bits a sample": Variant(lambda: png.color_see_through(16), ON_BLACK),
    "Light lettering on nothing, WebP": Variant(lambda: others.see_through("WEBP", lossless=True), ON_BLACK),
    "Light lettering on nothing, TIFF": Variant(lambda: others.see_through("TIFF"), ON_BLACK),
    "Light lettering on nothing, AVIF": Variant(
        lambda: others.see_through("AVIF", quality=95), ON_BLACK, CLOSE
    ),
    "Light lettering on nothing, HEIC": Variant(lambda: others.heic("alpha"), ON_BLACK),
    "Nothing at all": Variant(lambda: encoded(Image.new("RGBA", COLOR.size, (9, 9, 9, 0)), "PNG"), _BLANK),
}
REFUSED = {
    "Canon CR2": Variant(foreign.cr2),
    "Canon CR3": Variant(lambda: foreign.mp4(b"crx ", b"crx ", b"isom")),
    "Canon CRW": Variant(lambda: foreign.begins(b"II\x1a\0\0\0HEAPCCDR")),
    "Nikon NEF, Sony ARW, Pentax PEF, Samsung SRW and others that are TIFFs inside": Variant(
        lambda: tiffs.raw("NIKON CORPORATION")
    ),
    "DNG": Variant(foreign.dng),
    "A TIFF with a sensor's colors": Variant(foreign.mosaic),
    "Fujifilm RAF": Variant(lambda: foreign.begins(b"FUJIFILMCCD-RAW 0201")),
    "Olympus ORF": Variant(lambda: foreign.begins(b"IIRO\x08\0\0\0")),
    "Panasonic RW2": Variant(lambda: foreign.begins(b"IIU\0\x18\0\0\0")),
    "Sigma X3F, Minolta MRW, Phase One IIQ": Variant(lambda: foreign.begins(b"FOVb")),
    "Photoshop PSD, PSB": Variant(lambda: foreign.begins(b"8BPS\0\1")),
    "GIMP XCF": Variant(lambda: foreign.begins(b"gimp xcf v011\0")),
    "PostScript, EPS": Variant(lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n"),
    "DjVu": Variant(lambda: foreign.begins(b"AT&TFORM")),
    "SVG": Variant(lambda: hostile.SVG),
    "Videos: MP4, QuickTime, AVI, Matroska, WebM": Variant(lambda: foreign.mp4(b"qt  ")),
    "JPEG XL": Variant(lambda: foreign.begins(b"\xff\x0a")),
    "JPEG 2000": Variant(foreign.jpeg2000),
    "ICO, CUR, ICNS": Variant(foreign.icon),
    "OpenEXR, Radiance HDR, FITS, DICOM": Variant(foreign.dicom),
    "An office document, a zip under another name": Variant(foreign.pages_of_office),
    "HTML, text, anything else": Variant(lambda: hostile.HTML),
    "An empty file": Variant(lambda: b""),
}
#: A page that has the picture's size, and what it shows.
_SIDES = (WIDTH * 72 / 150, HEIGHT * 72 / 150)
_HALF_GREEN = Image.new("RGB", COLOR.size, "white")
_HALF_GREEN.paste((0, 255, 0), (0, 0, WIDTH // 2, HEIGHT))
PDF = {
    "A picture on a page": Variant(pdfs.flate),
    "A picture on a page, grey": Variant(lambda: pdfs.flate(GREY), GREY),
    "A picture on a page, JPEG inside": Variant(pdfs.jpeg, within=NEAR),
    "A picture on a page, JPEG 2000 inside": Variant(pdfs.jpeg2000),
    "A picture on a page, CCITT Group 4 inside": Variant(pdfs.group4, BLACK_AND_WHITE),
    "A picture on a page, CCITT Group 3 inside": Variant(pdfs.group3, BLACK_AND_WHITE),
    "A picture on a page, JBIG2 inside": Variant(pdfs.jbig2, BLACK_AND_WHITE),
    "A page that lies on its side": Variant(pdfs.turned),
    "A page that lies on its head": Variant(lambda: pdfs.turned(180)),
    "A page that is a part of its sheet": Variant(pdfs.cropped),
    "A stamp or another note on a page": Variant(pdfs.beside),
    "A field of a form, filled in": Variant(pdfs.filled_in),
    "A box of a form, ticked": Variant(pdfs.ticked),
    "A page with nothing on it": Variant(pdfs.empty, _BLANK),
    "Several pages": Variant(pdfs.second_of_three, page=2, pages=3),
    "Something before its beginning": Variant(lambda: b"\x1b%-12345X@PJL\r\n" + pdfs.flate()),
    "Something behind its end": Variant(lambda: pdfs.flate() + b"\0junk" * 99),
    "Its list of objects wrong": Variant(lambda: pdfs.flate().replace(b"startxref\n", b"startxref\n9")),
    "End marker missing": Variant(lambda: pdfs.flate().removesuffix(b"%%EOF\n")),
    "Encrypted, and opens without a password": Variant(
        lambda: encrypted(b"", Page(GREEN, sides=_SIDES)), _HALF_GREEN
    ),
    "Encrypted with a password": Variant(lambda: encrypted(b"secret")),
    "Cut short": Variant(lambda: others.cut(pdfs.flate(), 0.6)),
    "No pages": Variant(without_pages),
    "Pages that are their own parents": Variant(going_round),
    "A page that is missing": Variant(lambda: document().replace(b"4 0 obj", b"9 0 obj")),
    "A page that takes more memory than 1 GiB, or more time than 30 s of CPU": Variant(bomb),
}
#: By the headings of docs/formats.md.
VARIANTS = {
    "PNG": PNG,
    "JPEG": JPEG,
    "TIFF": TIFF,
    "GIF, BMP, WebP, AVIF, HEIC": OTHERS,
    "PDF": PDF,
    "Transparency": TRANSPARENCY,
    "Known, and not read": REFUSED,
}
