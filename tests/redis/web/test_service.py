"""Idempotency, status, metrics, documents and headers, on a real server."""

import json
import re
from io import BytesIO

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from prometheus_client import REGISTRY

from jobs.contract import names
from jobs.contract.catalog import NANO, card_for
from jobs.contract.models import Result, WorkerInfo, WorkerState, utc_now
from jobs.contract.settings import WebSettings
from jobs.storage.fleet import Fleet
from tests.asking import IMAGE, ask, new_batch, send
from tests.files.forms import BOUNDARY, ONCE, form, part, post, text
from tests.redis.web.test_delete import remove_all
from tests.redis.web.test_jobs import code_of

pytestmark = pytest.mark.redis


def worker(name: str, model: str, state: WorkerState = WorkerState.READY) -> WorkerInfo:
    return WorkerInfo(id=name, model=model, state=state, slots=8, device="cpu", started_at=utc_now())


def keyed(http, key: str, body: dict):
    return http.post("/api/batches", json=body, headers={"Idempotency-Key": key})


def test_a_post_sent_twice_under_one_key_is_done_once(http, redis_client):
    first = keyed(http, "k", {"question": "q"})
    again = keyed(http, "k", {"question": "q"})
    assert (again.status_code, again.json) == (201, first.json)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert keyed(http, "other", {"question": "q"}).json["id"] != first.json["id"]


def test_a_refusal_is_not_remembered(http, redis_client):
    for _ in range(2):
        refused = keyed(http, "k", {"question": "q", "model": "gpt"})
        assert code_of(refused) == (422, "unknown_model")
        assert "Idempotency-Replayed" not in refused.headers
    for address in ("/api/nothing", f"/api/batches/{'0' * 32}/close"):
        assert http.post(address, headers={"Idempotency-Key": "k"}).status_code == 404
    assert [*redis_client.scan_iter("eva01:idempotency*")] == []
    assert keyed(http, "k", {"question": "q", "model": "nano"}).status_code == 201


def test_a_key_belongs_to_its_caller(http):
    """Whom a proxy with a login has asked for credentials, which it passes on."""

    def ask(who: str):
        headers = {"Idempotency-Key": "k", "Authorization": f"Basic {who}"}
        return http.post("/api/batches", json={"question": "q"}, headers=headers)

    first = ask("alice")
    assert ask("bob").json["id"] != first.json["id"]
    assert ask("alice").json == first.json


def test_kept_responses_have_a_bound_and_the_oldest_go_first(make_app, redis_client):
    http = make_app(WebSettings(models=("nano",), idempotency_bytes=10_000)).test_client()
    first = keyed(http, "0", {"question": "q"})
    for number in range(1, 21):
        latest = keyed(http, str(number), {"question": "q"})
    kept = [*redis_client.scan_iter("eva01:idempotency:*")]
    assert sum(redis_client.strlen(key) + 400 for key in kept) <= 10_000
    assert redis_client.zcard(names.KEPT_RESPONSES) == len(kept) > 3
    assert keyed(http, "20", {"question": "q"}).json == latest.json
    assert keyed(http, "0", {"question": "q"}).json["id"] != first.json["id"]


def test_a_response_that_is_larger_than_the_bound_is_not_kept(make_app, redis_client):
    http = make_app(WebSettings(models=("nano",), idempotency_bytes=0)).test_client()
    assert keyed(http, "k", {"question": "q"}).status_code == 201
    assert [*redis_client.scan_iter("eva01:idempotency*"), *redis_client.scan_iter("eva01:kept*")] == []


@pytest.mark.parametrize(
    ("body", "code"), [(b"{", "malformed_body"), (b"[]", "malformed_body"), (b"{}", "missing_question")]
)
def test_a_request_that_made_no_sense_leaves_its_key_to_a_better_one(http, body, code):
    headers = {"Idempotency-Key": "k"}
    bad = http.post("/api/batches", data=body, content_type="application/json", headers=headers)
    assert code_of(bad) == (400, code)
    assert keyed(http, "k", {"question": "q"}).status_code == 201


def test_a_key_belongs_to_its_address(http):
    batch = new_batch(http)
    for action in ("close", "cancel"):
        done = http.post(f"{batch}/{action}", headers={"Idempotency-Key": "k"})
        assert "Idempotency-Replayed" not in done.headers


def test_a_key_with_another_body_is_refused_and_does_nothing(http):
    first = keyed(http, "k", {"question": "first"})
    for _ in range(2):
        assert code_of(keyed(http, "k", {"question": "second"})) == (422, "idempotency_key_reused")
    assert [batch["id"] for batch in http.get("/api/batches").json["batches"]] == [first.json["id"]]
    assert keyed(http, "k", {"question": "first"}).json == first.json


def test_a_form_is_the_same_when_its_fields_and_files_are(http):
    """Whoever sends a form again draws another boundary."""
    batch = new_batch(http)

    def upload(
        boundary: str = "b1", key: str = "k", name: str = "a.png", image: bytes = IMAGE, more: bytes = b""
    ):
        sent = form(part(f'name="files"; filename="{name}"', image), more)
        body = sent.replace(BOUNDARY.encode(), boundary.encode())
        kind = f"multipart/form-data; boundary={boundary}"
        return post(http, f"{batch}/files", body, kind, **{"Idempotency-Key": key})

    first = upload()
    assert first.json["files"][0]["is_new"]
    again = upload("another")
    assert (again.status_code, again.json) == (202, first.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    others = (
        upload(name="b.png"),
        upload(image=IMAGE + b"\0"),
        upload(more=part('name="files"; filename="b.png"', IMAGE)),
        upload(more=text("questions", "{}")),
        post(http, f"{batch}/files", b"x=1", "application/x-www-form-urlencoded", **{"Idempotency-Key": "k"}),
    )
    assert {code_of(other) for other in others} == {(422, "idempotency_key_reused")}
    assert http.get(batch).json["total"] == 1
    assert upload(key="another", name="b.png").json["files"][0]["is_new"]


#: What may stand where a response is kept.
NO_RESPONSES = (
    *(
        "",
        "x",
        "{",
        "7",
        "null",
        "[]",
        "[" * 50_000,
        "x" * 300_000,
        "{}",
        b"\xf0\x28\xff",
        '"\\ud800"',
        "NaN",
    ),
    '{"status": 500, "headers": {}, "body": ""}',
    '{"status": -1, "headers": {}, "body": ""}',
    '{"status": 1e999, "headers": {}, "body": ""}',
    '{"status": 201, "headers": {"Location": "x\\r\\nSet-Cookie: a=b"}, "body": ""}',
    '{"status": 201, "headers": [], "body": ""}',
    '{"status": 201, "headers": {}, "body": 7}',
)


@pytest.mark.parametrize("kept", NO_RESPONSES, ids=lambda kept: str(kept[:60]))
def test_a_kept_response_that_cannot_be_read_is_a_conflict_and_nothing_is_done_twice(
    http, redis_client, kept
):
    first = keyed(http, "k", {"question": "q"})
    (key,) = redis_client.scan_iter("eva01:idempotency:*")
    redis_client.set(key, kept)
    before = REGISTRY.get_sample_value("eva01_unreadable_records_total", {"kind": "response"}) or 0
    assert code_of(keyed(http, "k", {"question": "q"})) == (409, "unreadable_record")
    assert REGISTRY.get_sample_value("eva01_unreadable_records_total", {"kind": "response"}) == before + 1
    assert [batch["id"] for batch in http.get("/api/batches").json["batches"]] == [first.json["id"]]


def test_another_thing_in_place_of_a_kept_response_is_the_same(http, redis_client):
    keyed(http, "k", {"question": "q"})
    (key,) = redis_client.scan_iter("eva01:idempotency:*")
    redis_client.delete(key)
    redis_client.hset(key, "x", "x")
    assert code_of(keyed(http, "k", {"question": "q"})) == (409, "unreadable_record")
    other = keyed(http, "other", {"question": "q"})
    assert keyed(http, "other", {"question": "q"}).json == other.json
    assert len(http.get("/api/batches").json["batches"]) == 2


def test_responses_are_kept_and_bounded_whatever_their_list_holds(make_app, redis_client):
    http = make_app(WebSettings(models=("nano",), idempotency_bytes=5_000)).test_client()
    forged = {"a": "inf", "b": "-inf", "c": 1e300, "d": -5, "e": 2**53}
    redis_client.zadd(names.KEPT_RESPONSES, forged)
    for number in range(20):
        latest = keyed(http, str(number), {"question": "q"})
    assert keyed(http, "19", {"question": "q"}).json == latest.json
    kept = [*redis_client.scan_iter("eva01:idempotency:*")]
    assert sum(redis_client.strlen(key) + 400 for key in kept) <= 5_000
    redis_client.delete(names.KEPT_RESPONSES)
    redis_client.set(names.KEPT_RESPONSES, "x")
    first = keyed(http, "without a list", {"question": "q"})
    assert keyed(http, "without a list", {"question": "q"}).json == first.json


def test_a_response_that_an_older_version_kept_is_given_for_any_body(http, redis_client):
    keyed(http, "k", {"question": "q"})
    (key,) = redis_client.scan_iter("eva01:idempotency:*")
    kept = json.loads(redis_client.get(key))
    del kept["fingerprint"], kept["subject"]
    redis_client.set(key, json.dumps(kept))
    assert keyed(http, "k", {"question": "other"}).status_code == 201


def test_a_response_goes_with_the_batch_that_it_speaks_of(http, services, redis_client):
    """At once for who asks, and soon out of Redis, with all that it said of names and questions."""
    made = keyed(http, "k", {"question": "a secret question"})
    batch = made.headers["Location"]
    headers = {"Idempotency-Key": "k"}
    one = {"files": (BytesIO(IMAGE), "a secret name.png")}
    assert http.post(f"{batch}/files", data=one, headers=headers).status_code == 202
    job = http.get(f"{batch}/results").json["jobs"][0]["id"]
    services.store.finish(job, Result(error={"code": "engine_failed", "message": "x"}))
    assert http.post(f"/api/jobs/{job}/retry", headers=headers).status_code == 200
    assert http.post(f"{batch}/close", headers=headers).status_code == 200

    def again() -> list:
        files = {"files": (BytesIO(IMAGE), "a secret name.png")}
        return [
            keyed(http, "k", {"question": "a secret question"}),
            http.post(f"{batch}/files", data=files, headers=headers),
            http.post(f"{batch}/close", headers=headers),
            http.post(f"/api/jobs/{job}/retry", headers=headers),
        ]

    assert [one.headers["Idempotency-Replayed"] for one in again()] == ["true"] * 4
    http.delete(batch)
    assert [code_of(one) for one in again()] == [(410, "deleted_since")] * 4
    remove_all(services)
    kept = [redis_client.get(key) for key in redis_client.scan_iter("eva01:idempotency:*")]
    assert len(kept) == 4
    assert not any("secret" in text for text in kept)
    assert all(redis_client.ttl(key) > 0 for key in redis_client.scan_iter("eva01:idempotency:*"))
    assert [code_of(one) for one in again()] == [(410, "deleted_since")] * 4
    assert http.get("/api/batches").json["batches"] == [], "nothing was made again"
    assert keyed(http, "other", {"question": "a secret question"}).status_code == 201


def test_a_response_about_a_single_question_goes_with_it(http, services):
    headers = {"Idempotency-Key": "k"}
    first = http.post("/api/jobs", data=question(), headers=headers).json
    assert http.post("/api/jobs", data=question(), headers=headers).json == first
    further = http.post(f"/api/jobs/{first['id']}/ask", json={"question": "And?"}, headers=headers).json
    services.store.remove_job(first["id"])
    assert code_of(http.post("/api/jobs", data=question(), headers=headers)) == (410, "deleted_since")
    services.store.remove_job(further["id"])
    again = http.post(f"/api/jobs/{first['id']}/ask", json={"question": "And?"}, headers=headers)
    assert code_of(again) == (410, "deleted_since")


def test_what_a_plain_form_made_is_not_shown_again_when_it_is_deleted(http):
    def send_form():
        form = {"files": (BytesIO(IMAGE), "a.png"), "question": "q", "model": "nano"}
        return http.post("/batches", data=form, headers={"Idempotency-Key": "k"})

    made = send_form()
    assert made.status_code == 303
    assert send_form().headers["Location"] == made.headers["Location"]
    http.delete("/api" + made.headers["Location"])
    assert send_form().status_code == 410


def test_who_clicks_twice_where_no_script_runs_asks_once(http):
    def key() -> str:
        return ONCE.findall(http.get("/").text)[0]

    def send_form(once: str, question: str = "q"):
        form = {"files": (BytesIO(IMAGE), "a.png"), "question": question, "model": "nano"}
        return http.post("/batches", data=form | {"once": once}).headers["Location"]

    first, other = key(), key()
    batch = send_form(first)
    assert send_form(first) == batch
    assert len({batch, send_form(first, "another question"), send_form(other)}) == 3
    assert len(http.get("/api/batches").json["batches"]) == 3


def test_who_clicks_again_while_the_form_is_worked_on_reads_a_page_that_says_so(http, services, monkeypatch):
    form = {"files": (BytesIO(IMAGE), "a.png"), "question": "q", "model": "nano", "once": "x"}
    monkeypatch.setattr(type(services.responses), "begin", lambda *_: False)
    busy = http.post("/batches", data=form, headers={"Accept": "text/html"})
    assert (busy.status_code, busy.headers["Retry-After"], busy.mimetype) == (409, "1", "text/html")


def test_a_second_request_waits_for_the_first(http, redis_client):
    keyed(http, "k", {"question": "q"})
    (key,) = redis_client.scan_iter("eva01:idempotency:*")
    assert redis_client.ttl(key) > 23 * 3600
    redis_client.set(key, "running")
    busy = keyed(http, "k", {"question": "q"})
    assert code_of(busy) == (409, "idempotency_in_progress")
    assert busy.headers["Retry-After"] == "1"


def test_a_request_keeps_others_under_its_key_away_for_longer_than_it_may_take(make_app, redis_client):
    app = make_app(WebSettings(models=("nano",), chat_wait_s=3000))
    sent = {"json": {"question": "q"}, "headers": {"Idempotency-Key": "k"}}
    with app.test_request_context("/api/batches", method="POST", **sent):
        assert app.preprocess_request() is None
        (key,) = redis_client.keys(names.idempotency_key("*"))
        assert redis_client.ttl(key) > 3000


def test_a_failure_of_ours_is_not_remembered(http, redis_client, tmp_path):
    blobs = tmp_path / "blobs" / "images"
    blobs.write_text("in the way")
    failed = http.post("/api/jobs", data=question(), headers={"Idempotency-Key": "k"})
    assert code_of(failed) == (503, "blob_store_unavailable")
    assert failed.headers["Retry-After"] == "2"
    blobs.unlink()
    assert http.post("/api/jobs", data=question(), headers={"Idempotency-Key": "k"}).status_code == 202


def question() -> dict:
    return {"file": (BytesIO(IMAGE), "a.png"), "question": "q", "model": "nano"}


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_that_is_none_is_refused(http, key):
    assert code_of(keyed(http, key, {"question": "q"})) == (400, "bad_idempotency_key")


def test_models_say_what_they_can_do_and_who_serves_them(http, redis_client):
    fleet = Fleet(redis_client)
    fleet.beat(worker("one", "nano"), NANO, 60)
    fleet.beat(worker("two", "nano", WorkerState.LOADING), NANO, 60)
    fleet.beat(worker("three", "qwen2.5-vl-7b"), card_for("qwen2.5-vl-7b"), 60)
    shown = http.get("/api/models").json["models"]
    assert [(model["name"], model["workers"], model["is_default"]) for model in shown] == [
        ("nano", 1, True),
        ("ocr", 0, False),
        ("qwen2.5-vl-7b", 1, False),
    ]
    assert shown[1]["uses_question"] is False
    assert shown[1]["tasks"] == ["read text"]
    assert "describe" in shown[2]["tasks"]
    assert ask(http, model="qwen2.5-vl-7b").status_code == 202


def test_without_an_offer_the_default_is_a_model_with_a_worker(make_app, redis_client):
    fleet = Fleet(redis_client)
    fleet.beat(worker("one", "a-model"), card_for("a-model"), 60)
    fleet.leave("one", "a-model")
    fleet.beat(worker("two", "nano"), NANO, 60)
    http = make_app(WebSettings(models=())).test_client()
    assert ask(http, model=None).json["model"] == "nano"


def test_status_tells_how_fast_it_goes_and_how_long_a_start_took(http, redis_client):
    store = http.application.extensions["eva01"].store
    started = worker("one", "nano").model_copy(update={"start_s": 7.25})
    Fleet(redis_client).beat(worker("zero", "nano", WorkerState.LOADING), NANO, 60)
    assert http.get("/api/status").json["models"][0]["start_s"] is None
    Fleet(redis_client).beat(started, NANO, 60)
    Fleet(redis_client).leave("one", "nano")
    for _ in range(2):
        store.finish(ask(http).json["id"], Result(answer="x"))
    nano, ocr = http.get("/api/status").json["models"]
    assert nano["start_s"] == 7.25
    assert nano["rate_per_s"] > 0
    assert (ocr["rate_per_s"], ocr["start_s"]) == (None, None)


def test_limits_are_those_that_are_set(make_app):
    limits = make_app(max_image_bytes=12_345).test_client().get("/api/limits").json
    assert limits["max_image_bytes"] == 12_345
    assert {"image/jpeg", "image/heic", "image/avif"} <= set(limits["media_types"])
    assert None not in limits.values()


def test_status_counts_what_waits_and_who_works(http, redis_client):
    Fleet(redis_client).beat(worker("one", "nano", WorkerState.DRAINING), NANO, 60)
    ask(http)
    send(http, new_batch(http), {"a.png": IMAGE, "b.png": IMAGE})
    redis_client.hset(names.held_key("nano"), "tag", "message")
    nano, ocr = http.get("/api/status").json["models"]
    counted = {name: nano[name] for name in ("name", "workers", "interactive", "bulk", "waiting", "held")}
    assert counted == {
        "name": "nano",
        "workers": 0,
        "interactive": 1,
        "bulk": 2,
        "waiting": 3,
        "held": 1,
    }
    assert nano["workers_by_state"]["draining"] == 1
    assert nano["oldest_wait_s"] >= 0
    assert ocr["oldest_wait_s"] is None


def test_metrics_tell_of_requests_jobs_and_the_queue(http, redis_client):
    Fleet(redis_client).beat(worker("one", "nano"), NANO, 60)
    batch = new_batch(http)
    send(http, batch, {"a.png": IMAGE, "b.png": b"x"})
    http.post(f"{batch}/cancel")
    send(http, new_batch(http), {"c.png": IMAGE})
    http.get("/nowhere/1")
    text = http.get("/metrics").text
    for line in (
        'eva01_requests_total{endpoint="/api/batches/<batch_id>/files",method="POST",status="202"}',
        'eva01_requests_total{endpoint="unmatched",method="GET",status="404"}',
        'eva01_request_latency_seconds_bucket{endpoint="/api/batches",le="1.0"}',
        'eva01_jobs_total{model="nano",state="queued"}',
        'eva01_jobs_total{model="nano",state="failed"}',
        'eva01_jobs_total{model="nano",state="cancelled"}',
        'eva01_queue_jobs{model="nano",queue="bulk"} 1.0',
        'eva01_queue_jobs{model="nano",queue="interactive"} 0.0',
        'eva01_held_jobs{model="nano"} 0.0',
        'eva01_oldest_wait_seconds{model="ocr"} 0.0',
        'eva01_workers{model="nano",state="ready"} 1.0',
        'eva01_ready_workers_of_late{model="nano"} 1.0',
    ):
        assert line in text
    assert batch.rsplit("/", 1)[1] not in text


def test_health_and_readiness(http):
    assert http.get("/health").json == {"status": "ok"}
    assert http.get("/ready").json == {"status": "ready"}


def test_the_document_lists_every_call_of_the_contract(http):
    document = http.get("/openapi.json").json
    calls = {(method, path) for path, item in document["paths"].items() for method in item}
    batch = "/api/batches/{batch_id}"
    assert calls >= {
        ("post", "/analyze"),
        ("post", "/api/jobs"),
        ("get", "/api/jobs/{job_id}"),
        ("delete", "/api/jobs/{job_id}"),
        *(("get", f"/api/jobs/{{job_id}}/{picture}") for picture in ("image", "thumbnail")),
        *(("post", f"/api/jobs/{{job_id}}/{action}") for action in ("retry", "ask")),
        ("post", "/api/batches"),
        ("get", "/api/batches"),
        ("patch", batch),
        ("delete", batch),
        ("get", f"{batch}/timeline"),
        ("post", f"{batch}/known"),
        ("get", "/api/limits"),
        ("get", batch),
        *(("post", f"{batch}/{action}") for action in ("files", "close", "cancel", "retry", "share")),
        *(
            ("get", f"{batch}/{results}")
            for results in ("results", "results.jsonl", "results.csv", "results.xlsx", "results.zip")
        ),
        ("get", "/api/models"),
        ("get", "/api/status"),
        ("get", "/health"),
        ("get", "/ready"),
        ("get", "/metrics"),
    }
    schemas = document["components"]["schemas"]
    assert "queued_at" not in schemas["JobView"]["properties"]
    asked = ask(http, logprobs="true")
    shown = http.get(f"{asked.headers['Location']}?lines=true").json
    assert set(schemas["JobView"]["properties"]) == set(shown)
    assert set(schemas["BatchView"]["properties"]) == set(http.get(new_batch(http)).json)
    for path, item in document["paths"].items():
        for call in item.values():
            assert call["summary"]
            problem = "application/json" if path.startswith("/v1/") else "application/problem+json"
            assert problem in call["responses"]["400"]["content"]


def test_the_document_lists_every_call_of_openais_api(http):
    paths = http.get("/openapi.json").json["paths"]
    rules = {(rule.rule, method) for rule in http.application.url_map.iter_rules() for method in rule.methods}
    said = {(path, method.upper()) for path, item in paths.items() for method in item}
    there, described = (
        {
            # What of an id is always the same is part of Flask's address, and of the document's pattern.
            (re.sub(r"/[^/]*[<{][^/]*", "/{}", path), method)
            for path, method in calls
            if path.startswith("/v1/") and method not in ("HEAD", "OPTIONS")
        }
        for calls in (rules, said)
    )
    assert there == described
    assert paths["/v1/files/{file_id}"]["delete"]["operationId"] == "openai_files.delete_file"


@pytest.mark.parametrize("name", ["ChatRequest", "ResponseRequest", "NewBatch"])
def test_the_document_says_of_parameters_that_do_nothing_what_they_may_be(http, name):
    said = http.get("/openapi.json").json["components"]["schemas"][f"OpenAI{name}"]["properties"]
    assert "metadata" in said
    if name == "ChatRequest":
        assert said["n"]["enum"] == [1, None]
        assert said["prediction"]["enum"] == [None]


def test_the_document_is_one_of_openapi(http):
    OpenAPIV31SpecValidator(http.get("/openapi.json").json).validate()


def test_the_documents_page_takes_nothing_from_elsewhere(http):
    page = http.get("/docs")
    assert page.status_code == 200
    assert "//" not in page.text
    for address in (
        "/docs/start.js",
        "/docs/files/css/swagger-ui.css",
        "/docs/files/js/swagger-ui-bundle.js",
    ):
        assert address in page.text
        with http.get(address) as file:
            assert file.status_code == 200


def test_every_response_carries_the_headers_that_disarm_it(http):
    for address in ("/", "/docs", "/api/models", "/nowhere", "/metrics"):
        response = http.get(address)
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]


def test_what_does_not_exist_is_a_problem_too(http):
    assert code_of(http.get("/api/nothing")) == (404, "no_such_page")
    refused = http.put("/api/models")
    assert code_of(refused) == (405, "method_not_allowed")
    assert "GET" in refused.headers["Allow"]


def test_a_fault_of_ours_tells_nothing_of_our_inside(http, caplog):
    def faulty() -> None:
        raise ZeroDivisionError("secret")

    http.application.view_functions["batches.list_batches"] = faulty
    failed = http.get("/api/batches")
    assert code_of(failed) == (500, "internal_error")
    assert "secret" not in failed.text
    assert "Traceback" in caplog.text
