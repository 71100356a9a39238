"""Files and batches as OpenAI's own client asks for them, on a real Redis, answered as a worker does."""

import json
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from typing import Any
from urllib.parse import quote

import httpx2
import openai
import pytest
from flask.testing import FlaskClient
from openai import OpenAI

from jobs.contract import names
from jobs.contract.access.owners import Quotas
from jobs.contract.asking.order import SentFile
from jobs.contract.codes import Code
from jobs.contract.models import JobError, JobState, Result, utc_now
from jobs.upkeep.restore import Restore
from tests.asking import IMAGE
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
from web.server import housekeeping_of

pytestmark = pytest.mark.redis


@pytest.fixture
def http(make_http) -> FlaskClient:
    return make_http(limits={"max_requests": 100, "max_request_files": 3, "max_requests_bytes": 100_000})


def test_a_file_is_kept_listed_given_back_and_deleted(client):
    content = file_of(line("a"), "", line("b"))
    sent = client.files.create(file=content, purpose="batch")
    assert (sent.filename, sent.purpose, sent.bytes) == ("requests.jsonl", "batch", len(content[1]))
    assert sent.expires_at - sent.created_at == 30 * 24 * 3600
    assert client.files.content(sent.id).read() == content[1]
    assert client.files.retrieve(sent.id) == sent
    other = client.files.create(file=file_of(line("c")), purpose="batch")
    assert [file.id for file in client.files.list(limit=1)] == [other.id, sent.id]
    assert [file.id for file in client.files.list(order="asc")] == [sent.id, other.id]
    assert [*client.files.list(purpose="vision")] == []
    assert client.files.delete(sent.id).deleted
    for gone in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError) as error:
            gone(sent.id)
        assert error.value.code == "file_not_found"
    assert [file.id for file in client.files.list()] == [other.id]


@pytest.mark.parametrize(
    ("said", "code", "param"),
    [
        ({"purpose": "fine-tune"}, "invalid_field", "purpose"),
        ({"file": ("a.jsonl", b"\n\n")}, "invalid_field", "file"),
        ({"file": ("a.jsonl", b"{}\n" * 101)}, "request_too_large", None),
        ({"file": ("a.jsonl", b"x" * 100_001)}, "request_too_large", None),
        (
            {"expires_after": {"anchor": "created_at", "seconds": 3599}},
            "invalid_field",
            "expires_after.seconds",
        ),
        ({"expires_after": {"anchor": "now", "seconds": 3600}}, "invalid_field", "expires_after.anchor"),
        ({"expires_after": {"anchor": "created_at"}}, "invalid_field", "expires_after.seconds"),
        ({"extra_body": {"size": "small"}}, "invalid_field", "size"),
    ],
)
def test_a_file_that_is_none_of_requests_is_refused(client, services, said, code, param):
    with pytest.raises(openai.APIStatusError) as error:
        client.files.create(**{"file": file_of(line("a")), "purpose": "batch", **said})
    assert (error.value.code, error.value.param) == (code, param)
    assert services.sent_files.count(None) == 0


def test_there_are_no_more_files_than_may_be(client):
    for _ in range(3):
        client.files.create(file=file_of(line("a")), purpose="batch")
    with pytest.raises(openai.APIStatusError) as error:
        client.files.create(file=file_of(line("a")), purpose="batch")
    assert (error.value.status_code, error.value.code) == (413, "too_many_files")


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
    answer(services, redis_client, Result(error=JobError(code=Code.ENGINE_FAILED, message="No.")))

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
    assert client.files.retrieve(batch.output_file_id).purpose == "batch_output"
    assert services.orders.underway() == []

    page = http.get(f"/api/batches/{batch.id.removeprefix('batch_')}/results").get_json()
    assert [(job["file"], job["question"]) for job in page["jobs"]] == [
        ("first", "What is this?"),
        ("line-2", "What is this?"),
        ("two", "What is this?"),
    ]
    assert [image["file"] for image in page["jobs"][2]["images"]] == ["image-1", "image-2"]


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


def test_a_batch_that_is_cancelled_has_what_was_answered_before(client, services, redis_client):
    batch = begin(client, line("a"), line("b"), line("c"))
    fill(services)
    answer(services, redis_client, SAID)
    batch = client.batches.cancel(batch.id)
    assert batch.status == "cancelled"
    assert batch.cancelled_at
    assert batch.request_counts.model_dump() == {"total": 3, "completed": 1, "failed": 0}
    assert [line["custom_id"] for line in told(client, batch.output_file_id)] == ["a"]
    assert [(line["custom_id"], line["error"]["code"]) for line in told(client, batch.error_file_id)] == [
        ("b", "batch_cancelled"),
        ("c", "batch_cancelled"),
    ]
    fill(services)
    assert services.orders.underway() == []


def test_a_batch_that_is_cancelled_while_its_lines_are_read_gets_no_more_of_them(client, services):
    batch = begin(client, line("a"), line("b"), line("c"))
    filler = Filler(services, lines_at_a_time=2)
    assert filler.run_once()
    client.batches.cancel(batch.id)
    assert not filler.run_once()
    shown = client.batches.retrieve(batch.id)
    assert (shown.status, services.store.get_batch(batch.id.removeprefix("batch_")).total) == ("cancelled", 2)
    assert shown.request_counts.model_dump() == {"total": 3, "completed": 0, "failed": 0}
    lost = told(client, shown.error_file_id)
    assert [(line["custom_id"], line["error"]["code"]) for line in lost] == [
        (name, "batch_cancelled") for name in "abc"
    ]


def test_lines_that_were_never_read_are_told_of(client, services):
    batch = begin(client, line("a"), "{", "", line("b" * 2000), line("c"))
    client.batches.cancel(batch.id)
    fill(services)
    shown = client.batches.retrieve(batch.id)
    assert (shown.status, shown.request_counts.total, shown.output_file_id) == ("cancelled", 4, None)
    lost = [one["custom_id"] for one in told(client, shown.error_file_id)]
    assert (lost[:2], lost[2][:1000], lost[3]) == (["a", "line-2"], "b" * 1000, "c")
    client.files.delete(batch.input_file_id)
    (rest,) = told(client, shown.error_file_id)
    assert rest["error"]["code"] == "batch_cancelled"
    assert "4 lines were not read" in rest["error"]["message"]


def test_lines_that_were_not_read_in_time_have_expired(client, services):
    batch = begin(client, line("a"), line("b"))
    Filler(services, lines_at_a_time=1).run_once()
    (order,) = services.orders.of([batch.id.removeprefix("batch_")]).values()
    services.orders.note(order.model_copy(update={"expires_at": utc_now() - timedelta(seconds=1)}))
    fill(services)
    shown = client.batches.retrieve(batch.id)
    assert (shown.status, shown.request_counts.total) == ("expired", 2)
    lost = told(client, shown.error_file_id)
    assert [(one["custom_id"], one["error"]["code"]) for one in lost] == [
        ("a", "batch_expired"),
        ("b", "batch_expired"),
    ]


def test_what_has_no_answer_in_its_time_has_expired(client, services, redis_client):
    batch = begin(client, line("a"), line("b"))
    fill(services)
    answer(services, redis_client, SAID)
    (order,) = services.orders.of([batch.id.removeprefix("batch_")]).values()
    services.orders.note(order.model_copy(update={"expires_at": utc_now() - timedelta(seconds=1)}))
    fill(services)
    batch = client.batches.retrieve(batch.id)
    assert batch.status == "expired"
    assert batch.expired_at
    assert [line["custom_id"] for line in told(client, batch.output_file_id)] == ["a"]
    (late,) = told(client, batch.error_file_id)
    assert (late["custom_id"], late["response"], late["error"]["code"]) == ("b", None, "batch_expired")


def test_who_takes_over_goes_on_and_makes_no_line_twice(client, services):
    lines = [line("a"), "{", line("a"), line("b", n=2), line("c", OTHER), line("d")]
    batch = begin(client, *lines)
    Filler(services, lines_at_a_time=4).run_once()
    fill(services, lines_at_a_time=3)
    jobs = [*services.store.results(batch.id.removeprefix("batch_"))]
    assert [(job.file, job.sent_as, job.is_refused) for job in jobs] == [
        ("a", None, False),
        ("line-2", None, True),
        ("a (2)", "a", True),
        ("b", None, True),
        ("c", None, False),
        ("d", None, False),
    ]
    assert [line["custom_id"] for line in told(client, client.batches.retrieve(batch.id).error_file_id)] == [
        "line-2",
        "a",
        "b",
    ]


def test_a_redis_that_was_lost_loses_no_line(client, services, redis_client):
    batch = begin(client, line("a"), line("b"), line("c"), metadata={"of": "us"})
    Filler(services, lines_at_a_time=2).run_once()
    answer(services, redis_client, SAID)
    redis_client.flushdb()
    fill(services)
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve(batch.id)
    *_, _ = Restore(services.store, services.journal).run()
    fill(services)
    shown = client.batches.retrieve(batch.id)
    assert (shown.status, shown.metadata) == ("in_progress", {"of": "us"})
    jobs = services.store.results(batch.id.removeprefix("batch_"))
    assert [(job.file, job.state) for job in jobs] == [
        ("a", JobState.SUCCEEDED),
        ("b", JobState.QUEUED),
        ("c", JobState.QUEUED),
    ]


def test_a_deleted_batch_is_seen_to_no_more_and_leaves_nothing(client, services, http):
    batch = begin(client, line("a"), line("b"))
    Filler(services, lines_at_a_time=1).run_once()
    assert http.delete(f"/api/batches/{batch.id.removeprefix('batch_')}").status_code == 204
    fill(services)
    assert services.orders.underway() == []
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve(batch.id)


def test_a_file_is_not_deleted_while_a_batch_is_made_of_it(client, services):
    batch = begin(client, line("a"))
    with pytest.raises(openai.ConflictError) as error:
        client.files.delete(batch.input_file_id)
    assert error.value.code == "file_in_use"
    fill(services)
    client.files.delete(batch.input_file_id)
    assert client.batches.retrieve(batch.id).status == "in_progress"


def age(services, file_id: str, **by: float) -> None:
    """Have a file be older than it is."""
    ((_, text),) = services.blobs.get_many([names.sent_path(None, file_id.removeprefix("file-"))])
    sent = SentFile.model_validate_json(text)
    passed = timedelta(**by)
    assert sent.expires_at
    older = {"created_at": sent.created_at - passed, "expires_at": sent.expires_at - passed}
    content = BytesIO(services.sent_files.piece(sent, 0))
    services.sent_files.put(sent.model_copy(update=older), content)


def test_a_file_goes_when_it_was_asked_to(client, services):
    hour: dict[str, Any] = {"anchor": "created_at", "seconds": 3600}
    batch = begin(client, line("a"), line("b"), expires_after=hour)
    sent = client.files.retrieve(batch.input_file_id)
    assert sent.expires_at - sent.created_at == 3600
    age(services, sent.id, minutes=59)
    assert client.files.retrieve(sent.id).expires_at == sent.expires_at - 59 * 60
    age(services, sent.id, minutes=2)
    for gone in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError) as error:
            gone(sent.id)
        assert error.value.code == "file_not_found"
    assert [*client.files.list()] == []
    with pytest.raises(openai.NotFoundError):
        client.batches.create(input_file_id=sent.id, endpoint=ENDPOINT, completion_window="24h")
    housekeeping_of(services).keep_house()
    fill(services)
    made = client.batches.retrieve(batch.id)
    assert (made.status, made.request_counts.failed) == ("in_progress", 0)
    assert services.store.get_batch(batch.id.removeprefix("batch_")).total == 2, "its lines were still there"


def test_files_whose_time_is_over_leave_room_for_others(client, services):
    hour: dict[str, Any] = {"anchor": "created_at", "seconds": 3600}
    for _ in range(3):
        sent = client.files.create(file=file_of(line("a")), purpose="batch", expires_after=hour)
        age(services, sent.id, hours=2)
    other = client.files.create(file=file_of(line("a")), purpose="batch")
    housekeeping_of(services).keep_house()
    assert {path.split("/")[-1] for path in services.blobs.list("files")} == {
        f"{other.id.removeprefix('file-')}.{end}" for end in ("json", "jsonl")
    }


def test_no_file_lives_longer_than_all_do(make_http):
    http = make_http(retention_days=0.5)
    form = {"purpose": "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "86400"}
    sent = http.post("/v1/files", data=form | {"file": (BytesIO(b"{}"), "a.jsonl")}).get_json()
    assert sent["expires_at"] - sent["created_at"] == 12 * 3600


def test_answers_go_with_their_batch_when_they_were_asked_to(client, services, redis_client):
    day: dict[str, Any] = {"anchor": "created_at", "seconds": 24 * 3600}
    batch = begin(client, line("a"), "{", output_expires_after=day)
    batch_id = batch.id.removeprefix("batch_")
    fill(services)
    errors = client.batches.retrieve(batch.id).error_file_id
    assert client.files.retrieve(errors).expires_at is None, "it may grow"
    answer(services, redis_client, SAID)
    fill(services)
    output = client.batches.retrieve(batch.id).output_file_id
    for file in map(client.files.retrieve, (output, errors)):
        assert file.expires_at - file.created_at == 24 * 3600
    assert len(told(client, output)) == 1

    redis_client.zincrby(names.BATCHES, -24 * 3600 - 1, batch_id)
    for gone in (client.files.retrieve, client.files.content):
        with pytest.raises(openai.NotFoundError) as error:
            gone(output)
        assert error.value.code == "file_not_found"
    housekeeping_of(services).keep_house()
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve(batch.id)


def test_a_file_that_is_gone_says_so_in_its_batch(client, services):
    batch = begin(client, line("a"))
    at = utc_now() + timedelta(days=1)
    services.sent_files.forget(sent_before=at, over_before=at, but=())
    fill(services)
    shown = client.batches.retrieve(batch.id)
    assert shown.status == "completed"
    assert [line["custom_id"] for line in told(client, shown.error_file_id)] == ["line-1"]


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


def test_what_comes_when_a_quota_is_used_up_is_an_error_of_its_own(make_client, services):
    client = make_client(made_key(services, "anna", quotas=Quotas(images_per_day=2)).text)
    batch = begin(client, line("a"), "{", line("b"), line("c"), line("d"))
    fill(services, lines_at_a_time=4)
    shown = client.batches.retrieve(batch.id)
    assert shown.request_counts.model_dump() == {"total": 5, "completed": 0, "failed": 3}
    failed = told(client, shown.error_file_id)
    assert [(line["custom_id"], line["response"]["body"]["error"]["code"]) for line in failed] == [
        ("line-2", "malformed_body"),
        ("c", "insufficient_quota"),
        ("d", "insufficient_quota"),
    ]
    assert [line["response"]["status_code"] for line in failed] == [400, 429, 429]


def test_batches_are_listed_with_those_of_the_page(client, services, http):
    first = begin(client, line("a"))
    other = http.post("/api/batches", json={"question": "?", "model": "nano"}).get_json()["id"]
    last = begin(client, line("a"))
    listed = [*client.batches.list(limit=1)]
    assert [batch.id for batch in listed] == [last.id, f"batch_{other}", first.id]
    assert (listed[1].input_file_id, listed[1].status) == ("", "in_progress")
    assert client.batches.retrieve(f"batch_{other}").endpoint == ENDPOINT


def test_answers_go_with_their_batch(client, services, redis_client):
    batch = begin(client, line("a"))
    fill(services)
    answer(services, redis_client, SAID)
    output = client.batches.retrieve(batch.id).output_file_id
    with pytest.raises(openai.BadRequestError):
        client.files.delete(output)


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


@pytest.mark.parametrize("odd", ["\0", "\x01", "\x7f", "\n", "/", "Z"])
def test_an_id_of_a_file_that_is_none_is_not_found(http, odd):
    for method, rest in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        answer = http.open(f"/v1/files/file-{'0' * 31}{quote(odd, safe='')}{rest}", method=method)
        assert answer.status_code == 404, answer.json


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
