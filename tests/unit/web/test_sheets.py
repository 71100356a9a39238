"""Workbooks, read again by another library."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from openpyxl import load_workbook

from jobs.contract.models import FinishReason, Job, JobError, JobState, Usage
from tests.files import hostile
from web.export.sheets import write_workbook
from web.export.table import COLUMNS, Table

AT = datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC)


def job(**fields) -> Job:
    return Job.model_validate(
        {"file": "a.png", "question": "What?", "model": "nano", "created_at": AT} | fields
    )


def rows_of(path) -> list[list[dict]]:
    """The rows of each sheet, by column."""
    sheets = []
    for sheet in load_workbook(path).worksheets:
        header, *rows = sheet.iter_rows()
        assert tuple(cell.value for cell in header) == COLUMNS
        sheets.append([dict(zip(COLUMNS, row, strict=True)) for row in rows])
    return sheets


def only_row(tmp_path, **fields) -> dict:
    write_workbook([job(**fields).public()], tmp_path / "a.xlsx", Table())
    ((row,),) = rows_of(tmp_path / "a.xlsx")
    return row


def test_numbers_are_numbers_times_are_times_and_what_is_missing_is_empty(tmp_path):
    usage = Usage(visual_tokens=25, output_tokens=9, confidence=0.5)
    berlin = timezone(timedelta(hours=1))
    row = only_row(
        tmp_path,
        state=JobState.SUCCEEDED,
        answer="red",
        width=640,
        usage=usage,
        finished_at=AT.astimezone(berlin),
    )
    values = {column: cell.value for column, cell in row.items()}
    assert (values["answer"], values["width"], values["confidence"]) == ("red", 640, 0.5)
    assert values["created_at"] == values["finished_at"] == AT.replace(tzinfo=None)
    assert row["finished_at"].is_date
    assert values["started_at"] is values["error_code"] is values["lines"] is None


@pytest.mark.parametrize("reason", [*FinishReason, None])
def test_a_row_says_why_the_answer_ends(tmp_path, reason):
    row = only_row(tmp_path, state=JobState.SUCCEEDED, answer="red and", finish_reason=reason)
    assert row["finish_reason"].value == reason


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "@x",
        "12",
        "1e5",
        "TRUE",
        "http://a.b/c",
        "mailto:x",
        "{=1}",
        "a\nb\tc",
        " x ",
        hostile.NAME,
        "名前 🖼️",
    ],
)
def test_a_text_stays_the_text_it_is(tmp_path, text):
    row = only_row(tmp_path, file=text, answer=text, state=JobState.SUCCEEDED)
    for column in ("file", "answer"):
        assert (row[column].value, row[column].data_type) == (text, "s")
        assert row[column].hyperlink is None


@pytest.mark.parametrize("text", ["=1+1", "＝1+1", "\u200b=1+1", "\xa0@x", "\t-x"])
def test_a_text_that_looks_like_a_formula_stays_a_text_when_it_is_edited(tmp_path, text):
    row = only_row(tmp_path, file="a.png", answer=text, state=JobState.SUCCEEDED)
    assert (row["answer"].value, row["answer"].data_type, row["answer"].quotePrefix) == (text, "s", True)
    assert not row["file"].quotePrefix


def test_our_own_negative_numbers_are_numbers(tmp_path):
    row = dict(job().public()) | {"width": -3}
    write_workbook([row], tmp_path / "a.xlsx", Table())
    assert [
        (cells["width"].value, cells["width"].data_type) for (cells,) in rows_of(tmp_path / "a.xlsx")
    ] == [(-3, "n")]


@pytest.mark.parametrize("text", ["a\x00b", "\x01\x08\x0b\x1f", "\ufffe\uffff", "_x0041_"])
def test_characters_that_xml_does_not_know_do_not_break_the_file(tmp_path, text):
    assert only_row(tmp_path, file=text)["file"].value is not None


@pytest.mark.parametrize(
    ("text", "kept"), [("x" * 32_767, 32_767), ("x" * 32_768, 32_767), ("🖼" * 20_000, 16_384)]
)
def test_a_text_that_is_too_long_for_a_cell_is_cut_and_says_so(tmp_path, text, kept):
    value = only_row(tmp_path, answer=text, state=JobState.SUCCEEDED)["answer"].value
    assert len(value) == kept
    assert value.endswith("…") is (value != text)
    assert text.startswith(value.removesuffix("…"))


def test_a_reason_is_listed(tmp_path):
    row = only_row(
        tmp_path, state=JobState.FAILED, error=JobError(code="not_an_image", message="It is none.")
    )
    assert (row["error_code"].value, row["error_message"].value) == ("not_an_image", "It is none.")


def test_what_does_not_fit_on_a_sheet_goes_to_the_next(tmp_path):
    jobs = (job(file=str(number)).public() for number in range(7))
    write_workbook(jobs, tmp_path / "a.xlsx", Table(), sheet_rows=4)
    files = [[row["file"].value for row in rows] for rows in rows_of(tmp_path / "a.xlsx")]
    assert files == [["0", "1", "2"], ["3", "4", "5"], ["6"]]


def test_a_batch_without_jobs_is_a_header(tmp_path):
    write_workbook([], tmp_path / "a.xlsx", Table())
    assert rows_of(tmp_path / "a.xlsx") == [[]]
    assert [path.name for path in tmp_path.iterdir()] == ["a.xlsx"]
