"""Answers as data, in the command and the client: asked for, shown, and saved as files of every kind."""

import csv
import json
from io import StringIO

import pytest
from rich.console import Console

from eva01.cli.tables import show_jobs
from eva01.client.client import Client
from eva01.client.models import Batch, Job, Problem
from tests.unit.eva01.test_cli import batch, images, page, run, sent  # noqa: F401 - fixtures
from tests.unit.scripted_server import BATCH_ID, JOB_ID

SCHEMA = {"type": "object", "properties": {"kind": {"enum": ["a", "b"]}, "总额": {"type": "number"}}}
WANTED = {"type": "json_schema", "json_schema": {"name": "receipts", "schema": SCHEMA}}
DONE = {
    "state": "succeeded",
    "file": "a.png",
    "answer": '{"总额": 12.5}',
    "data": {"总额": 12.5, "kind": "b"},
}
CUT = {"state": "failed", "file": "b.png", "error": {"code": "incomplete_answer", "message": "It was cut."}}


def shown(*jobs: Job, fields: tuple[str, ...], width: int = 120) -> str:
    console = Console(file=StringIO(), width=width)
    show_jobs(console, jobs, len(jobs), "", fields)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def of(file: str, data: object = None, **more: object) -> Job:
    return Job(id=JOB_ID, state="succeeded", file=file, data=data, answer=json.dumps(data), **more)


def test_submit_asks_for_fields_and_shows_a_column_for_each(run, server, images):  # noqa: F811
    told = batch(response_format=WANTED)
    server.replies = [told, sent("a.png", "b.png"), told, told, page(DONE, CUT)]
    asked = ("--field", "总额:number:含税", "--field", "kind:a|b")
    code, out, _ = run("submit", images, "-q", "Read it.", *asked)
    assert code == 0
    assert server.bodies[0]["fields"] == ["总额:number:含税", "kind:a|b"]
    lines = [line for line in out.splitlines() if line.strip()]
    header, _, first, second, *_ = lines[[line.split()[0] for line in lines].index("file") :]
    assert header.split() == ["file", "kind", "总额", "notes"]
    assert first.split() == ["a.png", "b", "12.5"]
    assert second.split()[0] == "b.png"
    assert "It was cut. (incomplete_answer)" in second


def test_submit_sends_a_schema_from_a_file(run, server, images, tmp_path):  # noqa: F811
    file = tmp_path / "my receipts.json"
    file.write_text(json.dumps(SCHEMA), encoding="utf-8-sig")
    server.replies = [batch(), sent("a.png", "b.png"), batch(), batch(), page()]
    assert run("submit", images, "--schema", file)[0] == 0
    named = {"name": "my_receipts", "schema": SCHEMA}
    assert server.bodies[0]["response_format"] == {"type": "json_schema", "json_schema": named}
    assert "fields" not in server.bodies[0]


@pytest.mark.parametrize("text", ["{", "[]", '"a"', "\xff"])
def test_a_file_that_is_no_schema_is_refused_before_anything_is_sent(run, server, images, tmp_path, text):  # noqa: F811
    (tmp_path / "s.json").write_text(text, encoding="latin-1")
    code, _, err = run("submit", images, "--schema", tmp_path / "s.json")
    assert (code, server.requests) == (2, [])
    assert "s.json" in err


def test_fields_and_a_schema_or_another_batch_do_not_go_together(run, server, images, tmp_path):  # noqa: F811
    (tmp_path / "s.json").write_text("{}")
    code, _, err = run("submit", images, "--field", "a", "--schema", tmp_path / "s.json")
    assert (code, "give one of them" in err) == (2, True)
    code, _, err = run("submit", images, "--field", "a", "--batch", BATCH_ID)
    assert (code, "fields" in err, server.requests) == (2, True, [])


def test_what_the_server_says_of_a_field_is_shown(run, server, images):  # noqa: F811
    detail = "`fields.0` is 'total:numbr': 'numbr' is no type."
    server.replies = [({"code": "invalid_field", "detail": detail}, 400, {})]
    code, _, err = run("submit", images, "--field", "total:numbr")
    assert (code, detail in err) == (2, True)


def test_a_table_shows_values_for_people_and_nothing_of_them_is_markup():
    data = {
        "[red]": "[bold]x[/bold]",
        "n": -5,
        "ok": True,
        "list": ["a", 1],
        "deep": {"a": [1]},
        "none": None,
    }
    out = shown(of("a.png", data, notes=["first_page"]), of("b.png"), fields=tuple(data))
    assert "[red]" in out
    assert "[bold]x[/bold]" in out
    row = next(line for line in out.splitlines() if "a.png" in line)
    assert row.split()[1:] == [
        *("[bold]x[/bold]", "-5", "true", "a,", "1", '{"a":', "[1]}", "[first", "page", "only]")
    ]


def test_a_table_without_anything_else_to_say_has_no_column_for_it():
    out = shown(of("a.png", {"a": 1}), fields=("a",))
    assert "notes" not in out
    assert "notes" in shown(Job(id=JOB_ID, state="failed", error=Problem(message="No.")), fields=("a",))


def test_many_fields_are_named_below_the_table():
    fields = tuple(f"f{n}" for n in range(12))
    out = shown(of("a.png", dict.fromkeys(fields, 7)), fields=fields)
    assert "f7" in out.splitlines()[1]
    assert "… and 4 fields more: f8, f9, f10, f11." in out


@pytest.mark.parametrize(
    ("named", "more", "path"),
    [
        ("r.xlsx", (), "results.xlsx"),
        ("r.PARQUET", (), "results.parquet"),
        ("r.jsonl", (), "results.jsonl"),
        ("r.csv", (), "results.csv"),
        ("r", ("--format", "parquet"), "results.parquet"),
        ("r.csv", ("--format", "xlsx"), "results.xlsx"),
    ],
)
def test_results_are_saved_as_their_name_ends_or_as_it_is_said(run, server, tmp_path, named, more, path):  # noqa: F811
    server.replies = [batch(), ("bytes of it", 200, {})]
    assert run("results", BATCH_ID, "--out", tmp_path / named, *more)[0] == 0
    assert server.requests[1][1] == f"/api/batches/{BATCH_ID}/{path}"
    assert (tmp_path / named).read_text() == "bytes of it"


def test_results_go_to_stdout_where_no_file_is_named(run, server):  # noqa: F811
    server.replies = [batch(), ("PAR1…", 200, {})]
    code, out, _ = run("results", BATCH_ID, "--format", "parquet")
    assert (code, out) == (0, "PAR1…")


def test_a_terminal_is_sent_no_file_that_is_no_text(run, server, monkeypatch):  # noqa: F811
    monkeypatch.setattr("sys.stdout.buffer.isatty", lambda: True)
    server.replies = [batch()]
    code, _, err = run("results", BATCH_ID, "--format", "xlsx")
    assert (code, "is no text" in err) == (2, True)
    code, _, err = run("results", BATCH_ID, "--format", "xlsx", "--json")
    assert (code, "--json" in err) == (2, True)


def test_what_was_not_sent_has_a_file_beside_one_that_takes_no_rows(run, server, images, tmp_path):  # noqa: F811
    refused = {"files": [{"file": "=a.png", "error": {"code": "empty_file", "message": "It is empty."}}]}
    server.replies = [
        batch(),
        (refused, 202, {}),
        batch(),
        batch(total=0, counts={}),
        ("PK", 200, {}),
        page(),
    ]
    run("submit", images, "--out", tmp_path / "r.xlsx")
    assert (tmp_path / "r.xlsx").read_text() == "PK"
    with (tmp_path / "r.xlsx.not_sent.csv").open(newline="") as file:
        assert [*csv.DictReader(file)] == [
            {
                "file": "'=a.png",
                "state": "not_sent",
                "error_code": "empty_file",
                "error_message": "It is empty.",
            }
        ]


def test_the_client_asks_for_fields_and_reads_them(server, tmp_path):
    (tmp_path / "a.png").write_bytes(b"pixels")
    job = {
        "id": JOB_ID,
        "state": "succeeded",
        "data": {"a": [1]},
        "confidence": 0.5,
        "field_confidence": {"a": 0.25},
    }
    told = {"id": BATCH_ID, "response_format": WANTED}
    server.replies = [
        (job, 200, {}),
        (job, 202, {}),
        (told, 201, {}),
        ({"models": [{"name": "m", "has_fields": True}]}, 200, {}),
    ]
    with Client(server.url) as client:
        found = client.analyze(tmp_path / "a.png", "?", fields=["a:number[]", {"name": "名"}])
        client.create_job(tmp_path / "a.png", response_format=WANTED)
        assert client.create_batch("?", fields=["a"]).fields == ("kind", "总额")
        assert client.models()[0].has_fields
    assert (found.data, found.confidence, found.field_confidence) == ({"a": [1]}, 0.5, {"a": 0.25})
    assert json.loads(server.fields[0]["fields"]) == ["a:number[]", {"name": "名"}]
    assert json.loads(server.fields[1]["response_format"]) == WANTED
    assert server.bodies[2] == {"name": "", "question": "?", "fields": ["a"]}


@pytest.mark.parametrize(
    "told", [None, {}, {"type": "json_object"}, {"json_schema": None}, {"json_schema": {"schema": {}}}]
)
def test_a_batch_without_properties_has_no_fields(told):
    assert Batch(id=BATCH_ID, response_format=told).fields == ()
