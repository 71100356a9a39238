"""The client against a real HTTP server that parses forms with Werkzeug, as web does."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from eva01.cli.progress import Silence
from eva01.cli.submission import Submission, send
from eva01.client.client import Client
from eva01.client.errors import ClientError, FileUnreadable, ServerAway, Stopped
from eva01.client.files import Found, InputFile
from eva01.client.multipart import FilePart, Multipart
from tests.unit.scripted_server import BATCH_ID, JOB_ID, Reply, Server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url, patience_s=5) as client:
        yield client


def image(tmp_path: Path, name: str, content: bytes = b"pixels") -> InputFile:
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.bin"
    path.write_bytes(content)
    return InputFile(path, name, len(content))


@pytest.mark.parametrize(
    "name",
    [
        "plain.png",
        "folder with space/照片 2.png",
        'quote".png',
        "back\\slash.png",
        "new\nline\r.png",
        "percent%22.png",
        "percent%0A.png",
        "semi;colon.png",
        "apo'strophe.png",
        "<script>alert(1)</script>.png",
        "émoji 🦊 \u202e.png",
        "=1+1.png",
    ],
)
def test_every_file_name_arrives_as_it_was(client, server, tmp_path, name):
    outcomes = list(client.upload_files(BATCH_ID, [image(tmp_path, name)]))
    assert [outcome.file for outcome in outcomes] == [name]
    assert server.files == [{name: b"pixels"}]


def test_many_files_go_in_requests_of_at_most_64_and_all_arrive(client, server, tmp_path):
    files = [image(tmp_path, f"{number}.png", str(number).encode()) for number in range(150)]
    outcomes = list(client.upload_files(BATCH_ID, files))
    assert sorted(len(request) for request in server.files) == [22, 64, 64]
    assert {outcome.file for outcome in outcomes} == {file.name for file in files}
    arrived = {name: content for request in server.files for name, content in request.items()}
    assert arrived == {f"{number}.png": str(number).encode() for number in range(150)}


def test_a_file_that_cannot_be_read_is_an_outcome_and_the_others_are_sent(client, server, tmp_path):
    gone = InputFile(tmp_path / "gone.png", "gone.png", 10)
    grown = image(tmp_path, "grown.png")
    grown.path.write_bytes(b"more than it had")
    outcomes = list(client.upload_files(BATCH_ID, [image(tmp_path, "a.png"), gone, grown]))
    refused = {outcome.file: outcome.error.code for outcome in outcomes if outcome.error}
    assert refused == {"gone.png": "file_unreadable", "grown.png": "file_unreadable"}
    assert server.files == [{"a.png": b"pixels"}]


@pytest.mark.parametrize("content", [b"less", b"more than it had"])
def test_a_file_that_changes_while_it_is_sent_is_never_sent_as_something_else(tmp_path, content):
    file = image(tmp_path, "a.png")
    body = iter(Multipart([FilePart("files", file.name, file.path, file.size_bytes)]))
    next(body)
    file.path.write_bytes(content)
    with pytest.raises(FileUnreadable, match=r"a\.png cannot be read: its size changes"):
        list(body)


def test_a_request_too_large_for_the_server_is_sent_in_halves(client, server, tmp_path):
    server.replies = [({"code": "too_large", "detail": "no"}, 413, {})]
    outcomes = list(client.upload_files(BATCH_ID, [image(tmp_path, f"{n}.png") for n in range(4)]))
    assert [len(request) for request in server.files] == [4, 2, 2]
    assert not any(outcome.error for outcome in outcomes)


def test_what_stops_an_upload_says_which_files_were_not_sent(client, server, tmp_path):
    files = [image(tmp_path, f"{number:03}.png") for number in range(5 * 64)]
    refusal: Reply = ({"code": "quota_exceeded", "detail": "All is used."}, 403, {})
    server.replies = [refusal] * 5
    with pytest.raises(ClientError) as refused:
        list(client.upload_files(BATCH_ID, files))
    assert refused.value.unsent == tuple(file.name for file in files)
    assert len(server.requests) <= 5


def test_a_single_file_too_large_for_the_server_is_an_outcome(client, server, tmp_path):
    server.replies = [({"code": "too_large", "detail": "no"}, 413, {})]
    [outcome] = client.upload_files(BATCH_ID, [image(tmp_path, "huge.png")])
    assert outcome.job_id is None
    assert outcome.error.code == "too_large"


def test_a_problem_becomes_an_error_with_the_servers_code_message_and_status(client, server):
    server.replies = [({"code": "unknown_model", "detail": "There is no model x."}, 422, {})]
    with pytest.raises(ClientError) as caught:
        client.create_batch("why?", model="x")
    assert (caught.value.code, caught.value.message, caught.value.status) == (
        "unknown_model",
        "There is no model x.",
        422,
    )


def test_a_busy_server_is_asked_again_under_the_same_idempotency_key(client, server):
    busy = ({"code": "redis_unavailable", "detail": "later"}, 503, {"Retry-After": "0"})
    still = ({"code": "idempotency_in_progress", "detail": "wait"}, 409, {"Retry-After": "0"})
    server.replies = [busy, busy, still, ({"id": BATCH_ID, "model": "ocr"}, 201, {})]
    assert client.create_batch("why?").id == BATCH_ID
    keys = [key for _, _, key in server.requests]
    assert len(keys) == 4
    assert len(set(keys)) == 1
    assert keys[0]


def test_two_calls_have_two_idempotency_keys(client, server):
    server.replies = [({"id": BATCH_ID}, 201, {}), ({"id": BATCH_ID}, 201, {})]
    client.create_batch("why?")
    client.create_batch("why?")
    assert len({key for _, _, key in server.requests}) == 2


def test_patience_ends_with_the_servers_own_reason(server):
    server.replies = [({"code": "redis_unavailable", "detail": "later"}, 503, {"Retry-After": "30"})]
    with Client(server.url, patience_s=1) as client, pytest.raises(ServerAway) as caught:
        client.batch(BATCH_ID)
    assert caught.value.code == "redis_unavailable"


def test_an_answer_that_is_no_problem_json_is_still_an_error(client, server):
    server.replies = [("<h1>Not here</h1>", 404, {})]
    with pytest.raises(ClientError, match="404"):
        client.batch(BATCH_ID)


def test_no_server_is_said_with_the_remedy():
    with Client("http://127.0.0.1:9", patience_s=0.1) as client, pytest.raises(ServerAway, match="eva01 up"):
        client.status()


def test_an_address_without_http_is_taken_as_http(server):
    server.replies = [({"id": BATCH_ID}, 200, {})]
    with Client(server.url.removeprefix("http://")) as client:
        assert client.batch(BATCH_ID).id == BATCH_ID


def test_a_client_told_to_stop_does_not_wait_for_the_server(client, server):
    server.replies = [({"code": "busy", "detail": "later"}, 503, {"Retry-After": "60"})] * 2
    with Client(server.url, patience_s=1000) as patient:
        threading.Timer(0.2, patient.stop).start()
        with pytest.raises(Stopped):
            patient.batch(BATCH_ID)


def test_fields_the_client_does_not_know_are_kept_and_missing_ones_have_defaults(client, server):
    server.replies = [({"id": "c" * 32, "state": "sleeping", "mood": {"today": "good"}}, 200, {})]
    job = client.job("c" * 32)
    assert job.state == "sleeping"
    assert job.to_json()["mood"] == {"today": "good"}
    assert job.answer is None


def test_results_follow_the_cursor_to_the_end(client, server):
    jobs = [{"id": str(n) * 32, "state": "succeeded", "answer": str(n)} for n in range(3)]
    server.replies = [
        ({"jobs": jobs[:2], "next_cursor": 2}, 200, {}),
        ({"jobs": jobs[2:], "next_cursor": None}, 200, {}),
    ]
    assert [job.answer for job in client.results(BATCH_ID)] == ["0", "1", "2"]


def test_the_lines_of_a_job_come_with_their_boxes_when_they_are_asked_for(client, server):
    line = {"text": "Total", "box": [1, 20, 44, 32], "confidence": 0.87}
    server.replies = [({"id": JOB_ID, "state": "succeeded", "lines": [line]}, 200, {})]
    (seen,) = client.job(JOB_ID, lines=True).lines or []
    assert (seen.text, seen.box, seen.confidence, seen.page) == ("Total", (1, 20, 44, 32), 0.87, None)
    assert server.queries == ["lines=true"]


def test_watching_ends_when_the_batch_is_done_and_an_unchanged_one_is_not_read_again(client, server):
    now = {"Retry-After": "0", "ETag": '"1"'}
    server.replies = [
        ({"id": BATCH_ID, "total": 2, "counts": {"queued": 2}}, 200, now),
        ("", 304, now),
        ({"id": BATCH_ID, "total": 2, "counts": {"succeeded": 2}, "is_done": True}, 200, now),
    ]
    seen = list(client.watch(BATCH_ID))
    assert [batch.finished for batch in seen] == [0, 0, 2]


def test_a_download_replaces_the_file_only_when_it_is_whole(client, server, tmp_path):
    target = tmp_path / "results.csv"
    target.write_text("old")
    server.replies = [({"code": "batch_not_found", "detail": "no"}, 404, {})]
    with pytest.raises(ClientError):
        client.results_csv(BATCH_ID, target)
    assert target.read_text() == "old"
    server.replies = [("file,state\r\n", 200, {"Content-Type": "text/csv"})]
    client.results_csv(BATCH_ID, target)
    assert target.read_bytes() == b"file,state\r\n"
    assert list(tmp_path.iterdir()) == [target]


def test_analyze_sends_the_question_beside_the_image(client, server, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"pixels")
    server.replies = [({"id": "c" * 32, "state": "succeeded", "answer": "red"}, 200, {})]
    assert client.analyze(path, "色は？", model="nano").answer == "red"
    assert server.fields == [{"question": "色は？", "wait": "25", "model": "nano"}]
    assert server.files == [{"a.png": b"pixels"}]


def test_the_longest_answer_is_sent_where_it_is_said(client, server, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"pixels")
    job = {"id": "c" * 32, "state": "succeeded", "answer": "red", "finish_reason": "length"}
    batch = {"id": BATCH_ID, "cut_short": 3}
    server.replies = [(job, 200, {}), (job, 202, {}), (batch, 201, {}), (batch, 201, {})]
    assert client.analyze(path, "Color?", max_new_tokens=7).is_cut_short
    assert client.create_job(path, max_new_tokens=8).finish_reason == "length"
    assert client.create_batch("Color?", max_new_tokens=9).cut_short == 3
    client.create_batch()
    assert [fields.get("max_new_tokens") for fields in server.fields[:2]] == ["7", "8"]
    assert server.bodies[2:] == [
        {"question": "Color?", "name": "", "max_new_tokens": 9},
        {"question": "", "name": ""},
    ]


def test_a_server_that_does_not_say_why_an_answer_ends_is_no_sign_of_a_cut_one(client, server):
    server.replies = [({"id": "c" * 32, "state": "succeeded", "answer": "red"}, 200, {})]
    job = client.job("c" * 32)
    assert (job.finish_reason, job.is_cut_short) == (None, False)


def test_a_shared_batch_has_an_address_of_the_whole_web(client, server):
    server.replies = [({"url": "/shared/token", "expires_at": "2026-01-12T10:00:00Z"}, 201, {})]
    assert client.share_batch(BATCH_ID, days=3) == f"{server.url}/shared/token"
    assert server.requests[0][:2] == ("POST", f"/api/batches/{BATCH_ID}/share")
    assert server.bodies[0] == {"days": 3}


def test_links_are_listed_and_revoked(client, server):
    listed = {"id": "c" * 32, "state": "works", "note": "for Ben", "expires_at": "2026-01-12T10:00:00Z"}
    server.replies = [({"shares": [listed]}, 200, {}), ("", 204, {}), ({"revoked": 2}, 200, {})]
    (share,) = client.shares(BATCH_ID)
    assert (share.id, share.state, share.note, share.last_used_at) == ("c" * 32, "works", "for Ben", None)
    client.revoke_share(BATCH_ID, share.id)
    assert client.revoke_shares(BATCH_ID) == 2
    place = f"/api/batches/{BATCH_ID}/shares"
    expected = [("GET", place), ("DELETE", f"{place}/{share.id}"), ("DELETE", place)]
    assert [request[:2] for request in server.requests] == expected


def test_a_batch_is_renamed(client, server):
    shown = {
        "id": BATCH_ID,
        "name": "Feiertag",
        "state": "open",
        "model": "nano",
        "question": "",
        "counts": {},
    }
    server.replies = [(shown, 200, {})]
    assert client.rename_batch(BATCH_ID, "Feiertag").name == "Feiertag"
    assert server.requests[0][:2] == ("PATCH", f"/api/batches/{BATCH_ID}")


def test_a_client_without_an_address_takes_the_environments_else_this_machine(monkeypatch):
    monkeypatch.setenv("EVA01_SERVER", "http://there:1")
    assert Client().server == "http://there:1"
    assert Client("http://here:2").server == "http://here:2"
    monkeypatch.setenv("EVA01_SERVER", "")
    assert Client().server == "http://127.0.0.1:8000"


def test_a_page_may_be_asked_about(client, server, tmp_path):
    server.replies = [({"id": "1" * 32, "state": "queued", "page": 2}, 202, {})] * 2
    path = tmp_path / "a.tif"
    path.write_bytes(b"pixels")
    assert client.create_job(path, "Which?", page=2).page == 2
    client.analyze(path, page=3)
    assert server.fields == [
        {"question": "Which?", "page": "2"},
        {"question": "", "page": "3", "wait": "25"},
    ]


def test_the_pages_of_a_file_count_as_one_file_that_was_sent(client, server, tmp_path):
    class Counts(Silence):
        def __init__(self) -> None:
            self.counts: list[tuple[int, int]] = []

        def sent(self, count: int, total: int, *, is_last: bool = False) -> None:
            self.counts.append((count, total))

    outcomes = [
        {"file": "a.tif", "page": 1, "job_id": "1" * 32},
        {"file": "a.tif#2", "page": 2, "job_id": "2" * 32},
        {"file": "a.tif#3", "page": 3, "job_id": "3" * 32},
        {"file": "b.png", "job_id": "4" * 32},
    ]
    server.replies = [({"files": outcomes}, 202, {}), ({"id": BATCH_ID}, 200, {})]
    files = [
        image(tmp_path, "a.tif"),
        image(tmp_path, "b.png"),
    ]
    watcher = Counts()
    assert send(client, BATCH_ID, Submission(Found(tuple(files)), "", None, ""), watcher).unsent == ()
    assert watcher.counts == [(0, 2), (1, 2), (1, 2), (1, 2), (1, 2), (2, 2)]
