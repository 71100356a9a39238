"""CSV and JSONL: whole, exact, and harmless in a spreadsheet."""

import csv
import io
import json
from pathlib import Path

import pytest

import eva01.cli.formulas
import web.export.formulas
from jobs.contract.models import Batch, FinishReason, Job, JobError, JobState, Usage
from tests.files import hostile
from web.export.lines import attachment, csv_lines, inline, jsonl
from web.export.table import COLUMNS, Table


def job(**fields) -> Job:
    return Job(**{"file": "a.png", "question": "q", "model": "nano", **fields})


def rows(*jobs: Job) -> list[dict[str, str]]:
    text = "".join(csv_lines((job.public() for job in jobs), Table()))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_first_columns_are_the_promised_ones():
    assert ",".join(COLUMNS[:8]) == "file,state,answer,error_code,error_message,model,question,id"


def test_a_row_holds_a_jobs_answer_and_its_cost():
    (row,) = rows(job(state=JobState.SUCCEEDED, answer="A circle.", usage=Usage(visual_tokens=9, lines=2)))
    assert (row["answer"], row["visual_tokens"], row["lines"], row["confidence"]) == (
        "A circle.",
        "9",
        "2",
        "",
    )


@pytest.mark.parametrize("reason", [*FinishReason, None])
def test_a_row_and_a_line_say_why_the_answer_ends(reason):
    one = job(state=JobState.SUCCEEDED, answer="A circle and", finish_reason=reason)
    assert rows(one)[0]["finish_reason"] == (reason or "")
    assert json.loads("".join(jsonl([one.public()])))["finish_reason"] == reason


def test_a_row_holds_the_reason_of_a_failure():
    (row,) = rows(job(state=JobState.FAILED, error=JobError(code="empty_file", message="Empty.")))
    assert (row["error_code"], row["error_message"]) == ("empty_file", "Empty.")


SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫⁼⁺₌₊−"
UNSEEN = (
    *("\t", "\r", "\n", "\x00", "\x0b", "\x1c", "\x7f", "\x85", " ", "\xa0", "\xad", "\u034f", "\u061c"),
    *("\u115f", "\u180e", "\u2002", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u2028", "\u202e"),
    *("\u2060", "\u2066", "\u2800", "\u3000", "\u3164", "\ufe0f", "\ufeff", "\uffa0", "\U000e0020"),
)


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-x", "@a", "\t=1", "\r=1", "\n=1", "\tx", "-１"])
def test_what_a_spreadsheet_takes_for_a_formula_gets_an_apostrophe(text):
    (row,) = rows(job(file=text, answer=text))
    assert row["answer"] == row["file"] == f"'{text}"


def test_no_width_and_nothing_unseen_before_it_hides_a_formula():
    texts = [*SIGNS, *(f"{before}{sign}x" for before in UNSEEN for sign in SIGNS), "\ufeff \u200b\xa0=x"]
    assert [row["answer"] for row in rows(*(job(answer=text) for text in texts))] == [
        f"'{text}" for text in texts
    ]


@pytest.mark.parametrize("text", [" x", "\ufeffx", "\u200ba=1", "名前", "\xa0", "“=1", "*a"])
def test_what_is_unseen_before_another_text_stays(text):
    assert rows(job(answer=text))[0]["answer"] == text


def test_the_command_writes_cells_by_the_same_rule():
    """The command is installed without the server, so it has a copy."""
    copy = Path(eva01.cli.formulas.__file__).read_text(encoding="utf-8")
    assert copy == Path(web.export.formulas.__file__).read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["-5", "+3.5", "-1,000.50", "-5%", "1=1", "", "a\nb", '"', "'", ","])
def test_numbers_and_other_text_stay_as_they_are(text):
    assert rows(job(answer=text))[0]["answer"] == text


def test_a_hostile_name_comes_back_intact():
    assert rows(job(file=hostile.NAME))[0]["file"] == hostile.NAME
    assert json.loads("".join(jsonl([job(file=hostile.NAME).public()])))["file"] == hostile.NAME


def test_every_job_is_one_line_of_jsonl_to_every_reader():
    text = "".join(jsonl(job(answer=f"a\u2028b\x85c\nd{n}名").public() for n in range(450)))
    lines = text.splitlines()
    assert len(lines) == 450
    assert json.loads(lines[449])["answer"] == "a\u2028b\x85c\nd449名"
    assert "名" in text


def test_a_byte_order_mark_comes_when_asked_for():
    assert "".join(csv_lines([], Table(), with_bom=True)).startswith("\ufefffile,")
    assert "".join(csv_lines([], Table())).startswith("file,")


def test_exports_are_made_as_they_are_read():
    def endless():
        while True:
            yield job().public()

    lines = csv_lines(endless(), Table())
    assert next(lines).startswith("file,")
    assert next(lines)


def test_a_download_is_named_after_its_batch_and_safe_in_a_header():
    header = attachment(Batch(model="nano", name='ünï"\r\nX: a/b'), "csv")
    assert header == "attachment; filename=\"_n_-X- a-b.csv\"; filename*=UTF-8''%C3%BCn%C3%AF-X-%20a-b.csv"
    unnamed = Batch(model="nano", name="...")
    assert f'"{unnamed.id}.csv"' in attachment(unnamed, "csv")


def test_an_image_is_named_after_its_file():
    header = inline(job(file=f"folder/{hostile.NAME}", images=("0" * 64,)))
    assert header.startswith("inline; ")
    assert header.isascii()
    assert "\n" not in header
