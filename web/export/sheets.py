"""Jobs as a workbook for spreadsheet programs (XLSX), written row by row."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from web.export.formulas import is_formula
from web.export.lines import COLUMNS, Row, cells

#: Excel's limits: rows of a sheet, its header included, and UTF-16 units of a cell.
_SHEET_ROWS, _CELL_CHARS = 1_048_576, 32_767
#: Widths of the columns with long texts, in characters; all others have _WIDTH.
_WIDTHS = {"file": 40, "answer": 80, "error_message": 40, "question": 40, "id": 34}
_WIDTH = 14
_TIMES = ("created_at", "started_at", "finished_at")
#: Characters that XML forbids and that the library does not replace itself.
_NO_XML = {0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}


@dataclass(frozen=True)
class _Formats:
    """How cells are shown."""

    time: Format
    #: A text with the mark that an apostrophe sets, so that editing it makes no formula of it.
    text: Format


def write_workbook(jobs: Iterable[Row], target: Path, *, sheet_rows: int = _SHEET_ROWS) -> None:
    """Write a workbook with a row for each job; when a sheet is full, the next one begins.

    Texts are texts, whatever they begin with, and stay so when they are edited; times are in UTC; what is too
    long for a cell ends with `…`.
    Temporary files are written beside `target`. Raises OSError when there is no room.
    """
    options = {"constant_memory": True, "tmpdir": str(target.parent), "use_zip64": True}
    with Workbook(str(target), options) as workbook:
        bold = workbook.add_format({"bold": True})
        formats = _Formats(
            time=workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            text=workbook.add_format({"quote_prefix": True}),
        )
        sheet, row = _new_sheet(workbook, bold), 0
        for job in jobs:
            if row + 1 == sheet_rows:
                _end(sheet, row)
                sheet, row = _new_sheet(workbook, bold), 0
            row += 1
            for column, cell in enumerate(_cells(job)):
                _write(sheet, row, column, cell, formats)
        _end(sheet, row)


def _new_sheet(workbook: Workbook, bold: Any) -> Worksheet:
    sheet = workbook.add_worksheet()
    sheet.freeze_panes(1, 1)
    for number, column in enumerate(COLUMNS):
        sheet.set_column(number, number, _WIDTHS.get(column, _WIDTH))
    for number, column in enumerate(COLUMNS):
        sheet.write_string(0, number, column, bold)
    return sheet


def _end(sheet: Worksheet, last_row: int) -> None:
    sheet.autofilter(0, 0, last_row, len(COLUMNS) - 1)


def _cells(job: Row) -> list[Any]:
    times = {name: _utc(job[name]) for name in _TIMES}
    return [times.get(column, cell) for column, cell in zip(COLUMNS, cells(job), strict=True)]


def _utc(at: str | None) -> datetime | None:
    return datetime.fromisoformat(at).astimezone(UTC).replace(tzinfo=None) if at else None


def _write(sheet: Worksheet, row: int, column: int, cell: Any, formats: _Formats) -> None:
    if isinstance(cell, datetime):
        sheet.write_datetime(row, column, cell, formats.time)
    elif isinstance(cell, int | float):
        sheet.write_number(row, column, cell)
    elif cell is not None:
        text = _fitting(str(cell).translate(_NO_XML))
        sheet.write_string(row, column, text, formats.text if is_formula(text) else None)


def _fitting(text: str) -> str:
    units = text.encode("utf-16-le")
    if len(units) <= 2 * _CELL_CHARS:
        return text
    return units[: 2 * (_CELL_CHARS - 1)].decode("utf-16-le", "ignore") + "…"
