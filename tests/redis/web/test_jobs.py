"""Single questions over HTTP, on a real server."""

import io
import threading
import time

import pytest

from jobs.contract import names
from jobs.contract.models import JobState, Result, new_id
from jobs.contract.settings import WebSettings
from tests.asking import IMAGE, ask, new_batch, send
from tests.files import hostile
from tests.processes import wait_until

pytestmark = pytest.mark.redis


@pytest.fixture
def store(http):
    return http.application.extensions["eva01"].store


def code_of(response) -> tuple[int, str]:
    assert response.mimetype == "application/problem+json", response.text
    problem = response.json
    assert problem["status"] == response.status_code
    assert problem["detail"]
    return response.status_code, problem["code"]


def waiting_job(redis_client) -> str:
    """The id of the only one, as soon as it waits."""
    queue = names.interactive_queue("nano")
    wait_until(lambda: redis_client.llen(queue), "the question waits", every_s=0.005)
    (job_key,) = redis_client.scan_iter("eva01:job:*")
    return str(job_key.removeprefix("eva01:job:"))


def answer_soon(store, redis_client, result: Result, *, is_told: bool = True) -> threading.Thread:
    """Answer one job in a thread, as a worker does; who listens hears of its end, or does not."""

    def work():
        job_id = waiting_job(redis_client)
        job = store.take("nano", "ticket").job
        assert job.listener
        if not is_told:
            redis_client.hdel(names.job_key(job_id), "listener")
        store.finish(job_id, result)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


@pytest.fixture
def only_heard(monkeypatch):
    """Records are looked at when something was heard, and else not before 50 s have passed."""
    monkeypatch.setattr("web.http.heard._FIRST_LOOK_S", 600.0)
    began_s = time.monotonic()
    yield
    assert time.monotonic() - began_s < 40


def test_analyze_gives_the_finished_job(http, store, redis_client):
    worker = answer_soon(store, redis_client, Result(answer="A red circle.", width=8, height=6))
    done = ask(http, "/analyze")
    worker.join()
    assert done.status_code == 200
    assert (done.json["state"], done.json["answer"], done.json["width"]) == ("succeeded", "A red circle.", 8)
    assert "Retry-After" not in done.headers


def test_an_answer_is_sent_when_its_end_is_heard_however_late_the_record_would_be_looked_at(
    http, store, redis_client, only_heard
):
    worker = answer_soon(store, redis_client, Result(answer="A red circle."))
    assert ask(http, "/analyze", wait="50").json["answer"] == "A red circle."
    worker.join()
    job = store.get_job(redis_client.keys("eva01:job:*")[0].removeprefix("eva01:job:"))
    assert not job.hears_pieces, "nothing is told of it before"
    assert not http.application.extensions["eva01"].ears._open


def test_a_question_that_is_cancelled_is_not_waited_for_any_longer(http, store, redis_client, only_heard):
    cancelling = threading.Thread(target=lambda: store.cancel(waiting_job(redis_client)))
    cancelling.start()
    assert ask(http, "/analyze", wait="50").json["state"] == "cancelled"
    cancelling.join()


def test_what_was_said_while_redis_was_not_heard_is_looked_up(http, store, redis_client, only_heard):
    worker = answer_soon(store, redis_client, Result(answer="A red circle."), is_told=False)

    def cut_off():
        worker.join()
        redis_client.client_kill_filter(_type="pubsub")

    cutting = threading.Thread(target=cut_off)
    cutting.start()
    assert ask(http, "/analyze", wait="50").json["answer"] == "A red circle."
    cutting.join()


def test_an_answer_whose_end_is_not_heard_comes_all_the_same(http, store, redis_client):
    worker = answer_soon(store, redis_client, Result(answer="A red circle."), is_told=False)
    assert ask(http, "/analyze", wait="50").json["answer"] == "A red circle."
    worker.join()


def test_analyze_that_takes_too_long_says_where_to_look(http):
    slow = ask(http, "/analyze", wait="0")
    assert slow.status_code == 202
    assert slow.headers["Location"] == f"/api/jobs/{slow.json['id']}"
    assert slow.headers["Retry-After"] == "1"


def test_analyze_comes_to_an_end_when_the_server_stops(http):
    http.application.extensions["eva01"].stopping.set()
    assert ask(http, "/analyze", wait="55").status_code == 202


def test_a_job_is_made_and_its_message_sent(http, store, redis_client):
    made = ask(http, question=" 12 ", max_new_tokens="7")
    assert made.status_code == 202
    job = store.get_job(made.json["id"])
    assert (job.question, job.model, job.options.max_new_tokens) == ("12", "nano", 7)
    assert redis_client.llen(names.interactive_queue("nano")) == 1


def test_a_job_is_shown_with_what_was_promised(http):
    job = http.get(ask(http).headers["Location"])
    promised = "id batch_id state file question model answer error attempts created_at started_at"
    promised += " finished_at width height usage cached"
    assert set(promised.split()) <= set(job.json)
    assert job.json["created_at"].endswith("Z")
    assert job.headers["Retry-After"] == "1"


def test_a_poller_hears_when_nothing_changed(http, store):
    address = ask(http).headers["Location"]
    tag = http.get(address).headers["ETag"]
    same = http.get(address, headers={"If-None-Match": tag})
    assert (same.status_code, same.data, same.headers["Retry-After"]) == (304, b"", "1")
    store.cancel(address.rsplit("/", 1)[1])
    assert http.get(address, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("question", ["12", "null", "true", '"quoted"', "[1]", "{}", "=1+1", "这是什么？"])
def test_a_question_stays_the_text_that_it_is(http, question):
    assert ask(http, question=question).json["question"] == question


def test_the_first_model_offered_is_the_default(http):
    assert ask(http, model=None).json["model"] == "nano"


def test_ocr_needs_no_question(http):
    assert ask(http, model="ocr", question=None).status_code == 202


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"question": None}, (400, "missing_question")),
        ({"question": "  \n"}, (400, "missing_question")),
        ({"question": "x" * 4001}, (413, "question_too_long")),
        ({"model": "gpt"}, (422, "unknown_model")),
        ({"wait": "56"}, (400, "invalid_field")),
        ({"wait": "-1"}, (400, "invalid_field")),
        ({"wait": "soon"}, (400, "invalid_field")),
        ({"max_new_tokens": "0"}, (400, "invalid_field")),
        ({"max_new_tokens": "5000"}, (413, "too_many_tokens")),
        ({"image": b""}, (422, "empty_file")),
        ({"image": hostile.SVG}, (422, "unsupported_format")),
        ({"image": hostile.HTML}, (422, "not_an_image")),
        ({"image": hostile.png_header(65_000, 65_000)}, (413, "too_many_pixels")),
    ],
)
def test_bad_input_gets_a_reason_and_makes_no_job(http, redis_client, fields, expected):
    assert code_of(ask(http, "/analyze", **fields)) == expected
    assert list(redis_client.scan_iter("eva01:job:*")) == []


def test_the_reason_for_an_unknown_model_names_those_there_are(http):
    assert "nano, ocr" in ask(http, model="gpt").json["detail"]


@pytest.mark.parametrize("address", ["/analyze", "/api/jobs"])
def test_a_form_without_a_file_is_refused(http, address):
    assert code_of(http.post(address, data={"question": "q"})) == (400, "missing_file")
    assert code_of(http.post(address, data={"file": (io.BytesIO(b""), "")})) == (400, "missing_file")
    assert code_of(http.post(address)) == (400, "missing_file")


def test_without_any_model_nothing_is_asked(make_app):
    from_nothing = make_app(WebSettings(models=()))
    assert code_of(ask(from_nothing.test_client(), model=None)) == (422, "unknown_model")


def test_an_image_over_the_limit_is_refused(make_app):
    http = make_app(max_image_bytes=len(IMAGE) - 1).test_client()
    assert code_of(ask(http)) == (413, "image_too_large")


def test_a_request_over_the_limit_is_refused(make_app):
    http = make_app(max_request_bytes=1000).test_client()
    refused = ask(http, image=b"x" * 2000)
    assert code_of(refused) == (413, "request_too_large")
    assert "EVA01_MAX_REQUEST_BYTES" in refused.json["detail"]


def test_a_request_without_files_may_not_be_long(http):
    assert code_of(http.post("/api/batches", json={"question": "x" * 8 * 1024 * 1024})) == (
        413,
        "request_too_large",
    )
    assert code_of(http.post("/api/jobs", data={"question": "x" * 8 * 1024 * 1024})) == (
        413,
        "request_too_large",
    )


@pytest.mark.parametrize("method", ["get", "delete"])
def test_ids_are_checked(http, method):
    call = getattr(http, method)
    assert code_of(call("/api/jobs/xyz")) == (400, "malformed_id")
    assert code_of(call(f"/api/jobs/{new_id()}")) == (404, "job_not_found")


def test_cancelling_twice_changes_nothing(http):
    address = ask(http).headers["Location"]
    assert http.delete(address).json["state"] == "cancelled"
    assert http.delete(address).json["state"] == "cancelled"


def test_a_job_with_an_answer_cannot_be_cancelled(http, store):
    address = ask(http).headers["Location"]
    store.finish(address.rsplit("/", 1)[1], Result(answer="x"))
    assert code_of(http.delete(address)) == (409, "job_finished")
    assert http.get(address).json["state"] == JobState.SUCCEEDED


def test_the_image_comes_back_as_it_was_sent_and_cannot_act(http):
    address = ask(http, name=hostile.NAME).headers["Location"]
    image = http.get(f"{address}/image")
    assert image.data == IMAGE
    assert image.mimetype == "image/png"
    assert image.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in image.headers["Content-Security-Policy"]
    assert image.headers["Cache-Control"] == "private, no-cache"
    assert http.get(f"{address}/image", headers={"If-None-Match": image.headers["ETag"]}).status_code == 304


def test_a_refused_file_has_no_image(http):
    (refused,) = send(http, new_batch(http), {"a.png": b"x"})
    assert code_of(http.get(f"/api/jobs/{refused['job_id']}/image")) == (404, "image_not_found")


def test_a_hostile_name_comes_back_intact(http):
    assert ask(http, name=hostile.NAME).json["file"] == hostile.NAME


def test_a_full_queue_turns_away_and_says_when_to_come_back(make_app):
    http = make_app(max_queued=2).test_client()
    store = http.application.extensions["eva01"].store
    job_ids = [ask(http).json["id"] for _ in range(2)]
    refused = ask(http)
    assert code_of(refused) == (429, "queue_full")
    assert refused.headers["Retry-After"] == "30", "nothing was finished yet, so nothing is known"
    assert "EVA01_MAX_QUEUED" in refused.json["detail"]
    for job_id in job_ids:
        store.finish(job_id, Result(answer="yes"))
    assert 1 <= int(ask(http).headers["Retry-After"]) < 30


def test_being_turned_away_is_not_remembered(make_app, redis_client):
    http = make_app(max_queued=1).test_client()
    ask(http)
    headers = {"Idempotency-Key": "again"}
    form = {"file": (io.BytesIO(IMAGE), "a.png"), "question": "What?", "model": "nano"}
    assert http.post("/api/jobs", data=form, headers=headers).status_code == 429
    redis_client.delete(names.interactive_queue("nano"))
    form["file"] = (io.BytesIO(IMAGE), "a.png")
    assert http.post("/api/jobs", data=form, headers=headers).status_code == 202
