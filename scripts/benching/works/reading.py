"""Pages of the quality set by `ocr`, beside RapidOCR alone on the same pages, with as many threads."""

from collections.abc import Iterator
from itertools import count

from scripts.benching.found import Found
from scripts.benching.options import Options
from scripts.benching.works.work import Work
from scripts.ocr_pages.runs import Run, read_page
from scripts.ocr_pages.sheets import sheet

_SEED = 1


def measure(options: Options) -> Iterator[Found]:
    """Each page by both; other pages each round, of those whose typefaces are here."""
    each = options.of(6, 1)
    numbers = _drawable()
    given = Run(pages=0, first=0, seed=_SEED, processes=1, compare_every=1, keep=None, write=False)
    # The first only loads both.
    read_page(given, next(numbers))
    ratios, page_s = [], []
    for _ in range(options.rounds):
        ours = alone = 0.0
        for _ in range(each):
            outcome = read_page(given, next(numbers))
            assert outcome.plain
            ours, alone = ours + outcome.ours.seconds, alone + outcome.plain.seconds
        ratios.append(alone / ours)
        page_s.append(ours / each)
    yield Found("a page by `ocr` (s)", page_s)
    yield Found("pages/s, `ocr` ÷ RapidOCR alone", ratios, "≥ 0.95")


def _drawable() -> Iterator[int]:
    """Numbers of pages that can be drawn on this machine."""
    for number in count():
        if sheet(_SEED, number).typeface.path.exists():
            yield number
        assert number < 10_000, "no typeface of the quality set is here: see scripts/ocr_quality"


WORKS = {
    "W9": Work(
        "Pages by `ocr`",
        "Six pages a round of the quality set, in its typefaces that are on the machine, each read by both.",
        measure,
    )
}
