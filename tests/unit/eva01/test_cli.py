"""The command against a real HTTP server: what it prints, what it sends, and its exit codes."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from eva01.cli.main import main
from tests.unit.scripted_server import BATCH_ID, JOB_ID, Reply, Server

HOME = Path(__file__).parents[3]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(b"pixels")
    return folder


def start(server: Server, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "eva01", *map(str, arguments)],
        env={**os.environ, "EVA01_SERVER": server.url, "PYTHONPATH": str(HOME), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def run(server: Server, monkeypatch, capsys) -> Run:
    """Run the command in this process; gives its exit code and what it printed on both streams."""
    monkeypatch.setenv("EVA01_SERVER", server.url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["eva01", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), *capsys.readouterr()

    return run


def batch(**more: object) -> tuple[dict, int, dict]:
    counts = more.pop("counts", {"succeeded": 2})
    return {"id": BATCH_ID, "total": 2, "counts": counts, "is_done": True, **more}, 200, {}


def sent(*names: str) -> tuple[dict, int, dict]:
    return {"files": [{"file": name, "state": "accepted", "job_id": JOB_ID} for name in names]}, 202, {}


def page(*jobs: dict) -> tuple[dict, int, dict]:
    return {"jobs": [{"id": JOB_ID, **job} for job in jobs], "next_cursor": None}, 200, {}


RED = {"state": "succeeded", "file": "a.png", "answer": "red"}
BLUE = {"state": "succeeded", "file": "b.png", "answer": "blue"}
CUT = {"state": "failed", "file": "b.png", "error": {"code": "truncated", "message": "Cut in half."}}


def test_submit_sends_waits_shows_and_ends_with_0(run, server, images):
    server.replies = [batch(), sent("a.png", "b.png"), batch(), batch(), page(RED, BLUE)]
    code, out, _ = run("submit", images, "-q", "Which color?")
    assert code == 0
    assert "red" in out
    assert "2 images answered, 0 not." in out
    assert [path for _, path, _ in server.requests] == [
        "/api/batches",
        f"/api/batches/{BATCH_ID}/files",
        f"/api/batches/{BATCH_ID}/close",
        f"/api/batches/{BATCH_ID}",
        f"/api/batches/{BATCH_ID}/results",
    ]


def test_submit_ends_with_1_when_an_image_has_no_answer(run, server, images):
    failed = batch(counts={"succeeded": 1, "failed": 1})
    server.replies = [batch(), sent("a.png", "b.png"), batch(), failed, page(RED, CUT)]
    code, out, _ = run("submit", images)
    assert code == 1
    assert "Cut in half. (truncated)" in out


def test_submit_for_programs_prints_one_json_object_and_nothing_else(run, server, images):
    server.replies = [batch(), sent("a.png", "b.png"), batch(), batch()]
    code, out, err = run("submit", images, "--json")
    assert code == 0
    assert json.loads(out)["counts"] == {"succeeded": 2}
    assert json.loads(out)["not_sent"] == []
    assert err == ""


def test_submit_writes_the_file_asked_for(run, server, images, tmp_path):
    written = ('{"file": "a.png"}\n', 200, {"Content-Type": "application/jsonl"})
    server.replies = [batch(), sent("a.png", "b.png"), batch(), batch(), written, page(RED, BLUE)]
    code, out, _ = run("submit", images, "--out", tmp_path / "new" / "out.jsonl")
    assert code == 0
    assert (tmp_path / "new" / "out.jsonl").read_text() == '{"file": "a.png"}\n'
    assert f"Results: {tmp_path}" in out


def test_results_as_json_lines_say_where_text_stands_when_they_are_asked_to(run, server, tmp_path):
    written = ('{"file": "a.png"}\n', 200, {"Content-Type": "application/jsonl"})
    for more, query in (((), ""), (("--lines",), "lines=true")):
        server.replies = [batch(), written]
        assert run("results", BATCH_ID, "--out", tmp_path / "out.jsonl", *more)[0] == 0
        assert server.queries[-1] == query


def test_submit_without_waiting_says_how_to_look_at_the_batch(run, server, images):
    waiting = batch(is_done=False, counts={"queued": 2})
    server.replies = [waiting, sent("a.png", "b.png"), waiting, waiting]
    code, out, _ = run("submit", images, "--no-wait")
    assert code == 0
    assert f"eva01 status {BATCH_ID}" in out


def test_ctrl_c_while_waiting_leaves_the_batch_alone_and_says_how_to_go_on(server, images):
    waiting = batch(is_done=False, counts={"queued": 2})
    server.replies = [waiting, sent("a.png", "b.png"), *[waiting] * 500]
    with start(server, "submit", images) as process:
        deadline = time.monotonic() + 30
        while len(server.requests) < 5 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"eva01 status {BATCH_ID}" in out
    assert f"eva01 cancel {BATCH_ID}" in out
    assert "Traceback" not in err
    assert not any(path.endswith("/cancel") for _, path, _ in server.requests)


def test_a_refusal_is_one_line_and_2(run, server, images):
    server.replies = [({"code": "unknown_model", "detail": "There is no model x."}, 422, {})]
    assert run("submit", images, "-m", "x") == (2, "", "eva01: There is no model x.\n")


def test_wrong_use_is_2(run, server, images):
    assert run("submit")[0] == 2
    assert run("submit", images, "--no-wait", "--out", "x.csv")[0] == 2
    assert run("submit", images, "--lines", "--out", "x.csv")[0] == 2
    assert run("results", BATCH_ID, "--lines")[0] == 2
    assert run("up", "--exit")[0] == 2
    assert run("worker")[0] == 2
    assert run("results", BATCH_ID, "--state", "lost")[0] == 2


def test_results_for_programs_are_one_job_a_line(run, server):
    server.replies = [batch(counts={"succeeded": 1, "failed": 1}), page(RED, CUT)]
    code, out, _ = run("results", BATCH_ID, "--json")
    assert code == 1
    assert [json.loads(line)["file"] for line in out.splitlines()] == ["a.png", "b.png"]


def test_a_reader_who_leaves_early_is_no_error(server):
    answer = {**RED, "answer": "red " * 10_000}
    server.replies = [batch(), page(*[answer] * 50)]
    with start(server, "results", BATCH_ID, "--json") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_status_cancel_and_retry_show_the_batch_in_one_line(run, server):
    for command in ("status", "cancel", "retry"):
        server.replies = [batch()]
        code, out, _ = run(command, BATCH_ID)
        assert (code, out) == (0, f"Batch {BATCH_ID}, done: 2 succeeded.\n")
    posted = [path for method, path, _ in server.requests if method == "POST"]
    assert posted == [f"/api/batches/{BATCH_ID}/cancel", f"/api/batches/{BATCH_ID}/retry"]


def test_models_and_the_state_of_the_service_are_tables(run, server):
    model = {"name": "nano", "description": "Knows [drawn] shapes.", "workers": 2, "uses_question": True}
    server.replies = [({"models": [model]}, 200, {})]
    code, out, _ = run("models")
    assert code == 0
    assert "Knows [drawn] shapes." in out
    queue = {"name": "nano", "workers": 2, "waiting": 31, "held": 4, "oldest_wait_s": 75.0}
    server.replies = [({"models": [queue]}, 200, {})]
    code, out, _ = run("status")
    assert code == 0
    assert out.split()[-6:] == ["31", "4", "1", "min", "15", "s"]


def test_models_for_programs_are_what_the_server_said(run, server):
    model = {"name": "nano", "description": "d", "workers": 2, "uses_question": True, "is_default": True}
    server.replies = [({"models": [model]}, 200, {})]
    code, out, _ = run("models", "--json")
    assert code == 0
    assert json.loads(out)[0] == {**model, "default_question": ""}


def test_results_are_shown_or_written_or_only_those_in_a_state(run, server, tmp_path):
    mixed = batch(counts={"succeeded": 1, "failed": 1})
    server.replies = [mixed, page(CUT)]
    code, out, _ = run("results", BATCH_ID, "--state", "failed")
    assert code == 1
    assert "Cut in half. (truncated)" in out
    server.replies = [batch(), ("file,state\r\n", 200, {})]
    code, out, _ = run("results", BATCH_ID, "--out", tmp_path / "r.csv")
    assert (code, out) == (0, f"Results: {tmp_path / 'r.csv'}\n")


def deleted() -> tuple[dict, int, dict]:
    return {}, 204, {}


def test_delete_asks_shows_what_goes_and_deletes(run, server, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    server.replies = [batch(name="holiday"), deleted()]
    code, out, _ = run("delete", BATCH_ID)
    assert code == 0
    assert "(holiday), done: 2 succeeded." in out
    assert f"Batch {BATCH_ID} is deleted." in out
    assert [(method, path) for method, path, _ in server.requests] == [
        ("GET", f"/api/batches/{BATCH_ID}"),
        ("DELETE", f"/api/batches/{BATCH_ID}"),
    ]


@pytest.mark.parametrize(("answer", "expected"), [("n\n", 2), ("\n", 2), ("", 130)])
def test_delete_deletes_nothing_unless_the_answer_is_yes(run, server, monkeypatch, answer, expected):
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    server.replies = [batch()]
    assert run("delete", BATCH_ID)[0] == expected
    assert [method for method, _, _ in server.requests] == ["GET"]


def test_delete_with_yes_does_not_ask_and_takes_many(run, server):
    other = "c" * 32
    server.replies = [batch(), batch(id=other), deleted(), deleted()]
    code, out, err = run("delete", BATCH_ID, other, BATCH_ID, "--yes", "--json")
    assert (code, json.loads(out), err) == (0, {"deleted": [BATCH_ID, other]}, "")
    assert [path for method, path, _ in server.requests if method == "DELETE"] == [
        f"/api/batches/{BATCH_ID}",
        f"/api/batches/{other}",
    ]


def test_delete_deletes_nothing_when_a_batch_is_unknown(run, server):
    unknown: Reply = ({"code": "batch_not_found", "detail": "There is no batch c."}, 404, {})
    server.replies = [batch(), unknown]
    assert run("delete", BATCH_ID, "c" * 32, "--yes") == (2, "", "eva01: There is no batch c.\n")
    assert [method for method, _, _ in server.requests] == ["GET", "GET"]
