"""The command against a real HTTP server: what it prints, what it sends, and its exit codes."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.processes import wait_until
from tests.unit.eva01.conftest import Run
from tests.unit.scripted_server import BATCH_ID, JOB_ID, Reply, Server

HOME = Path(__file__).parents[3]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(b"pixels")
    return folder


def start(server: Server, *arguments: object, before: Sequence[str] = ()) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*before, sys.executable, "-m", "eva01", *map(str, arguments)],
        env={**os.environ, "EVA01_SERVER": server.url, "PYTHONPATH": str(HOME), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def run(run: Run, server: Server, monkeypatch) -> Run:
    """Runs the command, which asks that server."""
    monkeypatch.setenv("EVA01_SERVER", server.url)
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


def test_submit_says_how_many_answers_are_cut_short_and_how_to_ask_again(run, server, images):
    cut = {**RED, "finish_reason": "length"}
    server.replies = [batch(), sent("a.png", "b.png"), batch(), batch(cut_short=1), page(cut, BLUE)]
    code, out, _ = run("submit", images, "-q", "Which color?", "--max-new-tokens", "3")
    assert code == 0, "an answer that is cut is an answer"
    assert "red (cut short)" in out
    assert "1 answer is cut short. Ask again with more:  eva01 submit … --max-new-tokens NUMBER" in out
    assert server.bodies[0]["max_new_tokens"] == 3


def test_submit_refuses_a_longest_answer_of_nothing(run, server, images):
    code, _, err = run("submit", images, "--max-new-tokens", "0")
    assert (code, "--max-new-tokens" in err, server.requests) == (2, True, [])


def test_programs_are_told_of_cut_answers_by_submit_status_and_results(run, server, images):
    cut = {**RED, "finish_reason": "length"}
    server.replies = [batch(), sent("a.png", "b.png"), batch(), batch(cut_short=1)]
    assert json.loads(run("submit", images, "--json")[1])["cut_short"] == 1
    server.replies = [batch(cut_short=1)]
    assert json.loads(run("status", BATCH_ID, "--json")[1])["cut_short"] == 1
    server.replies = [batch(cut_short=1), page(cut, BLUE)]
    lines = [json.loads(line) for line in run("results", BATCH_ID, "--json")[1].splitlines()]
    assert [line["finish_reason"] for line in lines] == ["length", None]


def test_results_into_a_file_say_how_many_answers_are_cut_short(run, server, tmp_path):
    written = ("file,state\r\n", 200, {"Content-Type": "text/csv"})
    server.replies = [batch(cut_short=2), written]
    _, out, _ = run("results", BATCH_ID, "--out", tmp_path / "out.csv")
    assert "2 answers are cut short." in out


def weakly() -> list[str]:
    """In front of a command: root must ask for leave to read, as everybody has to."""
    if os.geteuid():
        return []
    taken = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={taken}", f"--inh-caps={taken}"]


def run_weakly(server: Server, *arguments: object) -> tuple[int, str, str]:
    with start(server, *arguments, before=weakly()) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_submit_names_what_cannot_be_read_sends_the_rest_and_ends_with_1(server, images, tmp_path):
    (images / "locked").mkdir(mode=0)
    (images / "b.png").chmod(0)
    one = batch(total=1, counts={"succeeded": 1})
    csv: Reply = ("file,state,answer,error_code,error_message,more\r\na.png,succeeded,red,,,\r\n", 200, {})
    server.replies = [one, sent("a.png"), one, one, csv, page(RED)]
    code, out, _ = run_weakly(server, "submit", images, "--out", tmp_path / "o.csv")
    assert code == 1
    assert "Sent 1 of 2 files." in out
    assert "Not sent: locked cannot be read: Permission denied.\n" in out
    assert "Not sent: b.png cannot be read: Permission denied.\n" in out
    assert "1 image answered, 0 not, 2 not sent." in out
    assert list(server.files[1]) == ["a.png"]
    assert (tmp_path / "o.csv").read_text().splitlines() == [
        "file,state,answer,error_code,error_message,more",
        "a.png,succeeded,red,,,",
        "locked,not_sent,,file_unreadable,locked cannot be read: Permission denied.,",
        "b.png,not_sent,,file_unreadable,b.png cannot be read: Permission denied.,",
    ]


def test_submit_names_what_lies_in_a_folder_that_may_be_listed_and_not_entered(server, images, tmp_path):
    locked = images / "locked"
    locked.mkdir()
    (locked / "c.png").write_bytes(b"pixels")
    (images / "link.png").symlink_to(locked / "c.png")
    locked.chmod(0o444)
    try:
        server.replies = [batch(), sent("a.png", "b.png"), batch(), batch()]
        code, out, err = run_weakly(server, "submit", images, "--json")
        assert (code, err) == (1, "")
        assert [upload["file"] for upload in json.loads(out)["not_sent"]] == ["link.png", "locked/c.png"]
        server.replies = [batch(), sent("a.png"), batch(), batch()]
        code, out, err = run_weakly(server, "submit", locked / "c.png", images / "a.png", "--json")
        assert (code, err) == (1, "")
        assert [upload["file"] for upload in json.loads(out)["not_sent"]] == ["c.png"]
    finally:
        locked.chmod(0o755)


def test_submit_without_waiting_names_what_was_not_sent(run, server, images):
    refused: Reply = ({"files": [{"file": "a.png", "job_id": JOB_ID}, {"file": "b.png"}]}, 202, {})
    waiting = batch(is_done=False, total=1, counts={"queued": 1})
    server.replies = [waiting, refused, waiting, waiting]
    code, out, _ = run("submit", images, "--no-wait")
    assert code == 1
    assert out.splitlines()[-2:] == [
        "Not sent: b.png: no reason",
        f"Batch {BATCH_ID} is sent, but for 1 file. Look at it:  eva01 status {BATCH_ID}",
    ]


def test_submit_ends_with_2_when_nothing_can_be_read(server, images):
    for name in ("a.png", "b.png"):
        (images / name).chmod(0)
    empty = batch(total=0, counts={})
    server.replies = [empty, empty, empty]
    code, out, _ = run_weakly(server, "submit", images, "--json")
    assert code == 2
    assert [upload["file"] for upload in json.loads(out)["not_sent"]] == ["a.png", "b.png"]
    images.chmod(0)
    code, _, err = run_weakly(server, "submit", images)
    assert code == 2
    assert f"{images} cannot be read: Permission denied." in err
    images.chmod(0o700)


def test_submit_says_what_is_left_out_by_kind(run, server, images):
    for name in ("1.cr2", "2.CR2", "film.mov", "notes.txt", ".hidden"):
        (images / name).write_bytes(b"x")
    server.replies = [batch(), sent("a.png", "b.png"), batch(), batch(), page(RED, BLUE)]
    code, out, _ = run("submit", images)
    assert code == 0
    assert out.splitlines()[:2] == [
        "Left out 2 RAW photos: 1.cr2, 2.CR2. Save as JPEG, and send again.",
        "Left out 1 hidden file or folder, 1 video and 1 other file.",
    ]
    server.replies = [batch(), sent("a.png", "b.png"), batch(), batch()]
    code, out, _ = run("submit", images, "--json")
    assert {one["kind"]: one["count"] for one in json.loads(out)["left_out"]} == {
        "raw": 2,
        "hidden": 1,
        "video": 1,
        "other": 1,
    }


def test_submit_ends_with_2_and_says_what_is_there_when_there_is_nothing_to_send(run, server, tmp_path):
    for name in ("1.cr2", "2.cr2", "film.mov"):
        (tmp_path / name).write_bytes(b"x")
    code, out, err = run("submit", tmp_path)
    assert (code, out) == (2, "")
    assert "There: 2 RAW photos and 1 video. Save as JPEG, and send again." in err
    assert "no images" not in err
    assert server.requests == []


def test_what_could_not_be_sent_is_a_line_of_jsonl_as_well(run, server, images, tmp_path):
    refused: Reply = (
        {"files": [{"file": "a.png", "job_id": JOB_ID}, {"file": "=b.png", "error": None}]},
        202,
        {},
    )
    written: Reply = ('{"file": "a.png"}\n', 200, {})
    server.replies = [batch(), refused, batch(), batch(), written, page(RED)]
    code, _, _ = run("submit", images, "--out", tmp_path / "o.jsonl")
    assert code == 1
    last = json.loads((tmp_path / "o.jsonl").read_text().splitlines()[-1])
    assert (last["file"], last["state"]) == ("=b.png", "not_sent")


def test_submit_writes_the_file_asked_for(run, server, images, tmp_path):
    written = ('{"file": "a.png"}\n', 200, {"Content-Type": "application/jsonl"})
    server.replies = [batch(), sent("a.png", "b.png"), batch(), batch(), written, page(RED, BLUE)]
    code, out, _ = run("submit", images, "--out", tmp_path / "new" / "out.jsonl")
    assert code == 0
    assert (tmp_path / "new" / "out.jsonl").read_text() == '{"file": "a.png"}\n'
    assert f"Results: {tmp_path}" in out


def test_submit_refuses_a_file_of_results_that_cannot_be_written_before_anything_is_sent(
    run, server, images, tmp_path
):
    (tmp_path / "file").write_bytes(b"")
    for out, reason in ((tmp_path / "file" / "o.csv", "exists"), (images, "folder"), ("/proc/x/o.csv", "")):
        code, _, err = run("submit", images, "--out", out)
        assert (code, server.requests) == (2, [])
        assert err.startswith(f"eva01: The results cannot be written to {out}: ") and reason in err
        assert len(err.splitlines()) == 1


def test_results_that_cannot_be_written_at_the_end_are_said_to_be_kept(run, server, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    server.replies = [batch()]
    code, _, err = run("results", BATCH_ID, "--out", tmp_path / "file" / "o.csv")
    assert code == 2
    assert err.endswith(f"They are kept: eva01 results {BATCH_ID} --out FILE\n")


def test_submit_refuses_an_input_without_a_name(run, server, monkeypatch, images):
    monkeypatch.chdir(images)
    code, _, err = run("submit", "")
    assert (code, server.requests) == (2, [])
    assert err == "eva01: An input has no name. Write `.` for the folder you are in.\n"


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
        wait_until(lambda: len(server.requests) >= 5, "it waits")
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


def test_retry_says_how_many_it_has_left_alone_and_how_to_ask_again(run, server):
    server.replies = [batch(retried=0, left_cut_short=2)]
    code, out, _ = run("retry", BATCH_ID)
    assert code == 0
    assert "2 answers were cut and left alone: they would be cut again. Ask again with more:" in out
    server.replies = [batch(left_cut_short=1)]
    assert json.loads(run("retry", BATCH_ID, "--json")[1])["left_cut_short"] == 1


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


QUOTA = "Your quota is 500 images a day (images_per_day); 0 of that is left. It renews at 00:00 UTC."
OVER: Reply = ({"code": "quota_exceeded", "detail": QUOTA}, 429, {"Retry-After": "40000"})


def test_what_a_quota_keeps_from_being_sent_is_named_with_when_and_how_to_go_on(
    run, server, images, tmp_path, monkeypatch
):
    one_of_two = batch(total=1, counts={"succeeded": 1}, is_done=False, state="open")
    table = ("file,state,error_code\na.png,succeeded,\n", 200, {"Content-Type": "text/csv"})
    out_file = tmp_path / "out.csv"
    server.replies = [batch(), OVER, page(RED), one_of_two, table, page(RED)]
    code, out, err = run("submit", images, "-q", "Which color?", "--out", out_file)
    assert (code, err) == (1, "")
    assert "Sent 1 of 2 files." in out
    assert f"/api/batches/{BATCH_ID}/close" not in [path for _, path, _ in server.requests]
    assert "1 image answered, 0 not, 1 not sent." in out
    again = f"eva01 submit {images} --batch {BATCH_ID}"
    assert out.splitlines()[-3:] == [
        "Not sent, since a quota is used up: 1 file: b.png",
        f"{QUOTA} Try again in 11 h. Then send the rest:",
        f"    {again}",
    ]
    assert "b.png,not_sent,quota_exceeded" in out_file.read_text()

    server.replies = [batch(state="open"), sent("a.png", "b.png"), batch(), batch(), page(RED, BLUE)]
    code, out, _ = run(*again.split()[1:])
    assert (code, "2 images answered, 0 not." in out) == (0, True)
    assert server.requests[-5][:2] == ("GET", f"/api/batches/{BATCH_ID}")
    assert server.requests[-3][1].endswith("/close")


def test_submit_ends_with_2_when_a_quota_keeps_all_from_being_sent(run, server, images):
    server.replies = [batch(), OVER, page(), batch(total=0, counts={}, state="open")]
    code, out, _ = run("submit", images, "--no-wait", "--json")
    not_sent = json.loads(out.splitlines()[0])["not_sent"]
    assert (code, [one["file"] for one in not_sent]) == (2, ["a.png", "b.png"])
    assert {one["error"]["code"] for one in not_sent} == {"quota_exceeded"}


def test_a_server_that_goes_away_half_way_leaves_a_batch_to_go_on_with(run, server, images):
    server.replies = [batch(), ({"code": "internal_error", "detail": "Ours."}, 500, {})]
    code, out, err = run("submit", images)
    assert (code, err) == (2, "eva01: Ours.\n")
    assert f"Go on with it:  eva01 submit {images} --batch {BATCH_ID}" in out


def test_a_batch_that_takes_no_more_files_and_other_questions_are_refused(run, server, images):
    server.replies = [batch(state="closed")]
    code, _, err = run("submit", images, "--batch", BATCH_ID)
    assert (code, f"Batch {BATCH_ID} is closed and takes no more files." in err) == (2, True)
    assert run("submit", images, "--batch", BATCH_ID, "-q", "What?")[0] == 2
    assert len(server.requests) == 1


def test_a_quota_that_renews_soon_is_waited_for(run, server, images):
    over = ({"code": "quota_exceeded", "detail": "later"}, 429, {"Retry-After": "0"})
    server.replies = [batch(), over, over, sent("a.png", "b.png"), batch(), batch(), page(RED, BLUE)]
    assert run("submit", images)[0] == 0


def test_usage_is_a_table_with_its_sum_or_what_the_server_said(run, server):
    taken = {
        "taken": 1200,
        "succeeded": 1190,
        "failed": 4,
        "cancelled": 0,
        "open": 6,
        "output_tokens": 9,
        "device_s": 61.25,
    }
    usage = {
        "days": [{"day": "2027-01-31", "owner": "anna", **taken}],
        "owners": [{"owner": "anna", "open_jobs": 6, **taken}],
        "sum": taken,
        "next_to": None,
        "quotas": {"open_jobs": 1000, "images_per_day": None},
    }
    server.replies = [(usage, 200, {})] * 2
    code, out, _ = run("usage", "--from", "2027-01-01", "--owner", "anna")
    assert code == 0
    assert server.requests[-1][1].startswith("/api/usage")
    assert [line.split()[:4] for line in out.splitlines() if "1,190" in line] == [
        ["2027-01-31", "1,200", "1,190", "9"],
        ["sum", "1,200", "1,190", "9"],
    ]
    assert "4 failed" in out
    assert out.splitlines()[-2:] == ["anna has 6 open jobs now.", "Quotas: 1,000 open jobs."]
    assert json.loads(run("usage", "--json")[1]) == usage


def test_models_for_programs_are_what_the_server_said(run, server):
    model = {"name": "nano", "description": "d", "workers": 2, "uses_question": True, "is_default": True}
    server.replies = [({"models": [model]}, 200, {})]
    code, out, _ = run("models", "--json")
    assert code == 0
    shown = {
        "default_question": "",
        "has_fields": False,
        "has_logprobs": False,
        "has_sampling": False,
        "has_token_limit": True,
        "max_pixels": None,
        "price": None,
    }
    assert json.loads(out)[0] == {**model, **shown}


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


def test_share_prints_the_link_alone(run, server):
    server.replies = [
        ({"id": "c" * 32, "url": "/shared/token", "expires_at": "2026-01-12T10:00:00Z"}, 201, {})
    ]
    assert run("share", BATCH_ID, "--days", 3, "--note", "for Ben") == (0, f"{server.url}/shared/token\n", "")
    assert server.bodies == [{"days": 3, "note": "for Ben"}]


def test_share_lists_and_revokes(run, server):
    listed = {"id": "c" * 32, "state": "works", "note": "for [red]Ben", "made_by": "key:eva01_12345678"}
    server.replies = [({"shares": [listed]}, 200, {}), ("", 204, {}), ({"revoked": 2}, 200, {})]
    code, out, _ = run("share", BATCH_ID, "--list")
    assert (code, "c" * 32 in out, "for [red]Ben" in out, "works" in out) == (0, True, True, True)
    assert run("share", BATCH_ID, "--revoke", "c" * 32) == (0, "The link is revoked.\n", "")
    code, out, _ = run("share", BATCH_ID, "--revoke-all", "--json")
    assert (code, json.loads(out)) == (0, {"revoked": 2})


@pytest.mark.parametrize("both", [("--list", "--revoke-all"), ("--revoke", "x", "--days", 3)])
def test_share_does_one_thing_at_a_time(run, server, both):
    code, _, err = run("share", BATCH_ID, *both)
    assert (code, "One thing at a time" in err, server.requests) == (2, True, [])
