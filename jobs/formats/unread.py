"""Kinds of files that are known and not read: each refusal says what the file is, and what to do instead.

A camera's raw file is often a TIFF, whose first image is a small preview: an answer about that would be
wrong without anybody noticing.
"""

from typing import IO

from jobs.contract.errors import ImageRejected
from jobs.formats import gif, jpeg, png, tiff
from jobs.formats.images import unsupported_format

#: Bytes of a file's beginning that are looked at.
_HEAD_BYTES = 1024
_EXPORT = "Export it as JPEG, and send that"
_EXPORT_RAW = "Export it as JPEG with the camera's program or a photo editor, and send that"
_EXPORT_PNG = "Export it as PNG, and send that"
_EXPORT_PAGES = "Export its pages as PNG or TIFF, and send those"
_SEND_PICTURES = "Send pictures of it instead"

#: What files are that begin like this, and what to do.
_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"8BPS\0\1", "a Photoshop file (PSD)", _EXPORT_PNG),
    (b"8BPS\0\2", "a large Photoshop file (PSB)", _EXPORT_PNG),
    (b"FUJIFILMCCD-RAW", "a camera's raw file (Fujifilm RAF)", _EXPORT_RAW),
    (b"IIU\0", "a camera's raw file (Panasonic RW2)", _EXPORT_RAW),
    (b"IIRO", "a camera's raw file (Olympus ORF)", _EXPORT_RAW),
    (b"IIRS", "a camera's raw file (Olympus ORF)", _EXPORT_RAW),
    (b"MMOR", "a camera's raw file (Olympus ORF)", _EXPORT_RAW),
    (b"II\x1a\0\0\0HEAPCCDR", "a camera's raw file (Canon CRW)", _EXPORT_RAW),
    (b"\0MRM", "a camera's raw file (Minolta MRW)", _EXPORT_RAW),
    (b"FOVb", "a camera's raw file (Sigma X3F)", _EXPORT_RAW),
    (b"IIII", "a camera's raw file (Phase One IIQ)", _EXPORT_RAW),
    (b"%!PS", "a PostScript document", _EXPORT_PAGES),
    (b"\xc5\xd0\xd3\xc6", "an EPS drawing", _EXPORT_PNG),
    (b"AT&TFORM", "a DjVu document", _EXPORT_PAGES),
    (b"gimp xcf", "a GIMP file (XCF)", _EXPORT_PNG),
    (b"\xff\x0a", "a JPEG XL picture", _EXPORT),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture", _EXPORT),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture", _EXPORT),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture", _EXPORT),
    (b"\0\0\1\0", "an icon (ICO)", _EXPORT_PNG),
    (b"\0\0\2\0", "a mouse pointer (CUR)", _EXPORT_PNG),
    (b"icns", "an icon (ICNS)", _EXPORT_PNG),
    (b"v/1\1", "an OpenEXR picture", _EXPORT_PNG),
    (b"#?RADIANCE", "a Radiance picture (HDR)", _EXPORT_PNG),
    (b"SIMPLE  =", "a FITS file", _EXPORT_PNG),
    (b"\x8aMNG\r\n\x1a\n", "an MNG animation", _EXPORT_PNG),
    (b"\x1aE\xdf\xa3", "a video (Matroska or WebM)", _SEND_PICTURES),
    (b"FLV\1", "a video (Flash)", _SEND_PICTURES),
    (b"\0\0\1\xba", "a video (MPEG)", _SEND_PICTURES),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a video (Windows Media)", _SEND_PICTURES),
    (b"PK\3\4", "a zip archive or an office document", "Send what is in it; name a zip .zip"),
    (b"Rar!\x1a\7", "an archive (RAR)", "Unpack it, and send what is in it"),
    (b"7z\xbc\xaf\x27\x1c", "an archive (7z)", "Unpack it, and send what is in it"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document", _EXPORT_PAGES),
)
#: Brands of the container that HEIF and AVIF share with videos.
_HEIF_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_RAW_BRANDS = frozenset({b"crx "})
#: What colors are called in a raw file: a filter's mosaic, and the sensor's own.
_RAW_COLORS = frozenset({32803, 34892})
_PREVIEW = 1
#: How others begin, which is not enough to tell them by.
_SHORT_SIGNATURES = (b"RIFF", b"BM")
#: How a PDF begins.
_PDF = b"%PDF-"
#: How the formats begin that are read and have a signature of their own, long enough to tell.
_SIGNATURES = (png.SIGNATURE, jpeg.SIGNATURE, *gif.SIGNATURES)


def check_kind(file: IO[bytes]) -> None:
    """Raises ImageRejected (`unsupported_format`) for a kind of file that is known and not read."""
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    for beginning, what, remedy in _BEGINNINGS:
        if head.startswith(beginning):
            raise unsupported_format(what, remedy)
    if brands := brands_of(head):
        _check_brands(brands)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        raise unsupported_format("a video (AVI)", _SEND_PICTURES)
    if head[128:132] == b"DICM":
        raise unsupported_format("a DICOM file", _EXPORT_PNG)
    if b"<svg" in head.lower() and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise unsupported_format("an SVG drawing", _EXPORT_PNG)
    if layout := tiff.layout_of(head):
        _check_raw(file, head, layout)


def begins_as_image(head: bytes) -> bool:
    """True for what begins as one of the formats that are read."""
    return head.startswith(_SIGNATURES) or bool(tiff.layout_of(head)) or is_avif(head) or is_heif(head)


def brands_of(head: bytes) -> frozenset[bytes]:
    """The brands by which an MP4, HEIF or AVIF names itself; none for other files."""
    if head[4:8] != b"ftyp":
        return frozenset()
    end = max(16, min(len(head), int.from_bytes(head[:4], "big")))
    return frozenset({head[8:12], *(head[n : n + 4] for n in range(16, end - 3, 4))})


def is_avif(head: bytes) -> bool:
    """True for what begins as an AVIF picture or sequence."""
    return bool(brands_of(head) & _AVIF_BRANDS)


def is_pdf(head: bytes) -> bool:
    """True for a PDF, before whose beginning printers and mail programs may have put something of theirs."""
    is_other = begins_as_image(head) or head.startswith(_SHORT_SIGNATURES)
    return _PDF in head[:_HEAD_BYTES] and not is_other


def is_heif(head: bytes) -> bool:
    """True for what begins as a HEIF or HEIC picture or sequence."""
    brands = brands_of(head)
    return bool(brands & _HEIF_BRANDS) and not brands & _AVIF_BRANDS


def _check_brands(brands: frozenset[bytes]) -> None:
    if brands & _RAW_BRANDS:
        raise unsupported_format("a camera's raw file (Canon CR3)", _EXPORT_RAW)
    if not brands & (_HEIF_BRANDS | _AVIF_BRANDS):
        raise unsupported_format("a video (MP4 or QuickTime)", _SEND_PICTURES)


def _check_raw(file: IO[bytes], head: bytes, layout: tiff.Layout) -> None:
    """Raises ImageRejected for a TIFF that is a camera's raw file."""
    if head[8:10] == b"CR":
        raise _raw("Canon CR2")
    directory = tiff.first_directory(file, layout)
    if tiff.DNG_VERSION in directory:
        raise _raw("DNG")
    make = directory.text(tiff.MAKE)
    is_preview = bool(directory.number(tiff.SUBFILE_KIND) & _PREVIEW)
    if (is_preview and make) or _has_raw_colors(file, directory):
        raise _raw(make or "of a kind that is a TIFF inside")


def _has_raw_colors(file: IO[bytes], directory: tiff.Directory) -> bool:
    if directory.number(tiff.PHOTOMETRIC) in _RAW_COLORS:
        return True
    for place in directory.numbers(tiff.SUB_DIRECTORIES)[:16]:
        try:
            below = tiff.directory_at(file, directory.layout, place)
        except ImageRejected:
            continue
        if below.number(tiff.PHOTOMETRIC) in _RAW_COLORS:
            return True
    return False


def _raw(kind: str) -> ImageRejected:
    return unsupported_format(f"a camera's raw file ({kind})", _EXPORT_RAW)
