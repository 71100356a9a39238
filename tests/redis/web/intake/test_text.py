"""Texts and numbers that no person means are refused with 400, or taken as they are; none is our fault."""

from io import BytesIO

import pytest

from tests.asking import IMAGE, ask, id_of, new_batch, send
from tests.redis.web.test_jobs import code_of

pytestmark = pytest.mark.redis

#: What Python, pydantic or a regular expression may take for a number.
NO_NUMBERS = (
    "٣",
    "１２",
    "1_0",
    "+5",
    " 7 ",
    "7\n",
    "1.0",
    "1e2",
    "0x10",
    "-1",
    "−1",
    "²",
    "1" * 5000,
    "nan",
    "",
)


@pytest.fixture
def batch(http) -> str:
    return new_batch(http)


@pytest.mark.parametrize("text", [text for text in NO_NUMBERS if text])
def test_a_number_in_an_address_is_in_a_few_of_the_digits_0_to_9(http, batch, text):
    for query in ({"cursor": text}, {"limit": text}, {"cursor": text, "order": "changed"}):
        assert code_of(http.get(f"{batch}/results", query_string=query)) == (400, "invalid_field"), query
        assert http.get(f"/batches/{id_of(batch)}", query_string=query).status_code == 400
    assert code_of(http.get("/api/batches", query_string={"limit": text})) == (400, "invalid_field")
    passed_over = http.get(f"/batches/{id_of(batch)}", query_string={"passed_over": text})
    assert passed_over.status_code == 200
    assert "passed over" not in passed_over.text


@pytest.mark.parametrize(
    "cursor", ["١/{0}", "1.١/{0}", "1/{0}\n", "nan/{0}", "-1/{0}", "1/" + "F" * 32, "1" * 5000 + "/{0}"]
)
def test_a_cursor_of_the_history_is_one_that_was_given(http, cursor):
    query = {"cursor": cursor.format("0" * 32)}
    assert code_of(http.get("/api/batches", query_string=query)) == (400, "invalid_field")
    assert http.get("/history", query_string=query).status_code == 400


@pytest.mark.parametrize("text", [text for text in NO_NUMBERS if text.strip()])
def test_a_number_in_a_form_is_in_a_few_of_the_digits_0_to_9(http, text):
    for field in ("max_new_tokens", "page"):
        assert code_of(ask(http, **{field: text})) == (400, "invalid_field"), field


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "1e1", "٣", "5" * 400, "1_0", "0x1", "1.", "1.5.5"])
def test_a_wait_is_a_number_of_seconds(http, text):
    assert code_of(ask(http, "/analyze", wait=text)) == (400, "invalid_field")


@pytest.mark.parametrize("value", ['"7"', "true", "1.5", "-1", "0", "1e400", "[]", "null", "{}", "NaN"])
def test_a_number_in_json_is_a_whole_number(http, batch, value):
    (job,) = send(http, batch, {"a.png": IMAGE})
    calls = {
        "/api/batches": f'{{"question": "q", "max_new_tokens": {value}}}',
        f"{batch}/share": f'{{"days": {value}}}',
        f"/api/jobs/{job['job_id']}/ask": f'{{"question": "q", "page": {value}}}',
        f"{batch}/known": f'{{"files": [{{"file": "a", "sha256": "{"a" * 64}", "page": {value}}}]}}',
    }
    for address, body in calls.items():
        answer = http.post(address, data=body, content_type="application/json")
        is_left_out = value == "null" and not address.endswith("/share")
        assert (answer.status_code < 300) if is_left_out else (answer.status_code == 400), address


def test_json_may_write_a_whole_number_with_a_point(http, batch):
    shared = http.post(f"{batch}/share", data='{"days": 7.0}', content_type="application/json")
    assert shared.status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        b'{"question": "\\ud800"}',
        b'{"\\ud800": 1, "question": "q"}',
        b'{"question": "q", "max_new_tokens": ' + b"1" * 5000 + b"}",
        b'{"question": ' + b"[" * 100_000,
        b"{" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b"\xff\xfe",
        b"{}{}",
        b"Infinity",
        b"",
    ],
)
def test_a_body_that_nobody_can_use_is_refused(http, body):
    assert http.post("/api/batches", data=body, content_type="application/json").status_code == 400


@pytest.mark.parametrize("questions", ["[" * 100_000, '{"a.png": "\\ud800"}', '{"\\ud800": "x"}', '{"a": 1}'])
def test_questions_of_files_that_nobody_can_use_are_refused(http, batch, questions):
    sent = http.post(f"{batch}/files", data={"files": (BytesIO(IMAGE), "a.png"), "questions": questions})
    assert code_of(sent)[0] == 400
    assert http.get(batch).json["total"] == 0


def test_only_who_asked_keeps_what_was_answered(http, batch):
    (sent,) = send(http, batch, {"a.png": IMAGE})
    shared = http.post(f"{batch}/share", json={}).json["url"]
    pages = ["/", "/history", f"/batches/{id_of(batch)}", shared, "/nowhere"]
    results = [f"{batch}/results", *(f"{batch}/results.{kind}" for kind in ("csv", "jsonl", "xlsx", "zip"))]
    calls = [
        "/api/batches",
        batch,
        f"{batch}/timeline",
        f"/api/jobs/{sent['job_id']}",
        "/api/status",
        "/metrics",
    ]
    for address in (*pages, *results, *calls, f"/api{shared}", f"/api{shared}{results[0][4:]}"):
        with http.get(address, headers={"Accept": "text/html"}) as response:
            assert response.headers["Cache-Control"] == "private, no-store", address
    with http.get("/static/css/base.css") as style:
        assert "no-store" not in style.headers["Cache-Control"]


def test_a_poller_still_hears_that_nothing_has_changed(http, batch):
    first = http.get(batch)
    again = http.get(batch, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""
