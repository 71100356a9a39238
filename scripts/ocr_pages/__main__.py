"""Draws pages, reads them, and says how many lines were read, in which order, and how fast."""

import argparse
import sys
from pathlib import Path

from scripts.ocr_pages import report
from scripts.ocr_pages.runs import Run, run
from scripts.ocr_pages.typefaces import HOW_TO_GET, missing


def main() -> int:
    """0 when every bar is met."""
    given = _arguments()
    if absent := missing():
        print(
            f"There is no {absent[0]} ({len(absent)} fonts are missing). Get them: {HOW_TO_GET}",
            file=sys.stderr,
        )
        return 2
    outcomes = []
    for outcome in run(given):
        outcomes.append(outcome)
        print(report.line(outcome), flush=True)
    text = report.tables(outcomes)
    print(text)
    if given.write:
        report.write(text)
    return 0 if report.is_good(outcomes) else 1


def _arguments() -> Run:
    parser = argparse.ArgumentParser(prog="scripts/ocr_quality", description=__doc__)
    parser.add_argument("--pages", type=int, default=300, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the number of the first page")
    parser.add_argument("--seed", type=int, default=1, help="other seeds draw other pages")
    parser.add_argument("--processes", type=int, default=1, help="that share the cores")
    parser.add_argument(
        "--compare-every", type=int, default=5, help="pages from one that RapidOCR reads alone too"
    )
    parser.add_argument(
        "--keep", type=Path, default=None, help="a folder for the pages that were not read whole"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    return Run(**vars(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
