"""Exports of answers with fields: a typed column for each, in CSV, workbooks and Parquet."""

import csv
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from openpyxl import load_workbook
from pyarrow import parquet
from pydantic import TypeAdapter

from jobs.contract.asking.fields import SaidField, format_of
from jobs.contract.asking.response_format import ResponseFormat
from jobs.contract.models import Job, JobError, JobState, Options, Usage
from web.export.lines import csv_lines, jsonl
from web.export.parquet import write_parquet
from web.export.sheets import write_workbook
from web.export.table import COLUMNS, Table

FIELDS = (
    *("total:number", "count:integer", "paid:boolean", "day:date", "kind:小票|发票"),
    *("tags:text[]", "days:date[]", "state:text", "金额:number"),
)
TITLES = ("total", "count", "paid", "day", "kind", "tags", "days", "answer.state", "金额")
WANTED = format_of(TypeAdapter(list[SaidField]).validate_python([*FIELDS]))
TABLE = Table(WANTED)
SAID: dict[str, Any] = {
    "total": 12.5,
    "count": 3,
    "paid": True,
    "day": "2024-02-29",
    "kind": "小票",
    "tags": ["=1", "b, c"],
    "days": ["2024-02-29", None],
    "state": "=cmd()",
    "金额": -5,
}
SURE = {"total": 0.75, "state": 0.5, "gone": 0.1}
AT = datetime(2026, 3, 1, 12, 30, 5, 250_000, tzinfo=UTC)


def answered(data: Any, wanted: ResponseFormat | None = WANTED, **more: Any) -> dict[str, Any]:
    """The row of a job that was answered so."""
    answer = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    asked = {"file": "a.png", "question": "q", "model": "nano", "options": Options(response_format=wanted)}
    said = {"state": JobState.SUCCEEDED, "answer": answer, "created_at": AT}
    return Job.model_validate({**asked, **said, **more}).public()


FAILED = answered("", answer=None, state=JobState.FAILED, error=JobError(code="x", message="y"))


def csv_of(*rows: dict[str, Any], table: Table = TABLE) -> list[dict[str, str]]:
    text = "".join(csv_lines(rows, table))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def sheet_of(folder: Path, *rows: dict[str, Any], table: Table = TABLE) -> list[dict[str, Any]]:
    """The cells of each row, by column."""
    write_workbook(rows, folder / "a.xlsx", table)
    header, *found = load_workbook(folder / "a.xlsx").active.iter_rows()
    titles = [cell.value for cell in header]
    return [dict(zip(titles, row, strict=True)) for row in found]


def parquet_of(folder: Path, *rows: dict[str, Any], table: Table = TABLE) -> pa.Table:
    write_parquet(rows, folder / "a.parquet", table)
    return parquet.read_table(folder / "a.parquet")


def test_fields_stand_behind_the_promised_columns_and_then_the_one_to_look_at_first():
    assert TABLE.titles == (*COLUMNS[:8], *TITLES, "least_sure", "least_sure_confidence", *COLUMNS[8:])
    assert Table().titles == COLUMNS


def test_a_line_of_csv_has_each_field_and_what_is_a_formula_is_harmless():
    row, failed = csv_of(answered(SAID, confidence=0.9, field_confidence=SURE), FAILED)
    assert [row[title] for title in TITLES] == [
        *("12.5", "3", "true", "2024-02-29", "小票", '\'=1, "b, c"', "2024-02-29, null", "'=cmd()", "-5"),
    ]
    assert (row["state"], row["confidence"]) == ("succeeded", "0.9")
    assert (row["least_sure"], row["least_sure_confidence"]) == ("answer.state", "0.5")
    assert {failed[title] for title in (*TITLES, "least_sure", "confidence", "answer")} == {""}
    assert failed["error_code"] == "x"


def test_confidence_is_the_jobs_or_else_that_of_what_was_read():
    read = answered("COFFEE", None, usage=Usage(confidence=0.25))
    both = answered("yes", None, usage=Usage(confidence=0.25), confidence=0.5)
    assert [row["confidence"] for row in csv_of(read, both, table=Table())] == ["0.25", "0.5"]


def test_a_line_of_jsonl_has_all_of_it():
    line = json.loads("".join(jsonl([answered(SAID, confidence=0.9, field_confidence=SURE)])))
    assert (line["data"], line["confidence"], line["field_confidence"]) == (SAID, 0.9, SURE)


def test_cells_of_a_workbook_are_numbers_booleans_and_days(tmp_path):
    row, failed = sheet_of(tmp_path, answered(SAID, field_confidence=SURE), FAILED)
    types = {title: (row[title].value, row[title].data_type) for title in TITLES}
    assert types["total"] == (12.5, "n")
    assert types["count"] == (3, "n")
    assert types["paid"] == (True, "b")
    assert types["day"] == (datetime(2024, 2, 29), "d")
    assert row["day"].number_format == "yyyy-mm-dd"
    assert types["kind"] == ("小票", "s")
    assert types["tags"] == ('=1, "b, c"', "s")
    assert types["answer.state"] == ("=cmd()", "s")
    assert row["answer.state"].quotePrefix
    assert types["金额"] == (-5, "n")
    assert (row["least_sure"].value, row["least_sure_confidence"].value) == ("answer.state", 0.5)
    assert {failed[title].value for title in TITLES} == {None}


def test_what_a_spreadsheet_cannot_keep_exact_is_a_text_there(tmp_path):
    said = {"count": 2**53 + 1, "total": 10**400, "day": "1899-12-31"}
    (row,) = sheet_of(tmp_path, answered(said))
    assert [row[title].value for title in said] == [str(2**53 + 1), "1" + "0" * 400, "1899-12-31"]
    (row,) = sheet_of(tmp_path, answered({"count": -(2**53), "day": "1900-03-01"}))
    assert (row["count"].value, row["day"].value) == (-(2**53), datetime(1900, 3, 1))


def test_columns_of_parquet_are_typed_and_may_be_null(tmp_path):
    found = parquet_of(tmp_path, answered(SAID, confidence=0.9, field_confidence=SURE, started_at=AT), FAILED)
    types = dict(zip(found.schema.names, map(str, found.schema.types), strict=True))
    assert tuple(types) == (*TABLE.titles, "field_confidence")
    assert {title: types[title] for title in TITLES} == {
        "total": "double",
        "count": "int64",
        "paid": "bool",
        "day": "date32[day]",
        "kind": "string",
        "tags": "list<item: string>",
        "days": "list<item: date32[day]>",
        "answer.state": "string",
        "金额": "double",
    }
    assert (types["attempts"], types["started_at"], types["notes"]) == (
        *("int64", "timestamp[us, tz=UTC]", "list<item: string>"),
    )
    row, failed = found.to_pylist()
    assert [row[title] for title in TITLES] == [
        *(
            12.5,
            3,
            True,
            date(2024, 2, 29),
            "小票",
            ["=1", "b, c"],
            [date(2024, 2, 29), None],
            "=cmd()",
            -5.0,
        ),
    ]
    assert (row["created_at"], row["finished_at"], row["answer"]) == (
        AT,
        None,
        json.dumps(SAID, ensure_ascii=False),
    )
    assert row["field_confidence"] == dict.fromkeys(TITLES) | {"total": 0.75, "answer.state": 0.5}
    assert {failed[title] for title in (*TITLES, "answer", "field_confidence", "confidence")} == {None}


def test_parquet_without_fields_has_the_columns_of_every_batch(tmp_path):
    found = parquet_of(tmp_path, answered("A circle.", None, notes=("first_page",)), table=Table())
    assert tuple(found.schema.names) == COLUMNS
    assert (found["answer"].to_pylist(), found["notes"].to_pylist()) == (["A circle."], [["first_page"]])
    assert parquet_of(tmp_path, table=Table()).num_rows == 0


def test_parquet_is_written_a_group_of_rows_at_a_time(tmp_path):
    write_parquet(([answered(SAID)] * 5_001), tmp_path / "a.parquet", TABLE)
    groups = parquet.ParquetFile(tmp_path / "a.parquet").metadata
    assert (groups.num_rows, groups.num_row_groups) == (5_001, 2)


@pytest.mark.parametrize(
    "said",
    [
        {title: {"unfit": []} for title in SAID},
        {"total": "12", "count": 1.5, "paid": 1, "day": "2023-02-29", "kind": 7, "tags": [1], "days": ["x"]},
        {"total": None, "count": True, "paid": "yes", "day": 20240229, "tags": "a", "days": "2024-02-29"},
        *("", "no JSON", "[1, 2]", "7", "null", '{"total": NaN}', '{"total": 1e999}', "[" * 100_000),
    ],
)
def test_what_does_not_fit_its_column_is_an_empty_cell_and_the_answer_stays_whole(tmp_path, said):
    row = answered(said)
    (line,), (cells,) = csv_of(row), sheet_of(tmp_path, row)
    (values,) = parquet_of(tmp_path, row).to_pylist()
    assert {line[title] for title in TITLES} == {""}
    assert {cells[title].value for title in TITLES} | {values[title] for title in TITLES} == {None}
    assert line["answer"] == values["answer"] == row["answer"]


def test_numbers_without_end_stay_out_of_numbers_of_64_bits(tmp_path):
    row = answered({"total": 10**400, "count": 2**63, "金额": 2**63}) | {"usage": {"device_s": float("inf")}}
    (values,) = parquet_of(tmp_path, row).to_pylist()
    assert (values["total"], values["count"], values["金额"]) == (None, None, 2.0**63)
    assert sheet_of(tmp_path, row)[0]["device_s"].value == "inf"


def test_a_title_may_be_anything(tmp_path):
    names = ["=cmd()", " ", "a\nb", "x\x00\ufffe", "名" * 33_000, "FILE", "field_confidence", ""]
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    wanted = ResponseFormat.of_schema(schema)
    table, row = Table(wanted), answered(dict.fromkeys(names, "x"), wanted)
    assert "'=cmd()" in csv_of(row, table=table)[0]
    assert parquet_of(tmp_path, row, table=table).schema.names[8:16] == [
        *(name.replace("\0", "\ufffd") for name in names[:5]),
        "answer.FILE",
        "answer.field_confidence",
        "",
    ]
    write_workbook([row], tmp_path / "a.xlsx", table)
    header = next(load_workbook(tmp_path / "a.xlsx").active.iter_rows())
    assert (header[8].value, header[8].data_type, header[8].quotePrefix) == ("=cmd()", "s", True)


def test_what_fails_on_our_side_is_said_as_it_is(tmp_path):
    class LostError(Exception):
        pass

    def broken():
        yield answered(SAID)
        raise LostError("away")

    with pytest.raises(LostError, match="away"):
        write_parquet(broken(), tmp_path / "a.parquet", TABLE)


@pytest.mark.parametrize("count", [1, 6_000])
def test_a_full_disk_is_said_and_nothing_more_is_read(tmp_path, count):
    """A few rows fail when the file is closed, many before that."""
    (tmp_path / "a.parquet").symlink_to("/dev/full")
    row = answered(SAID)
    rows = (row | {"answer": uuid4().hex} for _ in range(count))
    with pytest.raises(OSError, match="No space left"):
        write_parquet(rows, tmp_path / "a.parquet", TABLE)
