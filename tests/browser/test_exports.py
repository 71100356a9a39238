"""Downloads: each kind, read as the programs read it that it is for."""

import csv
import io
import json
import zipfile

import openpyxl
import pytest
from playwright.sync_api import Page

from tests.browser.pages import BatchPage


@pytest.fixture
def download(page: Page, mixed_batch: str):
    """Downloads one kind of export from the batch's page; gives its bytes."""
    BatchPage(page).open(mixed_batch, answers=14)

    def download(kind: str) -> bytes:
        with page.expect_download() as coming:
            page.locator(f'a[download][href$="results.{kind}"]').click()
        assert coming.value.suggested_filename.endswith(f".{kind}")
        return coming.value.path().read_bytes()

    return download


def answered(rows) -> dict[str, str]:
    return {row["file"]: row["answer"] for row in rows if row["state"] == "succeeded"}


def failed(rows) -> list[str]:
    return sorted(row["error_code"] for row in rows if row["state"] == "failed")


def test_the_csv_has_a_row_for_each_file(download, mixed_files):
    rows = list(csv.DictReader(io.StringIO(download("csv").decode("utf-8-sig"), newline="")))
    assert answered(rows) == mixed_files.answers
    assert failed(rows) == ["not_an_image", "truncated_image"]
    assert [row["file"] for row in rows] == list(mixed_files.files)


def test_the_jsonl_has_an_object_a_line(download, mixed_files):
    rows = [json.loads(line) for line in download("jsonl").decode().splitlines()]
    assert answered(rows) == mixed_files.answers
    assert sorted(row["error"]["code"] for row in rows if row["error"]) == ["not_an_image", "truncated_image"]


def test_the_workbook_has_a_row_for_each_file(download, mixed_files):
    sheet = openpyxl.load_workbook(io.BytesIO(download("xlsx")), read_only=True).worksheets[0]
    head, *values = sheet.iter_rows(values_only=True)
    rows = [dict(zip(head, row, strict=True)) for row in values]
    assert answered(rows) == mixed_files.answers
    assert failed(rows) == ["not_an_image", "truncated_image"]


def test_the_zip_has_a_text_file_for_each_answer_and_a_table_of_the_others(download, mixed_files):
    with zipfile.ZipFile(io.BytesIO(download("zip"))) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    errors = list(csv.DictReader(io.StringIO(texts.pop("errors.csv").removeprefix("\ufeff"), newline="")))
    assert {name: text.rstrip("\n") for name, text in texts.items()} == {
        f"{path}.txt": answer for path, answer in mixed_files.answers.items()
    }
    assert sorted(row["file"] for row in errors) == ["trip/cut short.png", "trip/notes.png"]
