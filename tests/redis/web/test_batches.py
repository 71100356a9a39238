"""Batches over HTTP, on a real server: files, zips, results, exports."""

import csv
import io
import json
import zipfile

import httpx
import pytest
from openpyxl import load_workbook

from jobs.contract import names
from jobs.contract.models import JobError, Result, new_id
from jobs.upkeep.restore import Restore
from tests.asking import IMAGE, new_batch, post_files, send
from tests.files import hostile
from tests.redis.web.test_jobs import code_of

pytestmark = pytest.mark.redis


@pytest.fixture
def store(http):
    return http.application.extensions["eva01"].store


@pytest.fixture
def batch(http) -> str:
    return new_batch(http, name="holiday")


def counts(http, batch: str) -> dict[str, int]:
    return {state: count for state, count in http.get(batch).json["counts"].items() if count}


def jobs(http, batch: str, **query) -> list[dict]:
    return http.get(f"{batch}/results", query_string=query).json["jobs"]


def test_a_new_batch_is_open_and_empty(http, batch):
    shown = http.get(batch).json
    assert (shown["state"], shown["total"], shown["is_done"], shown["name"]) == ("open", 0, False, "holiday")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (400, "missing_question")),
        ({"question": "q", "model": "gpt"}, (422, "unknown_model")),
        ({"question": "x" * 4001}, (413, "question_too_long")),
        ({"question": "q", "name": "x" * 1025}, (413, "name_too_long")),
        ({"question": "q", "modle": "nano"}, (400, "invalid_field")),
        ({"question": 7}, (400, "invalid_field")),
        ([], (400, "malformed_body")),
    ],
)
def test_a_bad_batch_is_refused(http, body, expected):
    assert code_of(http.post("/api/batches", json=body)) == expected


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "no"),
        (b"", "no"),
        (b"[" * 100_000, "deep"),
        (b'{"question":' * 5000, "deep"),
        (b'{"max_new_tokens": NaN}', "NaN"),
        (b'{"max_new_tokens": -Infinity}', "Infinity"),
        (b'{"max_new_tokens": ' + b"9" * 5000 + b"}", "no"),
        (b'{"question": "\\ud800"}', "surrogate"),
        (b'{"name": ["\\udc00\\ud800"]}', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b'{"question": "\xed\xa0\x80"}', "no"),
        ('{"question": "é"}'.encode("latin-1"), "no"),
    ],
)
def test_a_body_that_nobody_can_use_is_refused(http, body, said):
    refused = http.post("/api/batches", data=body, content_type="application/json")
    assert code_of(refused) == (400, "malformed_body")
    assert said in refused.json["detail"]


def test_a_character_that_is_written_as_two_halves_is_one(http):
    made = http.post("/api/batches", data=b'{"question": "\\ud83d\\ude00"}', content_type="application/json")
    assert made.json["question"] == "\U0001f600"


def test_ids_are_checked(http):
    for action in (
        "",
        "/timeline",
        "/results",
        *(f"/results.{kind}" for kind in ("csv", "jsonl", "xlsx", "zip")),
    ):
        assert code_of(http.get(f"/api/batches/xyz{action}")) == (400, "malformed_id")
        assert code_of(http.get(f"/api/batches/{new_id()}{action}")) == (404, "batch_not_found")
    for action in ("close", "cancel", "retry"):
        assert code_of(http.post(f"/api/batches/{new_id()}/{action}")) == (404, "batch_not_found")
    assert code_of(post_files(http, f"/api/batches/{new_id()}/files", {"a.png": IMAGE})) == (
        404,
        "batch_not_found",
    )


def test_files_are_taken_and_work_begins_at_once(http, batch, redis_client):
    taken = send(http, batch, {"a.png": IMAGE, "folder/b.jpg": hostile.encoded(image_format="JPEG")})
    assert [(one["file"], one["state"], one["is_new"]) for one in taken] == [
        ("a.png", "accepted", True),
        ("folder/b.jpg", "accepted", True),
    ]
    assert redis_client.llen(names.bulk_queue("nano")) == 2
    assert counts(http, batch) == {"queued": 2}


def test_a_file_sent_again_makes_no_second_job(http, batch, redis_client):
    (first,) = send(http, batch, {"a.png": IMAGE})
    (again,) = send(http, batch, {"a.png": IMAGE})
    assert again == first | {"is_new": False}
    assert redis_client.llen(names.bulk_queue("nano")) == 1


def test_a_bad_file_is_listed_with_its_reason_and_the_others_go_on(http, batch):
    files = {
        "good.png": IMAGE,
        "svg.png": hostile.SVG,
        "html.png": hostile.HTML,
        "empty.png": b"",
        "huge.png": hostile.png_header(65_000, 65_000),
        "animation.gif": hostile.animation(200),
    }
    taken = {one["file"]: one["error"] and one["error"]["code"] for one in send(http, batch, files)}
    assert taken == {
        "good.png": None,
        "svg.png": "unsupported_format",
        "html.png": "not_an_image",
        "empty.png": "empty_file",
        "huge.png": "too_many_pixels",
        "animation.gif": None,
    }
    assert counts(http, batch) == {"queued": 2, "failed": 4}
    failed = {job["file"]: job["error"]["code"] for job in jobs(http, batch, state="failed")}
    assert failed == {file: code for file, code in taken.items() if code}


def test_a_refused_file_that_a_higher_limit_lets_in_is_its_own_job(http, batch, make_app, redis_client):
    (refused,) = send(make_app(max_image_bytes=1).test_client(), batch, {"a.png": IMAGE})
    assert refused["error"]["code"] == "image_too_large"
    (taken,) = send(http, batch, {"a.png": IMAGE})
    assert (taken["state"], taken["job_id"]) == ("accepted", refused["job_id"])
    assert counts(http, batch) == {"queued": 1}
    assert redis_client.llen(names.bulk_queue("nano")) == 1


def test_a_zip_is_taken_apart(http, batch):
    entries = {"a/b.png": IMAGE, "../out.png": IMAGE, "c.txt": b"x", "a/.DS_Store": b"x"}
    zipped = hostile.zipped(entries | {"more.zip": hostile.zipped(entries), "none.ZIP": b"x"})
    taken = send(http, batch, {"all.zip": zipped, "d.png": IMAGE})
    assert [(one["file"], one["error"] and one["error"]["code"]) for one in taken] == [
        ("a/b.png", None),
        ("../out.png", "unsafe_path"),
        ("c.txt", "not_an_image"),
        ("more.zip", "nested_zip"),
        ("none.ZIP", "not_an_image"),
        ("d.png", None),
    ]


def test_what_is_passed_over_in_zips_is_counted_and_named(http, batch):
    litter = {".DS_Store": b"x", "__MACOSX/._a.png": b"x", ".hidden/b.png": IMAGE}
    files = {"a.zip": hostile.zipped({"a.png": IMAGE} | litter), "b.zip": hostile.zipped({".c.png": IMAGE})}
    taken = post_files(http, f"{batch}/files", files).json
    assert [(one["file"], one["state"]) for one in taken["files"]] == [
        ("a.png", "accepted"),
        ("b.zip", "rejected"),
    ]
    assert taken["passed_over"] == {"count": 4, "examples": [*litter, ".c.png"]}
    assert post_files(http, f"{batch}/files", {"d.png": IMAGE}).json["passed_over"]["count"] == 0


def test_a_zip_bomb_is_refused_and_the_others_stay(make_app):
    http = make_app(max_zip_bytes=100_000).test_client()
    batch = new_batch(http)
    zipped = hostile.zipped({"a.png": IMAGE, "bomb.png": b"\0" * 1_000_000})
    taken = send(http, batch, {"all.zip": zipped, "b.png": IMAGE})
    assert [(one["file"], one["error"] and one["error"]["code"]) for one in taken] == [
        ("a.png", None),
        ("bomb.png", "zip_too_large"),
        ("b.png", None),
    ]


def test_what_is_left_when_a_requests_time_is_spent_is_refused_row_by_row_and_may_be_sent_again(make_app):
    files = {"a.png": IMAGE, "all.zip": hostile.zipped({"b.png": IMAGE}), "c.txt": b"1"}
    in_no_time, in_time = (make_app(request_cpu_s=seconds).test_client() for seconds in (1e-9, 100))
    batch = new_batch(in_time)
    spent = send(in_no_time, batch, files)
    assert [(one["file"], one["error"]["code"], one["is_new"]) for one in spent] == [
        (name, "request_too_costly", True) for name in files
    ]
    assert in_time.get(batch).json["total"] == 3
    again = send(in_time, batch, files)
    assert [(one["file"], (one["error"] or {}).get("code")) for one in again] == [
        ("a.png", None),
        ("b.png", None),
        ("c.txt", "not_an_image"),
    ]


def test_a_zip_that_was_not_opened_leaves_no_row_when_its_files_are_taken(make_app, services, redis_client):
    in_no_time, in_time = (make_app(request_cpu_s=seconds).test_client() for seconds in (1e-9, 100))
    zipped = hostile.zipped({"no.txt": b"x", "b.png": IMAGE, "c.png": hostile.encoded(size=(9, 9))})
    batch = new_batch(in_time)
    (refused,) = send(in_no_time, batch, {"all.zip": zipped})
    taken = send(in_time, batch, {"all.zip": zipped})
    assert [(one["file"], one["state"]) for one in taken] == [
        ("no.txt", "rejected"),
        ("b.png", "accepted"),
        ("c.png", "accepted"),
    ]
    assert taken[1]["job_id"] == refused["job_id"]
    assert taken[1]["is_new"]
    shown = in_time.get(f"{batch}/results").json["jobs"]
    assert sorted((job["file"], job["state"]) for job in shown) == [
        ("b.png", "queued"),
        ("c.png", "queued"),
        ("no.txt", "failed"),
    ]
    assert in_time.get(batch).json["total"] == 3
    again = send(in_time, batch, {"all.zip": zipped})
    assert again == [one | {"is_new": False} for one in taken]
    redis_client.flushall()
    *_, _ = Restore(services.store, services.journal).run()
    assert send(in_time, batch, {"all.zip": zipped}) == again
    assert in_time.get(batch).json["total"] == 3


def test_another_zip_of_that_name_does_not_take_the_row_of_one_that_was_not_opened(make_app):
    in_no_time, in_time = (make_app(request_cpu_s=seconds).test_client() for seconds in (1e-9, 100))
    batch = new_batch(in_time)
    send(in_no_time, batch, {"all.zip": hostile.zipped({"a.png": IMAGE})})
    send(in_time, batch, {"all.zip": hostile.zipped({"b.png": IMAGE})})
    assert {job["file"] for job in in_time.get(f"{batch}/results").json["jobs"]} == {"all.zip", "b.png"}
    send(in_time, batch, {"all.zip": hostile.zipped({"a.png": IMAGE})})
    assert {job["file"] for job in in_time.get(f"{batch}/results").json["jobs"]} == {"a.png", "b.png"}


@pytest.mark.parametrize("is_there_already", [False, True])
def test_a_zip_that_was_not_opened_and_whose_files_take_no_row_of_it_is_named_as_long_as_it_is_one(
    make_app, is_there_already
):
    in_no_time, in_time = (make_app(request_cpu_s=seconds).test_client() for seconds in (1e-9, 100))
    entries = {"a.png": IMAGE, "b.png": hostile.encoded(size=(9, 9))} if is_there_already else {"a.txt": b"x"}
    zipped = hostile.zipped(entries)
    batch = new_batch(in_time)
    (refused,) = send(in_no_time, batch, {"all.zip": zipped})
    if is_there_already:
        send(in_time, batch, entries)
    for _ in range(2):
        sent = send(in_time, batch, {"all.zip": zipped})
        assert [one["file"] for one in sent] == [*entries, "all.zip"]
        assert sent[-1] == refused | {"is_new": False}
        assert in_time.get(batch).json["total"] == len({one["job_id"] for one in sent}) == len(sent)


def test_what_is_named_a_zip_and_is_none_is_refused(http, batch):
    (refused,) = send(http, batch, {"a.zip": IMAGE})
    assert refused["error"]["code"] == "bad_zip"


def test_a_file_may_have_a_question_of_its_own(http, batch):
    send(http, batch, {"a.png": IMAGE, "b.png": IMAGE}, questions=json.dumps({"./b.png": "And this?"}))
    assert [job["question"] for job in jobs(http, batch)] == ["What?", "And this?"]


@pytest.mark.parametrize("questions", ["[]", "x", '{"a": 1}'])
def test_questions_that_cannot_be_read_are_refused(http, batch, questions):
    refused = post_files(http, f"{batch}/files", {"a.png": IMAGE}, questions=questions)
    assert code_of(refused) == (400, "invalid_field")


def test_a_question_that_is_too_long_refuses_its_file_alone(http, batch):
    taken = send(http, batch, {"a.png": IMAGE, "b.png": IMAGE}, questions=json.dumps({"a.png": "x" * 4001}))
    assert [one["error"] and one["error"]["code"] for one in taken] == ["question_too_long", None]


def test_a_path_that_is_too_long_is_refused_and_listed(http, batch):
    one, other = send(http, batch, {"a" * 2000: IMAGE, "a" * 2001: IMAGE})
    assert one["error"]["code"] == other["error"]["code"] == "path_too_long"
    assert one["job_id"] != other["job_id"]
    assert len(one["file"]) == 1024


def test_too_many_files_are_refused(make_app):
    http = make_app(max_files_per_request=3).test_client()
    refused = post_files(http, f"{new_batch(http)}/files", {f"{n}.png": IMAGE for n in range(4)})
    assert code_of(refused) == (413, "too_many_files")
    assert "EVA01_MAX_FILES_PER_REQUEST" in refused.json["detail"]


def test_a_form_without_files_is_refused(http, batch):
    assert code_of(http.post(f"{batch}/files", data={"questions": "{}"})) == (400, "missing_file")


def test_a_closed_batch_takes_no_more_files(http, batch):
    send(http, batch, {"a.png": IMAGE})
    assert http.post(f"{batch}/close").json["state"] == "closed"
    assert http.post(f"{batch}/close").json["state"] == "closed"
    refused = post_files(http, f"{batch}/files", {"b.png": IMAGE})
    assert code_of(refused) == (409, "batch_closed")


def test_cancelling_ends_what_has_no_answer(http, batch, store):
    one, _ = send(http, batch, {"a.png": IMAGE, "b.png": IMAGE})
    store.finish(one["job_id"], Result(answer="x"))
    cancelled = http.post(f"{batch}/cancel").json
    assert (cancelled["state"], cancelled["is_done"]) == ("cancelled", True)
    assert counts(http, batch) == {"succeeded": 1, "cancelled": 1}


def test_retrying_runs_the_failed_ones_again_but_not_the_refused(http, batch, store, redis_client):
    one, _, _ = send(http, batch, {"a.png": IMAGE, "b.png": IMAGE, "c.png": b"x"})
    store.finish(one["job_id"], Result(error=JobError(code="truncated_image", message="Cut.")))
    redis_client.delete(names.bulk_queue("nano"))
    again = http.post(f"{batch}/retry").json
    assert (again["retried"], again["counts"]["queued"]) == (1, 2)
    assert redis_client.llen(names.bulk_queue("nano")) == 1
    assert counts(http, batch) == {"queued": 2, "failed": 1}


def test_results_come_a_page_at_a_time_in_the_order_sent(http, batch):
    sent = [f"{n}.png" for n in range(7)]
    send(http, batch, dict.fromkeys(sent, IMAGE))
    seen, cursor = [], 0
    while cursor is not None:
        page = http.get(f"{batch}/results", query_string={"cursor": cursor, "limit": 3}).json
        seen += [job["file"] for job in page["jobs"]]
        cursor = page["next_cursor"]
    assert seen == sent


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"cursor": -1}, {"state": "done"}])
def test_a_page_that_cannot_be_is_refused(http, batch, query):
    assert code_of(http.get(f"{batch}/results", query_string=query)) == (400, "invalid_field")


def test_exports_hold_every_file_with_its_name_intact(http, batch):
    files = {hostile.NAME: IMAGE, "bad.png": b"x"} | {f"{n}.png": IMAGE for n in range(250)}
    send(http, batch, files)
    exported = http.get(f"{batch}/results.csv")
    rows = list(csv.DictReader(io.StringIO(exported.text, newline="")))
    assert [row["file"] for row in rows] == list(files)
    assert exported.mimetype == "text/csv"
    assert "holiday.csv" in exported.headers["Content-Disposition"]
    lines = [json.loads(line) for line in http.get(f"{batch}/results.jsonl").text.splitlines()]
    assert [line["file"] for line in lines] == list(files)
    failed = http.get(f"{batch}/results.jsonl", query_string={"state": "failed"}).text.splitlines()
    assert [json.loads(line)["error"]["code"] for line in failed] == ["not_an_image"]


def test_a_workbook_and_a_zip_hold_every_file_too(http, batch, store, tmp_path):
    (one, *_) = send(
        http, batch, {"a/b.png": IMAGE, "bad.png": b"x"} | {f"{n}.png": IMAGE for n in range(250)}
    )
    store.finish(one["job_id"], Result(answer="=red ☀️"))

    exported = http.get(f"{batch}/results.xlsx", buffered=True)
    assert "holiday.xlsx" in exported.headers["Content-Disposition"]
    assert int(exported.headers["Content-Length"]) == len(exported.data)
    (sheet,) = load_workbook(io.BytesIO(exported.data)).worksheets
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[1][:3] == ("a/b.png", "succeeded", "=red ☀️")
    assert len(rows) == 253

    exported = http.get(f"{batch}/results.zip")
    assert (exported.mimetype, "holiday.zip" in exported.headers["Content-Disposition"]) == (
        "application/zip",
        True,
    )
    with zipfile.ZipFile(io.BytesIO(exported.data)) as archive:
        assert archive.namelist() == ["a/b.png.txt", "errors.csv"]
        assert archive.read("a/b.png.txt").decode() == "=red ☀️"
        assert len(archive.read("errors.csv").splitlines()) == 252
    failed = http.get(f"{batch}/results.zip?state=failed").data
    with zipfile.ZipFile(io.BytesIO(failed)) as archive:
        assert b"not_an_image" in archive.read("errors.csv")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_workbook_that_cannot_be_written_is_no_fault_of_ours(http, batch, tmp_path):
    (tmp_path / "tmp").rmdir()
    (tmp_path / "tmp").write_text("a file where the folder should be")
    assert code_of(http.get(f"{batch}/results.xlsx")) == (507, "no_room")


def test_a_csv_for_spreadsheets_begins_with_a_byte_order_mark(http, batch):
    assert http.get(f"{batch}/results.csv?bom=1").data.startswith(b"\xef\xbb\xbffile,")


def test_a_poller_of_a_batch_hears_when_nothing_changed_and_when_to_come_back(http, batch, store):
    (one,) = send(http, batch, {"a.png": IMAGE})
    waiting = http.get(batch)
    assert waiting.headers["Retry-After"] == "2"
    assert http.get(batch, headers={"If-None-Match": waiting.headers["ETag"]}).status_code == 304
    store.take("nano", "ticket")
    assert http.get(batch).headers["Retry-After"] == "1"
    store.finish(one["job_id"], Result(answer="x"))
    http.post(f"{batch}/close")
    assert "Retry-After" not in http.get(batch).headers


def test_an_upload_is_refused_before_the_disk_is_full(make_app):
    http = make_app(min_free_bytes=1 << 60).test_client()
    batch = new_batch(http)
    refused = post_files(http, f"{batch}/files", {"a.png": IMAGE})
    assert code_of(refused) == (507, "no_room")
    assert "EVA01_MIN_FREE_BYTES" in refused.json["detail"]


def test_no_upload_leaves_a_file_behind(http, batch, tmp_path):
    send(http, batch, {"a.png": IMAGE, "b.zip": hostile.zipped({"c.png": IMAGE}), "d.png": b"x"})
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_refused_and_a_good_file_under_one_path_in_one_request_are_two(http, batch):
    files = [("files", (f"{n}.png", IMAGE)) for n in range(5)]
    files += [("files", ("z.png", b"x")), ("files", ("z.png", IMAGE))]
    form = httpx.Request("POST", "http://web", files=files)
    sent = http.post(f"{batch}/files", data=form.read(), content_type=form.headers["Content-Type"])
    assert [one["state"] for one in sent.json["files"]] == ["accepted"] * 5 + ["rejected", "accepted"]
    seen = http.get(batch).json
    assert (seen["total"], seen["counts"]["queued"], seen["counts"]["failed"]) == (7, 6, 1)
    assert [job["file"] for job in jobs(http, batch)][-2:] == ["z.png", "z (2).png"]
