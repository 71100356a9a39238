"""Pages of the quality set by `ocr`, beside RapidOCR alone on the same pages, with as many threads."""

from collections.abc import Iterator
from itertools import count, islice

from scripts.benching.found import Found
from scripts.benching.options import Options
from scripts.benching.works.work import Work
from scripts.ocr_pages.runs import Run, read_page
from scripts.ocr_pages.sheets import sheet

#: The first numbers of that set.
_SEED, _PAGES = 1, 10_000


def measure(options: Options) -> Iterator[Found]:
    """Each page by both; other pages each round, of those whose typefaces are here."""
    numbers = _smallest() if options.is_small else _drawable()
    given = Run(pages=0, first=0, seed=_SEED, processes=1, compare_every=1, keep=None, write=False)
    ratios, page_s = [], []
    for number in range(options.first_round, options.rounds):
        read = [read_page(given, next(numbers)) for _ in range(options.of(6, 1))]
        ours = sum(outcome.ours.seconds for outcome in read)
        if number >= 0:
            ratios.append(sum(outcome.plain.seconds for outcome in read if outcome.plain) / ours)
            page_s.append(ours / len(read))
    yield Found("a page by `ocr` (s)", page_s)
    yield Found("pages/s, `ocr` ÷ RapidOCR alone", ratios, "≥ 0.95")


def _drawable() -> Iterator[int]:
    """Numbers of pages that can be drawn on this machine."""
    for number in count():
        assert number < _PAGES, "no typeface of the quality set is here: see scripts/ocr_quality"
        if sheet(_SEED, number).typeface.path.exists():
            yield number


def _smallest() -> Iterator[int]:
    """Of the first of them, the quickest to read."""
    return iter(sorted(islice(_drawable(), 50), key=lambda number: sheet(_SEED, number).dpi))


WORKS = {
    "W9": Work(
        "Pages by `ocr`",
        "Six pages a round of the quality set, in its typefaces that are on the machine, each read by both.",
        measure,
    )
}
