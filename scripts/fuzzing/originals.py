"""A small whole file of every format and variant that is taken, and zips of them."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image

from tests.drawing import Scene

_SIZE = {"width": 60, "height": 40}
#: How each variant is written: its ending, Pillow's mode and format, and the options of its writer.
_VARIANTS: tuple[tuple[str, str, str, Mapping[str, Any]], ...] = (
    ("png", "RGB", "PNG", {}),
    ("png", "RGBA", "PNG", {}),
    ("png", "LA", "PNG", {}),
    ("png", "P", "PNG", {}),
    ("png", "1", "PNG", {}),
    ("png", "I;16", "PNG", {}),
    ("jpg", "RGB", "JPEG", {}),
    ("jpg", "RGB", "JPEG", {"progressive": True}),
    ("jpg", "L", "JPEG", {}),
    ("jpg", "CMYK", "JPEG", {}),
    ("webp", "RGB", "WEBP", {}),
    ("webp", "RGBA", "WEBP", {"lossless": True}),
    ("gif", "P", "GIF", {}),
    ("bmp", "RGB", "BMP", {}),
    ("bmp", "1", "BMP", {}),
    ("tif", "RGB", "TIFF", {}),
    ("tif", "RGB", "TIFF", {"compression": "tiff_lzw"}),
    ("tif", "RGB", "TIFF", {"compression": "jpeg"}),
    ("tif", "1", "TIFF", {"compression": "group4"}),
    ("tif", "F", "TIFF", {}),
    ("tif", "I;16", "TIFF", {}),
    ("avif", "RGB", "AVIF", {}),
)
#: Those that hold several pictures.
_SEVERAL: tuple[tuple[str, str, str], ...] = (
    ("gif", "P", "GIF"),
    ("webp", "RGB", "WEBP"),
    ("png", "RGB", "PNG"),
    ("tif", "L", "TIFF"),
)


def images() -> list[tuple[str, bytes]]:
    """The ending and content of each."""
    return [*_singles(), *_several()]


def zips(contents: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Zips of some of these files, in folders, stored and packed."""
    made = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as archive:
            for number, (ending, content) in enumerate(contents[::4]):
                archive.writestr(f"照片/{number}.{ending}", content)
            archive.writestr("notes.txt", "no image")
            archive.writestr("__MACOSX/._a.png", "litter")
        made.append(("zip", file.getvalue()))
    return made


def _singles() -> Iterator[tuple[str, bytes]]:
    scene = Scene("white", (("red", "circle"), ("blue", "square"))).draw(**_SIZE)
    exif = Image.Exif()
    exif[0x0112] = 6
    for ending, mode, kind, options in _VARIANTS:
        picture = scene.convert("L").convert(mode) if mode.startswith("I;") else scene.convert(mode)
        known = {"exif": exif} if kind in ("JPEG", "PNG", "WEBP", "AVIF") else {}
        yield ending, _encoded(picture, kind, **known, **options)


def _several() -> Iterator[tuple[str, bytes]]:
    frames = [Scene("white", ((color, "circle"),)).draw(**_SIZE) for color in ("red", "green", "blue")]
    for ending, mode, kind in _SEVERAL:
        first, *others = (frame.convert(mode) for frame in frames)
        yield ending, _encoded(first, kind, save_all=True, append_images=others)


def _encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()
