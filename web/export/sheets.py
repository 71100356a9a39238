"""Jobs as a workbook for spreadsheet programs (XLSX), written row by row."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isfinite
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from web.export.formulas import is_formula
from web.export.table import Row, Table

#: Excel's limits: rows of a sheet, its header included, and UTF-16 units of a cell.
_SHEET_ROWS, _CELL_CHARS = 1_048_576, 32_767
#: Widths of the columns with long texts, in characters; all others have _WIDTH.
_WIDTHS = {"file": 40, "answer": 80, "error_message": 40, "question": 40, "id": 34, "files": 60}
_WIDTH = 14
_TIMES = ("created_at", "started_at", "finished_at")
#: Beyond it a spreadsheet's numbers are not exact; what is larger is a text there.
_LARGEST = 2**53
#: The first day that all spreadsheet programs write alike; earlier ones are texts.
_FIRST_DAY = date(1900, 3, 1)
#: Characters that XML forbids and that the library does not replace itself.
_NO_XML = {0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}


@dataclass(frozen=True)
class _Formats:
    """How cells are shown."""

    time: Format
    day: Format
    header: Format
    header_text: Format
    #: A text with the mark that an apostrophe sets, so that editing it makes no formula of it.
    text: Format


def write_workbook(jobs: Iterable[Row], target: Path, table: Table, *, sheet_rows: int = _SHEET_ROWS) -> None:
    """Write a workbook with a row for each job; when a sheet is full, the next one begins.

    Texts are texts, whatever they begin with, and stay so when they are edited; times are in UTC; what is too
    long for a cell ends with `…`, and a whole number that would not stay exact is a text.
    Temporary files are written beside `target`. Raises OSError when there is no room.
    """
    options = {"constant_memory": True, "tmpdir": str(target.parent), "use_zip64": True}
    with Workbook(str(target), options) as workbook:
        formats = _formats(workbook)
        sheet, row = _new_sheet(workbook, table, formats), 0
        for job in jobs:
            if row + 1 == sheet_rows:
                _end(sheet, table, row)
                sheet, row = _new_sheet(workbook, table, formats), 0
            row += 1
            for column, cell in enumerate(_cells(table, job)):
                _write(sheet, row, column, cell, formats)
        _end(sheet, table, row)


def _formats(workbook: Workbook) -> _Formats:
    return _Formats(
        time=workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        day=workbook.add_format({"num_format": "yyyy-mm-dd"}),
        header=workbook.add_format({"bold": True}),
        header_text=workbook.add_format({"bold": True, "quote_prefix": True}),
        text=workbook.add_format({"quote_prefix": True}),
    )


def _new_sheet(workbook: Workbook, table: Table, formats: _Formats) -> Worksheet:
    sheet = workbook.add_worksheet()
    sheet.freeze_panes(1, 1)
    for number, title in enumerate(table.titles):
        sheet.set_column(number, number, _WIDTHS.get(title, _WIDTH))
    for number, title in enumerate(table.titles):
        shown = _shown(title)
        sheet.write_string(0, number, shown, formats.header_text if is_formula(shown) else formats.header)
    return sheet


def _end(sheet: Worksheet, table: Table, last_row: int) -> None:
    sheet.autofilter(0, 0, last_row, len(table.titles) - 1)


def _cells(table: Table, job: Row) -> list[Any]:
    times = {name: _utc(job[name]) for name in _TIMES}
    return [times.get(title, cell) for title, cell in zip(table.titles, table.cells(job), strict=True)]


def _utc(at: str | None) -> datetime | None:
    return datetime.fromisoformat(at).astimezone(UTC).replace(tzinfo=None) if at else None


def _write(sheet: Worksheet, row: int, column: int, cell: Any, formats: _Formats) -> None:
    if isinstance(cell, datetime):
        sheet.write_datetime(row, column, cell, formats.time)
    elif isinstance(cell, date) and cell >= _FIRST_DAY:
        sheet.write_datetime(row, column, cell, formats.day)
    elif isinstance(cell, bool):
        sheet.write_boolean(row, column, cell)
    elif isinstance(cell, float | int) and _is_exact(cell):
        sheet.write_number(row, column, cell)
    elif cell is not None:
        text = _shown(str(cell))
        sheet.write_string(row, column, text, formats.text if is_formula(text) else None)


def _is_exact(number: float) -> bool:
    """True for a number that a spreadsheet keeps as it is."""
    return isfinite(number) if isinstance(number, float) else abs(number) <= _LARGEST


def _shown(text: str) -> str:
    return _fitting(text.translate(_NO_XML))


def _fitting(text: str) -> str:
    units = text.encode("utf-16-le")
    if len(units) <= 2 * _CELL_CHARS:
        return text
    return units[: 2 * (_CELL_CHARS - 1)].decode("utf-16-le", "ignore") + "…"
