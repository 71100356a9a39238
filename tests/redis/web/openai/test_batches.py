"""Batches made of files as OpenAI's own client asks for them, on a real Redis, answered as a worker does."""

import json
from hashlib import sha256
from io import BytesIO
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI

from jobs.contract.codes import Code
from jobs.contract.models import JobError, Result
from tests.asking import IMAGE, id_of, new_batch
from tests.redis.web.access.test_access import made as made_key
from tests.redis.web.openai.ordering import (
    ENDPOINT,
    OTHER,
    SAID,
    answer,
    begin,
    file_of,
    fill,
    line,
    shown,
    told,
)
from web.openai.bulk.filler import Filler

pytestmark = pytest.mark.redis


def test_the_answers_of_a_batch_say_how_sure_the_model_was(client, services, redis_client):
    batch = begin(client, line("first"))
    fill(services)
    sure = {"confidence": 0.75, "field_confidence": {"color": 0.5}}
    answer(services, redis_client, SAID.model_copy(update=sure))
    (done,) = told(client, client.batches.retrieve(batch.id).output_file_id)
    choice = done["response"]["body"]["choices"][0]
    assert {name: choice[name] for name in sure} == sure


def test_lines_become_answers_and_errors_under_their_ids(client, services, redis_client, http):
    batch = begin(client, line("first"), "{", line("two", IMAGE, OTHER), metadata={"of": "us"})
    assert (batch.status, batch.metadata, batch.request_counts.total) == ("validating", {"of": "us"}, 3)
    assert batch.expires_at - batch.created_at in (24 * 3600 - 1, 24 * 3600, 24 * 3600 + 1)
    fill(services)
    batch = client.batches.retrieve(batch.id)
    assert (batch.status, batch.output_file_id) == ("in_progress", None)
    assert [line["custom_id"] for line in told(client, batch.error_file_id)] == ["line-2"]

    answer(services, redis_client, SAID)
    batch = client.batches.retrieve(batch.id)
    assert [line["custom_id"] for line in told(client, batch.output_file_id)] == ["first"]
    answer(
        services,
        redis_client,
        Result(error=JobError(code=Code.ENGINE_FAILED, message="More max_new_tokens.")),
    )

    fill(services)
    batch = client.batches.retrieve(batch.id)
    assert batch.status == "completed"
    assert batch.completed_at
    assert batch.request_counts.model_dump() == {"total": 3, "completed": 1, "failed": 2}
    (done,) = told(client, batch.output_file_id)
    response = done["response"]
    assert (done["error"], response["status_code"]) == (None, 200)
    assert response["body"]["choices"][0]["message"]["content"] == "A red circle."
    assert response["body"]["usage"]["total_tokens"] == 25
    failed = told(client, batch.error_file_id)
    assert [(line["custom_id"], line["response"]["status_code"]) for line in failed] == [
        ("line-2", 400),
        ("two", 500),
    ]
    assert [line["response"]["body"]["error"]["code"] for line in failed] == [
        "malformed_body",
        "engine_failed",
    ]
    said = failed[1]["response"]["body"]["error"]["message"]
    assert said == "More max_completion_tokens (or max_tokens)."
    assert client.files.retrieve(batch.output_file_id).purpose == "batch_output"
    assert services.orders.underway() == []

    page = http.get(f"/api/batches/{batch.id.removeprefix('batch_')}/results").get_json()
    assert [(job["file"], job["question"]) for job in page["jobs"]] == [
        ("first", "What is this?"),
        ("line-2", "What is this?"),
        ("two", "What is this?"),
    ]
    assert [image["file"] for image in page["jobs"][2]["images"]] == ["image-1", "image-2"]


@pytest.mark.parametrize("is_ordered", [True, False])
def test_the_page_asks_nothing_again_of_requests_that_say_for_themselves_how(client, http, is_ordered):
    if is_ordered:
        batch_id = begin(client, line("a", max_tokens=5)).id.removeprefix("batch_")
    else:
        batch_id = id_of(new_batch(http))
    assert http.get(f"/api/batches/{batch_id}").get_json()["has_requests"] is is_ordered
    page = http.get(f"/batches/{batch_id}").text
    assert ('id="ask-cut-again"' in page, 'id="viewer-more"' in page) == (not is_ordered, not is_ordered)
    assert ("Each request says for itself" in page) is is_ordered


def test_no_line_is_two_to_who_takes_other_characters_for_line_ends(client, services, redis_client):
    batch = begin(client, line("one\u2028or\x85two"), line("{\u2029}", n=2))
    fill(services)
    answer(services, redis_client, Result(answer="A\u2028circle."))
    batch = client.batches.retrieve(batch.id)
    for file_id, name in ((batch.output_file_id, "one\u2028or\x85two"), (batch.error_file_id, "{\u2029}")):
        (said,) = client.files.content(file_id).text.splitlines()
        assert json.loads(said)["custom_id"] == name


@pytest.mark.parametrize(
    ("bad", "code", "why"),
    [
        (line("a"), "invalid_field", "custom_id"),
        (line("b", model="ocr"), "invalid_field", "model"),
        (line("b", n=2), "invalid_field", "`n`"),
        (line("b", b"no image"), "not_an_image", ""),
        (line("b").replace(ENDPOINT, "/v1/embeddings"), "invalid_field", "`url`"),
        (line("b", max_tokens=1_000_000), "too_many_tokens", ""),
        (line("b", messages=[{"role": "user", "content": "?"}]), "missing_file", "questions about images"),
    ],
)
def test_a_line_that_cannot_be_used_is_one_of_the_error_file_and_stops_no_other(
    client, services, bad, code, why
):
    batch = begin(client, line("a"), bad, line("c"))
    fill(services)
    batch = client.batches.retrieve(batch.id)
    assert batch.request_counts.model_dump() == {"total": 3, "completed": 0, "failed": 1}
    (failed,) = told(client, batch.error_file_id)
    error = failed["response"]["body"]["error"]
    assert failed["custom_id"] == json.loads(bad)["custom_id"]
    assert (error["code"], why in error["message"]) == (code, True)


def test_a_line_with_a_name_that_is_too_long_is_refused_under_the_beginning_of_it(client, services):
    batch = begin(client, line("a" * 1024), line("b" * 1025))
    fill(services)
    batch = client.batches.retrieve(batch.id)
    assert batch.request_counts.model_dump() == {"total": 2, "completed": 0, "failed": 1}
    (failed,) = told(client, batch.error_file_id)
    assert failed["custom_id"].startswith("b" * 1000)
    assert "EVA01_MAX_PATH_CHARS" in failed["response"]["body"]["error"]["message"]


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"endpoint": "/v1/embeddings"}, "endpoint"),
        ({"completion_window": "1h"}, "completion_window"),
        (
            {"output_expires_after": {"anchor": "created_at", "seconds": 2_592_001}},
            "output_expires_after.seconds",
        ),
        ({"output_expires_after": {"seconds": 3600}}, "output_expires_after.anchor"),
        ({"metadata": {"a" * 65: "b"}}, "metadata"),
        ({"input_file_id": "file-x"}, "input_file_id"),
    ],
)
def test_what_is_not_supported_is_refused_by_its_name(client, redis_client, said, param):
    sent = client.files.create(file=file_of(line("a")), purpose="batch")
    asked = {"input_file_id": sent.id, "endpoint": ENDPOINT, "completion_window": "24h", **said}
    with pytest.raises(openai.BadRequestError) as error:
        client.batches.create(**asked)
    assert str(error.value.param).startswith(param)
    assert list(redis_client.scan_iter("eva01:batch:*")) == []


def test_a_file_that_names_no_model_makes_no_batch(client):
    with pytest.raises(openai.BadRequestError) as error:
        begin(client, "{}", "no")
    assert error.value.param == "input_file_id"
    with pytest.raises(openai.NotFoundError) as unknown:
        begin(client, line("a", model="gpt-5"))
    assert unknown.value.code == "model_not_found"


def test_a_line_that_asks_how_likely_its_tokens_were_is_told_so_on_the_page_as_well(
    client, services, redis_client, http
):
    batch = begin(client, line("one", logprobs=True, top_logprobs=0), line("two"))
    fill(services)
    token = {"token": "A", "logprob": -0.5, "bytes": [65], "top_logprobs": []}
    address = f"/api/batches/{batch.id.removeprefix('batch_')}/results"
    (one, _) = http.get(address).get_json()["jobs"]
    said = json.dumps([token]).encode()
    services.journal.note_logprobs(services.store.get_job(one["id"]), "A", said)
    answer(services, redis_client, Result(answer="A"), Result(answer="A"))
    lines = [json.loads(line) for line in http.get(f"{address}.jsonl").text.splitlines()]
    assert [job.get("logprobs", "nothing") for job in lines] == [{"content": [token]}, "nothing"]


def test_batches_are_listed_with_those_of_the_page(client, services, http):
    first = begin(client, line("a"))
    other = http.post("/api/batches", json={"question": "?", "model": "nano"}).get_json()["id"]
    last = begin(client, line("a"))
    listed = [*client.batches.list(limit=1)]
    assert [batch.id for batch in listed] == [last.id, f"batch_{other}", first.id]
    assert (listed[1].input_file_id, listed[1].status) == ("", "in_progress")
    assert client.batches.retrieve(f"batch_{other}").endpoint == ENDPOINT


def test_nobody_sees_what_is_anothers(make_client, services):
    anna, ben, team = (
        make_client(made_key(services, owner, **more).text)
        for owner, more in (("anna", {}), ("ben", {}), ("carl", {"teams": ("anna",)}))
    )
    batch = begin(anna, line("a"), "{")
    fill(services)
    batch = anna.batches.retrieve(batch.id)
    for look in (
        lambda: ben.files.retrieve(batch.input_file_id),
        lambda: ben.files.content(batch.input_file_id),
        lambda: ben.files.delete(batch.input_file_id),
        lambda: ben.files.content(batch.error_file_id),
        lambda: ben.batches.retrieve(batch.id),
        lambda: ben.batches.cancel(batch.id),
        lambda: ben.batches.create(
            input_file_id=batch.input_file_id, endpoint=ENDPOINT, completion_window="24h"
        ),
    ):
        with pytest.raises(openai.NotFoundError):
            look()
    assert [*ben.files.list()] == [*ben.batches.list()] == []
    assert [file.id for file in team.files.list()] == [batch.input_file_id]
    assert team.batches.retrieve(batch.id).id == batch.id
    job = next(services.store.results(batch.id.removeprefix("batch_")))
    assert job.owner == "anna"


def test_lines_may_ask_for_responses(client, services, redis_client):
    def asked(custom_id: str, **said: Any) -> str:
        content = [
            {"type": "input_image", "image_url": shown(IMAGE)["image_url"]["url"]},
            {"type": "input_text", "text": "What is this?"},
        ]
        body = {"model": "nano", "input": [{"role": "user", "content": content}], **said}
        return json.dumps({"custom_id": custom_id, "method": "POST", "url": "/v1/responses", "body": body})

    lines = (asked("a", max_output_tokens=5), asked("b", stream=True), line("chat"))
    sent = client.files.create(file=file_of(*lines), purpose="batch")
    made = client.batches.create(input_file_id=sent.id, endpoint="/v1/responses", completion_window="24h")
    fill(services)
    answer(services, redis_client, SAID)
    made = client.batches.retrieve(made.id)
    assert (made.endpoint, made.status) == ("/v1/responses", "completed")
    (answered,) = told(client, made.output_file_id)
    body = answered["response"]["body"]
    assert (answered["custom_id"], body["object"], body["max_output_tokens"]) == ("a", "response", 5)
    assert body["output"][0]["content"][0]["text"] == "A red circle."
    refused = {one["custom_id"]: one["response"]["body"]["error"] for one in told(client, made.error_file_id)}
    assert "`stream`" in refused["b"]["message"]
    assert "`url`" in refused["chat"]["message"]


def test_a_line_is_not_streamed(client, services):
    made = begin(client, line("a", stream=True), line("b"))
    fill(services)
    (refused,) = told(client, client.batches.retrieve(made.id).error_file_id)
    assert "`stream`" in refused["response"]["body"]["error"]["message"]


def test_no_file_takes_the_place_of_a_line_that_is_still_to_be_read(client, services, redis_client, http):
    batch = begin(client, line("a"), line("b"))
    Filler(services, lines_at_a_time=1).run_once()
    own = f"/api/batches/{batch.id.removeprefix('batch_')}"
    sent = http.post(f"{own}/files", data={"file": (BytesIO(IMAGE), "b"), "questions": '{"b": "Else?"}'})
    digest = sha256(IMAGE).hexdigest()
    known = http.post(f"{own}/known", json={"files": [{"file": "b", "sha256": digest, "question": "Else?"}]})
    assert [(one.status_code, one.get_json()["code"]) for one in (sent, known)] == [
        (409, "batch_being_made"),
        (409, "batch_being_made"),
    ]
    fill(services)
    jobs = [*services.store.results(batch.id.removeprefix("batch_"))]
    assert [(job.file, job.question) for job in jobs] == [("a", "What is this?"), ("b", "What is this?")]
    answer(services, redis_client, SAID, SAID)
    answered = told(client, client.batches.retrieve(batch.id).output_file_id)
    assert [one["custom_id"] for one in answered] == ["a", "b"]


def test_a_line_with_a_key_twice_is_refused_by_it_and_no_other(client, services):
    twice = line("twice").replace('"model": "nano"', '"model": "nano", "model": "ocr"')
    batch = begin(client, line("once"), twice)
    fill(services)
    batch = client.batches.retrieve(batch.id)
    (refused,) = told(client, batch.error_file_id)
    error = refused["response"]["body"]["error"]
    assert (refused["custom_id"], error["code"]) == ("line-2", "invalid_field")
    assert error["message"] == "The line has `model` twice in one object."
    assert [job.file for job in services.store.results(batch.id.removeprefix("batch_"))] == ["once", "line-2"]


def test_a_batch_is_not_closed_while_its_lines_are_read(client, services, http):
    batch = begin(client, line("a"), line("b"))
    close = f"/api/batches/{batch.id.removeprefix('batch_')}/close"
    refused = http.post(close)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "batch_being_made")
    fill(services)
    assert http.post(close).status_code == 200
    counts = client.batches.retrieve(batch.id).request_counts
    assert counts.model_dump() == {"total": 2, "completed": 0, "failed": 0}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        *[
            (path, f"limit={limit}")
            for path in ("files", "batches")
            for limit in ("0", "+1", "1e1", "\u0661")
        ],
        ("files", "limit=00000000110001"),
        ("batches", "limit=000000001101"),
        ("batches", "limit=000000001" + "0" * 3000),
        ("files", "order=ascending"),
        ("batches", "order=asc"),
    ],
)
def test_of_a_list_no_more_is_asked_than_it_takes(http, path, said):
    refused = http.get(f"/v1/{path}?{said}")
    assert (refused.status_code, refused.get_json()["error"]["param"]) == (400, said.partition("=")[0])


def test_a_list_does_not_tell_anothers_batch_from_none(make_client, client, services):
    keys = {who: make_client(made_key(services, who).text) for who in ("anna", "ben")}
    hers = begin(keys["anna"], line("a"))
    for after in (hers.id, "batch_" + "0" * 32, "batch_x"):
        with pytest.raises(openai.BadRequestError) as error:
            keys["ben"].batches.list(after=after)
        assert (error.value.code, error.value.param) == ("invalid_field", "after")
    assert keys["anna"].batches.list(after=hers.id).data == []


def test_few_bytes_of_lines_that_are_no_requests_are_looked_at(make_http):
    many = b"\n".join(b'{"body": "' + bytes([65 + number]) * 5_000_000 + b'"}' for number in range(5))
    with httpx2.Client(transport=httpx2.WSGITransport(app=make_http().application)) as connection:
        client = OpenAI(base_url="http://localhost/v1", api_key="any", http_client=connection, max_retries=0)
        sent = client.files.create(file=("a.jsonl", many + b"\n" + line("a").encode()), purpose="batch")
        with pytest.raises(openai.BadRequestError) as error:
            client.batches.create(input_file_id=sent.id, endpoint=ENDPOINT, completion_window="24h")
    assert error.value.param == "input_file_id"
