"""What one page is to be, chosen by its number and the seed alone."""

from dataclasses import dataclass
from random import Random

from scripts.ocr_pages.typefaces import TYPEFACES, Typeface

#: A paper's width and height in millimetres, and how often it is drawn.
_PAPERS = ((148, 210), (148, 210), (210, 148), (210, 297))
LAYOUTS = (
    *("prose", "two columns", "three columns", "heading", "table", "mixed", "figure"),
    *("pairs", "chat", "chart"),
)
_DPI = (100, 120, 150, 200, 240, 300)
#: Pixels to the em below which a person does not tell Chinese full stops from commas either.
_LEAST_CHINESE_PX = 15
_INKS = ("black on white",) * 3 + ("faded", "dark")


@dataclass(frozen=True)
class Sheet:
    """A page that is to be drawn; sizes in millimetres, points and dots per inch."""

    number: int
    layout: str
    typeface: Typeface
    paper_mm: tuple[int, int]
    size_pt: int
    dpi: int
    skew_deg: float
    turn_deg: int
    ink: str
    #: The JPEG's quality; None for a picture that loses nothing.
    jpeg: int | None

    @property
    def size_px(self) -> int:
        """Pixels to the em."""
        return round(self.size_pt * self.dpi / 72)

    def px(self, length_mm: float) -> int:
        """A length in pixels."""
        return round(length_mm * self.dpi / 25.4)


def sheet(seed: int, number: int) -> Sheet:
    """The page with this number: layouts and typefaces in turn, all else by chance."""
    rng = Random(f"{seed}/{number}")
    layout, typeface = LAYOUTS[number % len(LAYOUTS)], TYPEFACES[number % len(TYPEFACES)]
    paper_mm = (210, 148) if layout == "three columns" else rng.choice(_PAPERS)
    size_pt = rng.randrange(9, 15) if layout != "three columns" else rng.randrange(9, 12)
    least = _LEAST_CHINESE_PX if typeface.is_chinese else 0
    return Sheet(
        number=number,
        layout=layout,
        typeface=typeface,
        paper_mm=paper_mm,
        size_pt=size_pt,
        dpi=rng.choice([dpi for dpi in _DPI if size_pt * dpi / 72 >= least]),
        skew_deg=rng.choice((0.0, rng.uniform(-3, 3))),
        turn_deg=rng.choice((0, 0, 0, 90, 180, 270)),
        ink=rng.choice(_INKS),
        jpeg=rng.choice((None, rng.randrange(40, 96), rng.randrange(40, 96))),
    )
