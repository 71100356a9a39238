"""The typefaces of the pages, all of free licences, and the Debian packages that bring them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import ImageFont

_DEBIAN = Path("/usr/share/fonts")
_GYRE = Path("/usr/share/texmf/fonts/opentype/public/tex-gyre")
#: The font for simplified Chinese in the files of Noto CJK.
_SIMPLIFIED = 2
#: Brings all that is named below, in one line.
HOW_TO_GET = (
    "apt-get install --no-install-recommends fonts-dejavu-core fonts-dejavu-extra fonts-liberation"
    " fonts-noto-cjk fonts-wqy-microhei fonts-texgyre fonts-crosextra-carlito"
)


@dataclass(frozen=True)
class Typeface:
    """A font file, the kind of letters in it, and whether it writes Chinese."""

    kind: str
    path: Path
    is_chinese: bool = False
    #: Its place in a file of several fonts.
    index: int = 0

    def at(self, size_px: int) -> ImageFont.FreeTypeFont:
        """The font with letters of this many pixels to the em."""
        return _opened(self.path, size_px, self.index)


@cache
def _opened(path: Path, size_px: int, index: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size_px, index)


TYPEFACES = (
    Typeface("serif", _DEBIAN / "truetype/liberation/LiberationSerif-Regular.ttf"),
    Typeface("serif", _DEBIAN / "truetype/dejavu/DejaVuSerif.ttf"),
    Typeface("serif", _GYRE / "texgyrepagella-regular.otf"),
    Typeface("sans", _DEBIAN / "truetype/liberation/LiberationSans-Regular.ttf"),
    Typeface("sans", _DEBIAN / "truetype/dejavu/DejaVuSans.ttf"),
    Typeface("sans", _DEBIAN / "truetype/crosextra/Carlito-Regular.ttf"),
    Typeface("mono", _DEBIAN / "truetype/liberation/LiberationMono-Regular.ttf"),
    Typeface("mono", _DEBIAN / "truetype/dejavu/DejaVuSansMono.ttf"),
    Typeface("condensed", _DEBIAN / "truetype/liberation/LiberationSansNarrow-Regular.ttf"),
    Typeface("condensed", _DEBIAN / "truetype/dejavu/DejaVuSansCondensed.ttf"),
    Typeface(
        "Chinese", _DEBIAN / "opentype/noto/NotoSansCJK-Regular.ttc", is_chinese=True, index=_SIMPLIFIED
    ),
    Typeface(
        "Chinese", _DEBIAN / "opentype/noto/NotoSerifCJK-Regular.ttc", is_chinese=True, index=_SIMPLIFIED
    ),
    Typeface("Chinese", _DEBIAN / "truetype/wqy/wqy-microhei.ttc", is_chinese=True),
)


def missing() -> list[Path]:
    """The font files that this machine lacks."""
    return [face.path for face in TYPEFACES if not face.path.exists()]
