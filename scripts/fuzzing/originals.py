"""A small whole file of every format and variant in docs/formats.md, and zips of them."""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from jobs.formats import gif, jpeg, png, tiff, webp
from jobs.formats.unread import is_avif, is_heif, is_pdf
from scripts.fuzzing.pdfs import crafted
from tests.files.drawing import Scene
from tests.files.hostile import zipped
from tests.variants.table import VARIANTS

#: Variants that are larger are large on purpose: what is changed in them is seldom what makes the picture.
_MOST_BYTES = 100_000
_SIZE = {"width": 60, "height": 40}
#: How more are written: Pillow's mode and format, and the options of its writer.
_WRITTEN: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("RGB", "PNG", {}),
    ("RGB", "JPEG", {}),
    ("RGB", "JPEG", {"progressive": True}),
    ("RGB", "WEBP", {}),
    ("RGBA", "WEBP", {"lossless": True}),
    ("P", "GIF", {}),
    ("RGB", "BMP", {}),
    ("RGB", "TIFF", {"compression": "jpeg"}),
    ("1", "TIFF", {"compression": "group4"}),
    ("RGB", "AVIF", {}),
)
#: Those that hold several pictures.
_SEVERAL = (("P", "GIF"), ("RGB", "WEBP"), ("RGB", "PNG"), ("L", "TIFF"), ("RGB", "AVIF"))
_ENDINGS = {"JPEG": "jpg", "TIFF": "tif", "HEIC": "heic", "a known other": "bin"}


@dataclass(frozen=True)
class Original:
    """A whole file; `kind` is by what it is counted."""

    kind: str
    content: bytes

    @property
    def ending(self) -> str:
        """How its name ends."""
        return _ENDINGS.get(self.kind, self.kind.lower())


def images() -> list[Original]:
    """All of them; also such as are refused, for those may be damaged into something else.

    PDFs besides that are made to be trouble.
    """
    variants = (variant.make() for kinds in VARIANTS.values() for variant in kinds.values())
    small = (content for content in variants if 0 < len(content) <= _MOST_BYTES)
    return [*map(_original, small), *written(), *map(_original, crafted())]


def written() -> list[Original]:
    """Those of them that an ordinary writer writes, single and several pictures."""
    return [*map(_original, (*_singles(), *_several()))]


def zips(whole: Sequence[Original]) -> list[Original]:
    """Zips of some of these files, in folders, stored and packed."""
    some = {f"照片/{number}.{one.ending}": one.content for number, one in enumerate(whole[::40])}
    others = {"notes.txt": b"no image", "__MACOSX/._a.png": b"litter"}
    ways = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA
    return [Original("zip", zipped(some | others, way)) for way in ways]


def _original(content: bytes) -> Original:
    return Original(kind_of(content), content)


def kind_of(content: bytes) -> str:
    """What a whole file is, by how it begins."""
    kinds = {
        "PNG": content.startswith(png.SIGNATURE),
        "JPEG": content.startswith(jpeg.SIGNATURE),
        "GIF": content.startswith(gif.SIGNATURES),
        "TIFF": tiff.layout_of(content) is not None,
        "WebP": webp.is_webp(content),
        "AVIF": is_avif(content),
        "HEIC": is_heif(content),
        "PDF": is_pdf(content),
        "BMP": content.startswith(b"BM"),
    }
    return next((kind for kind, is_it in kinds.items() if is_it), "a known other")


def _singles() -> Iterator[bytes]:
    scene = Scene("white", (("red", "circle"), ("blue", "square"))).draw(**_SIZE)
    exif = Image.Exif()
    exif[0x0112] = 6
    for mode, kind, options in _WRITTEN:
        known = {"exif": exif} if kind in ("JPEG", "PNG", "WEBP", "AVIF") else {}
        yield _encoded(scene.convert(mode), kind, **known, **options)


def _several() -> Iterator[bytes]:
    frames = [Scene("white", ((color, "circle"),)).draw(**_SIZE) for color in ("red", "green", "blue")]
    for mode, kind in _SEVERAL:
        first, *others = (frame.convert(mode) for frame in frames)
        yield _encoded(first, kind, save_all=True, append_images=others)


def _encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()
