"""The tables of what was read, and whether that is good enough."""

from collections.abc import Callable, Sequence

from scripts import report
from scripts.ocr_pages.runs import Outcome, Reading

#: The share of lines that must be read, and how many times as long as RapidOCR alone a page may take.
LEAST_READ, LONGEST = 0.99, 1.3
#: By what pages are told apart in the table.
_KINDS: dict[str, Callable[[Outcome], str]] = {
    "layout": lambda outcome: outcome.sheet.layout,
    "letters": lambda outcome: outcome.sheet.typeface.kind,
    "turned by": lambda outcome: f"{outcome.sheet.turn_deg}°",
    "paper": lambda outcome: outcome.sheet.ink,
    "dots per inch": lambda outcome: f"{outcome.sheet.dpi}",
}


def line(outcome: Outcome) -> str:
    """One page in one line, with what was misread."""
    sheet, ours = outcome.sheet, outcome.ours
    said = (
        f"{sheet.number:4} {sheet.layout}, {sheet.typeface.path.stem} {sheet.size_pt} pt, {sheet.dpi} dpi, "
        f"skew {sheet.skew_deg:.1f}, turned {sheet.turn_deg}, {sheet.ink}, JPEG {sheet.jpeg}: "
        f"{ours.score.good}/{ours.score.lines}{'' if ours.score.is_in_order else ' OUT OF ORDER'}, "
        f"{ours.seconds:.1f} s, confidence {ours.confidence}"
    )
    wrong = [f"\n       {written!r}\n    -> {read!r}" for written, read in ours.score.misread]
    return said + "".join(wrong)


def tables(outcomes: Sequence[Outcome]) -> str:
    """All pages, and each kind of page: lines read and pages in order."""
    head = [
        "| pages | | `ocr`: lines read | in order | RapidOCR alone: lines read | in order |",
        "|---|---|---|---|---|---|",
    ]
    rows = [_row("all", "", outcomes)]
    for kind, of in _KINDS.items():
        for value in sorted({of(outcome) for outcome in outcomes}):
            rows.append(_row(kind, value, [outcome for outcome in outcomes if of(outcome) == value]))
    return "\n".join([*head, *rows, "", _times(outcomes)])


def is_good(outcomes: Sequence[Outcome]) -> bool:
    """True when every bar is met."""
    ours = [outcome.ours for outcome in outcomes]
    ratio = _ratio(outcomes)
    return (
        _share(ours) >= LEAST_READ
        and all(reading.score.is_in_order for reading in ours)
        and (ratio is None or ratio <= LONGEST)
    )


def write(text: str) -> None:
    """Put the tables into docs/benchmarks.md."""
    report.write("ocr", text)


def _row(kind: str, value: str, outcomes: Sequence[Outcome]) -> str:
    ours = [outcome.ours for outcome in outcomes]
    plain = [outcome.plain for outcome in outcomes if outcome.plain]
    return f"| {kind} | {value} | {' | '.join([*_cells(ours), *_cells(plain)])} |"


def _cells(readings: Sequence[Reading]) -> tuple[str, str]:
    if not readings:
        return "", ""
    lines = sum(reading.score.lines for reading in readings)
    in_order = sum(reading.score.is_in_order for reading in readings)
    return f"{_share(readings):.1%} of {lines}", f"{in_order} of {len(readings)}"


def _share(readings: Sequence[Reading]) -> float:
    return sum(reading.score.good for reading in readings) / sum(reading.score.lines for reading in readings)


def _times(outcomes: Sequence[Outcome]) -> str:
    seconds = [outcome.ours.seconds for outcome in outcomes]
    said = f"A page took `ocr` {sum(seconds) / len(seconds):.1f} s on average, {max(seconds):.1f} s at most."
    ratio = _ratio(outcomes)
    return (
        said
        if ratio is None
        else f"{said} It took {ratio:.2f} times as long as RapidOCR alone on the same pages."
    )


def _ratio(outcomes: Sequence[Outcome]) -> float | None:
    """How many times as long as RapidOCR alone; None where nothing was compared."""
    both = [(outcome.ours.seconds, outcome.plain.seconds) for outcome in outcomes if outcome.plain]
    return sum(ours for ours, _ in both) / sum(plain for _, plain in both) if both else None
