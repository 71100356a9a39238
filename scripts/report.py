"""Tables of what was measured, on the terminal and in docs/benchmarks.md."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"

#: What was measured, what is wanted, the values of all rounds, and their format, such as `.2f`.
Line = tuple[str, str, Sequence[float], str]


def table(rows: Sequence[tuple[str, str, str, str]]) -> str:
    """Rows of what, bar, median and all rounds."""
    lines = ["| what | wanted | median | rounds |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def row(what: str, wanted: str, values: Sequence[float], form: str) -> tuple[str, str, str, str]:
    """A line: the values of all rounds in a format such as `.2f`, and their median."""
    return what, wanted, f"{median(values):{form}}", ", ".join(f"{value:{form}}" for value in values)


def write(section: str, text: str) -> None:
    """Put the text between the marks of a section of the page."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(begin)
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}", encoding="utf-8")
