"""Jobs as lines of JSONL and CSV, one at a time, so an export of any length takes no memory."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic_core import to_json

from jobs.contract.chunks import chunks
from jobs.contract.models import Batch, Job
from jobs.contract.names import file_path
from web.export.formulas import is_formula
from web.export.table import Row, Table

_T = TypeVar("_T")
#: Lines sent at a time.
_CHUNK_LINES = 200
#: Characters that some readers of JSONL take for line ends, though JSON allows them in strings.
_LINE_ENDS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_LINE_END = re.compile("[" + "".join(_LINE_ENDS) + "]")


def jsonl(jobs: Iterable[Row], lines_at_a_time: int = _CHUNK_LINES) -> Iterator[str]:
    """One JSON object a line."""
    return (json_lines(some) for some in chunks(jobs, lines_at_a_time))


def json_lines(rows: Iterable[Any]) -> str:
    """The same of a few, at once; no line is two to those who take other characters for line ends."""
    lines = b"".join([to_json(row) + b"\n" for row in rows]).decode()
    return lines if lines.isascii() else _LINE_END.sub(lambda found: _LINE_ENDS[found.group()], lines)


def csv_lines(jobs: Iterable[Row], table: Table, *, with_bom: bool = False) -> Iterator[str]:
    """A header, then a row for each job (RFC 4180); booleans are `true` and `false`, days YYYY-MM-DD.

    A cell that a spreadsheet program would take for a formula gets an apostrophe in front; a plain number
    does not. JSONL has every name and answer as it is.
    """
    header = ("\ufeff" if with_bom else "") + row(table.titles)
    lines = chain([header], (row(table.cells(job)) for job in jobs))
    return ("".join(some) for some in chunks(lines, _CHUNK_LINES))


def begun(items: Iterable[_T]) -> Iterator[_T]:
    """The same items, the first read at once: what fails there is answered while nothing is sent yet."""
    rest = iter(items)
    return chain([*islice(rest, 1)], rest)


def attachment(batch: Batch, extension: str) -> str:
    """A Content-Disposition that saves under the batch's name."""
    return _disposition("attachment", f"{_file_name(batch.name) or batch.id}.{extension}")


def inline(job: Job, place: int = 0) -> str:
    """A Content-Disposition that shows one of a job's images, and saves it under its own name."""
    name = file_path(job.about(place)[1], job.page).rsplit("/", 1)[-1]
    return _disposition("inline", _file_name(name) or job.id)


def _file_name(name: str) -> str:
    """`name` without characters that are special in headers, paths or terminals."""
    return re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]+', "-", name)[:80].strip(" .-")


def _disposition(kind: str, name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9 ._-]+", "_", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def row(cells: Iterable[Any]) -> str:
    """A line of CSV."""
    line = io.StringIO()
    csv.writer(line).writerow([_harmless(cell) for cell in cells])
    return line.getvalue()


def _harmless(cell: Any) -> Any:
    if isinstance(cell, str):
        return f"'{cell}" if is_formula(cell) else cell
    return str(cell).lower() if isinstance(cell, bool) else cell
