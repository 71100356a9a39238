"""What could not be sent, as rows of the file of results: whoever reads only that misses nothing."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from eva01.cli.formulas import is_formula
from eva01.client.models import Upload

#: The state of such a row; the server has none like it.
STATE = "not_sent"
_COLUMNS = ("file", "state", "error_code", "error_message")


def append_csv(out: Path, unsent: Sequence[Upload]) -> None:
    """A row for each, under the columns that the server has written."""
    with out.open(encoding="utf-8-sig", newline="") as file:
        columns = next(csv.reader(file), [])
    with out.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        for upload in unsent:
            code, message = _reason(upload)
            cells = {"file": upload.file, "state": STATE, "error_code": code, "error_message": message}
            writer.writerow({column: _harmless(text) for column, text in cells.items()})


def write_csv(out: Path, unsent: Sequence[Upload]) -> None:
    """The same as a file of its own, where no row can be added to the results."""
    out.write_text(",".join(_COLUMNS) + "\r\n", encoding="utf-8", newline="")
    append_csv(out, unsent)


def append_jsonl(out: Path, unsent: Sequence[Upload]) -> None:
    """An object for each, one a line."""
    with out.open("a", encoding="utf-8") as file:
        for upload in unsent:
            code, message = _reason(upload)
            row = {"file": upload.file, "state": STATE, "error": {"code": code, "message": message}}
            file.write(f"{json.dumps(row)}\n")


def _reason(upload: Upload) -> tuple[str, str]:
    return (upload.error.code, upload.error.message) if upload.error else ("unknown", "No reason given.")


def _harmless(text: str) -> str:
    return f"'{text}" if is_formula(text) else text
