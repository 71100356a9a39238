"""`eva01 batch` against a real HTTP server: what it sends and writes, and its exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest

from eva01.client.orders import endpoint_of
from tests.unit.eva01.conftest import Run
from tests.unit.scripted_server import BATCH_ID, Reply, Server

ID = f"batch_{BATCH_ID}"


@pytest.fixture
def run(run: Run, server: Server, monkeypatch) -> Run:
    """Runs the command, which asks that server."""
    monkeypatch.setenv("EVA01_SERVER", server.url)
    return run


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    file = tmp_path / "requests.jsonl"
    file.write_text('{"custom_id": "a"}\n')
    return file


def state(status: str, completed: int = 0, failed: int = 0, **more: str) -> Reply:
    counts = {"total": 2, "completed": completed, "failed": failed}
    return {"id": ID, "status": status, "request_counts": counts, **more}, 200, {}


def looked_at(**more: Any) -> Reply:
    """The batch as it is on the page."""
    return {"id": BATCH_ID, "state": "done", **more}, 200, {}


SENT: Reply = {"id": "file-1"}, 200, {}


def test_answers_are_written_and_the_exit_code_is_0(run, server, requests, tmp_path):
    server.replies = [
        SENT,
        state("validating"),
        state("completed", 2, output_file_id="file-o"),
        ("{}\n", 200, {}),
        looked_at(),
    ]
    code, out, _ = run("batch", requests, "--out", tmp_path / "to.jsonl")
    assert (code, (tmp_path / "to.jsonl").read_text()) == (0, "{}\n")
    assert "2 of 2 requests have an answer" in out
    assert not (tmp_path / "requests.errors.jsonl").exists()
    assert server.files[0] == {"requests.jsonl": requests.read_bytes()}
    assert server.fields[0] == {"purpose": "batch"}
    assert server.bodies[1] == {
        "input_file_id": "file-1",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    }
    assert [path for _, path, _ in server.requests] == [
        "/v1/files",
        "/v1/batches",
        f"/v1/batches/{ID}",
        "/v1/files/file-o/content",
        f"/api/batches/{BATCH_ID}",
    ]


def test_answers_that_are_cut_short_are_said(run, server, requests):
    server.replies = [SENT, state("completed", 2), state("completed", 2), looked_at(cut_short=1)]
    code, out, _ = run("batch", requests)
    assert code == 0
    assert "1 answer is cut short: the lines want a larger max_tokens." in out


def test_a_file_and_its_answers_go_when_it_is_said(run, server, requests):
    server.replies = [SENT, state("completed", 2), state("completed", 2), looked_at()]
    assert run("batch", requests, "--expires-after", "36h")[0] == 0
    life = {"anchor": "created_at", "seconds": 129_600}
    sent = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "129600"}
    assert server.fields[0] == {"purpose": "batch", **sent}
    assert server.bodies[1]["output_expires_after"] == life


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--expires-after", "soon"), "'soon' is no time. Write 3600 (seconds), 90min, 36h or 7d."),
        (("--expires-after", "59min"), "is not from 1 h 00 min to 720 h 00 min"),
        (("--expires-after", "31d"), "is not from"),
        (("--out", "a.jsonl", "--errors", "a.jsonl"), "one would be written over another"),
        (("--out", "requests.jsonl"), "one would be written over another"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_sent(
    run, server, requests, monkeypatch, options, says
):
    monkeypatch.chdir(requests.parent)
    code, _, err = run("batch", requests.name, *options)
    assert (code, server.requests) == (2, [])
    assert says in err


def test_errors_are_written_beside_the_file_and_the_exit_code_is_1(run, server, requests, tmp_path):
    done = state("completed", 1, 1, output_file_id="file-o", error_file_id="file-e")
    server.replies = [SENT, state("validating"), done, ("1\n", 200, {}), ("2\n", 200, {}), looked_at()]
    code, out, _ = run("batch", requests, "--json")
    assert (code, json.loads(out)["request_counts"]["failed"]) == (1, 1)
    assert (tmp_path / "requests.answers.jsonl").read_text() == "1\n"
    assert (tmp_path / "requests.errors.jsonl").read_text() == "2\n"


def test_what_the_server_refuses_is_said_in_its_words(run, server, requests):
    error = {"error": {"message": "The file is empty.", "code": "invalid_field", "param": "file"}}
    server.replies = [(error, 400, {})]
    code, _, err = run("batch", requests)
    assert code == 2
    assert "The file is empty." in err


@pytest.mark.parametrize(
    ("lines", "endpoint"),
    [
        ('{"url": "/v1/responses"}', "/v1/responses"),
        ('\nno JSON\n[]\n{}\n{"url": "/v1/responses"}\n', "/v1/responses"),
        ("", "/v1/chat/completions"),
        ("\ufeff1\n2", "/v1/chat/completions"),
    ],
)
def test_what_a_file_asks_says_the_first_of_its_lines_that_says_it(tmp_path, lines, endpoint):
    (tmp_path / "a.jsonl").write_text(lines, encoding="utf-8")
    assert endpoint_of(tmp_path / "a.jsonl") == endpoint
