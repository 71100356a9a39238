"""Draws the example images, all of them, the same at every run.

    python examples/make_examples.py [FOLDER]

Needs Pillow, whose own default font writes all Latin text. The Chinese notice needs a font with Chinese
letters: Noto Sans CJK (SIL Open Font License 1.1), `apt-get install fonts-noto-cjk` on Debian; another one
may be named in `CJK_FONT`. Without it the notice is left as it is, and a line says so.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from drawing.documents import CJK_FONT, letter, notice, receipt, slide, table
from drawing.newsletter import newsletter
from drawing.photos import street_sign
from drawing.scans import fax
from drawing.screens import bar_chart, settings_window
from drawing.shapes import shapes
from PIL import Image

#: The EXIF tag that says how to turn an image upright, and its value for "turn by 90° clockwise".
ORIENTATION, TURN_CLOCKWISE = 0x0112, 6

#: Where each picture goes, and what draws it.
PICTURES: dict[str, Callable[[], Image.Image]] = {
    "documents/receipt.jpg": receipt,
    "documents/slide.png": slide,
    "documents/table.webp": table,
    "documents/notice.png": notice,
    "documents/letter.png": letter,
    "documents/two-columns.png": newsletter,
    "charts/ice-cream.png": bar_chart,
    "screens/settings.png": settings_window,
    "photos/street-sign.jpg": street_sign,
    "shapes/red-circle.png": lambda: shapes((400, 400), "white", ("circle", "red")),
    "shapes/blue-square.webp": lambda: shapes((480, 360), "yellow", ("square", "blue")),
    "shapes/two-shapes.jpg": lambda: shapes((640, 400), "white", ("triangle", "green"), ("circle", "orange")),
    "shapes/three-shapes.png": lambda: shapes(
        (800, 360), "black", ("square", "red"), ("triangle", "yellow"), ("circle", "white")
    ),
}
#: The same for files of several pages.
PAGES: dict[str, Callable[[], list[Image.Image]]] = {"documents/fax.tif": fax}


def save(image: Image.Image, path: Path) -> None:
    """Write a picture in the format that its name says; photos lie on their side, as phones store them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.parent.name == "photos":
        exif = Image.Exif()
        exif[ORIENTATION] = TURN_CLOCKWISE
        image.transpose(Image.Transpose.ROTATE_90).save(path, quality=80, exif=exif)
    elif path.suffix == ".png" and path.parent.name != "shapes":
        # Few colors are drawn, so a palette halves the file and nobody sees a difference.
        image.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)
    else:
        image.save(path, quality=88)


def save_pages(pages: list[Image.Image], path: Path) -> None:
    """Write pages into one TIFF, compressed as faxes are."""
    first, *others = pages
    first.save(path, compression="group4", dpi=(150, 150), save_all=True, append_images=others)


def main(folder: Path) -> None:
    """Draw every picture into `folder`."""
    for name, draw in PICTURES.items():
        if draw is notice and not CJK_FONT.exists():
            print(f"{name}: left as it is; there is no font {CJK_FONT} (apt-get install fonts-noto-cjk)")
            continue
        save(draw(), folder / name)
        _say_size(folder, name)
    for name, draw_pages in PAGES.items():
        save_pages(draw_pages(), folder / name)
        _say_size(folder, name)


def _say_size(folder: Path, name: str) -> None:
    print(f"{name}: {(folder / name).stat().st_size // 1024} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
