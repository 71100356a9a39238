"""Tables of what was measured, on the terminal and in docs/benchmarks.md."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"

#: What was measured, its target (empty for none), the value of each round, and their format, such as `.2f`.
Line = tuple[str, str, Sequence[float], str]


def table(rows: Sequence[tuple[str, str, str, str]]) -> str:
    """A Markdown table of rows: what, target, median, all rounds."""
    lines = ["| what | wanted | median | rounds |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def row(what: str, wanted: str, values: Sequence[float], form: str) -> tuple[str, str, str, str]:
    """A row of the table from a `Line`."""
    return what, wanted, f"{median(values):{form}}", ", ".join(f"{value:{form}}" for value in values)


def write(section: str, text: str, path: Path = PAGE) -> None:
    """Replace the text between the section's begin and end comments in a page."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    before, rest = path.read_text(encoding="utf-8").split(begin)
    path.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}", encoding="utf-8")
