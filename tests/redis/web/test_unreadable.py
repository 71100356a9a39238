"""Records that cannot be read, over HTTP: who asks for one hears so, and everybody else hears the rest."""

import csv
import io
import time
import zipfile

import pytest

from jobs.contract import names
from jobs.contract.models import Result
from tests.asking import ask, id_of, new_batch, post_files, send
from tests.files import hostile

pytestmark = pytest.mark.redis

#: Pages and calls that show what is everybody's.
EVERYBODYS = ("/", "/history", "/api/batches", "/api/models", "/api/status", "/metrics", "/health", "/ready")


@pytest.fixture
def batch(http, services) -> str:
    """The address of a batch of two images, both answered."""
    batch = new_batch(http)
    send(http, batch, {"a.png": hostile.encoded(), "b.png": hostile.encoded()})
    for ticket in ("1", "2"):
        services.store.finish(services.store.take("nano", ticket).job.id, Result(answer="A red circle."))
    return batch


@pytest.fixture
def job_ids(http, batch) -> list[str]:
    return [job["id"] for job in http.get(f"{batch}/results").json["jobs"]]


def assert_everybody_is_served(http) -> None:
    assert {address: http.get(address).status_code for address in EVERYBODYS} == dict.fromkeys(
        EVERYBODYS, 200
    )


def problem_of(response) -> tuple[int, str]:
    assert response.mimetype == "application/problem+json", response.text
    return response.status_code, response.json["code"]


@pytest.mark.parametrize("is_another_type", [False, True])
def test_a_job_that_cannot_be_read_is_a_row_of_each_export_and_a_conflict_by_itself(
    http, redis_client, batch, job_ids, is_another_type
):
    key = names.job_key(job_ids[0])
    if is_another_type:
        redis_client.delete(key)
        redis_client.set(key, "x")
    else:
        redis_client.hset(key, "usage", "[1]")
    assert problem_of(http.get(f"/api/jobs/{job_ids[0]}")) == (409, "unreadable_record")
    assert [job["id"] for job in http.get(f"{batch}/results").json["jobs"]] == job_ids[1:]
    rows = list(csv.DictReader(io.StringIO(http.get(f"{batch}/results.csv").text)))
    assert [row["error_code"] for row in rows] == ["unreadable_record", ""]
    assert len(http.get(f"{batch}/results.jsonl").text.splitlines()) == 2
    with http.get(f"{batch}/results.xlsx") as workbook:
        assert workbook.data[:2] == b"PK"
    packed = zipfile.ZipFile(io.BytesIO(http.get(f"{batch}/results.zip").data))
    assert "unreadable_record" in packed.read("errors.csv").decode()
    assert http.get(batch.removeprefix("/api")).status_code == 200
    assert_everybody_is_served(http)
    assert 'eva01_unreadable_records_total{kind="job"}' in http.get("/metrics").text


def test_a_batch_that_cannot_be_read_is_a_conflict_by_itself_and_no_longer_listed(http, redis_client, batch):
    other = new_batch(http)
    redis_client.hset(names.batch_key(id_of(batch)), "state", "x")
    for address in (batch, f"{batch}/results", f"{batch}/results.csv", f"{batch}/timeline"):
        assert problem_of(http.get(address)) == (409, "unreadable_record")
    page = http.get(batch.removeprefix("/api"))
    assert (page.status_code, page.mimetype) == (409, "text/html")
    assert [one["id"] for one in http.get("/api/batches").json["batches"]] == [id_of(other)]
    assert_everybody_is_served(http)
    assert http.delete(batch).status_code == 204


@pytest.mark.parametrize("part", ["", ":jobs", ":changes", ":timeline", ":finishes", ":files", ":namesakes"])
def test_a_part_of_a_batch_that_is_something_else_is_no_fault_of_redis_and_nobody_elses(
    http, redis_client, batch, part
):
    key = f"{names.batch_key(id_of(batch))}{part}"
    redis_client.delete(key)
    redis_client.set(key, "x")
    for address in ("", "/results", "/results?order=changed", "/results.csv", "/results.zip", "/timeline"):
        response = http.get(f"{batch}{address}")
        assert response.status_code == 200 or problem_of(response) == (409, "unreadable_record"), address
    assert_everybody_is_served(http)
    send(http, new_batch(http), {"c.png": hostile.encoded()})


def test_cards_and_heartbeats_that_are_no_json_leave_the_others(http, redis_client):
    redis_client.hset(names.MODELS, "evil", "{")
    redis_client.set(names.worker_key("evil"), "{")
    redis_client.zadd(names.WORKERS, {"evil": time.time()})
    redis_client.hset(names.STARTS, "nano", "soon")
    assert [model["name"] for model in http.get("/api/models").json["models"]] == ["nano", "ocr"]
    assert_everybody_is_served(http)
    assert ask(http).status_code == 202


def test_what_is_no_text_in_redis_is_shown_as_that(http, redis_client, batch, job_ids):
    redis_client.hset(names.job_key(job_ids[0]), "answer", b"caf\xe9 \xf0\x28")
    redis_client.zadd(names.BATCHES, {b"\xff\xfe": time.time()})
    assert http.get(f"/api/jobs/{job_ids[0]}").json["answer"] == "caf\ufffd \ufffd("
    assert len(http.get(f"{batch}/results").json["jobs"]) == 2
    assert_everybody_is_served(http)


def test_a_file_that_comes_again_hears_that_its_job_cannot_be_read(http, redis_client):
    image = hostile.encoded()
    batch = new_batch(http)
    (sent,) = send(http, batch, {"a.png": image})
    redis_client.hset(names.job_key(sent["job_id"]), "options", "{")
    again = post_files(http, f"{batch}/files", {"a.png": image})
    assert problem_of(again) == (409, "unreadable_record")


def test_a_batch_that_names_no_model_is_cancelled_all_the_same_and_who_asks_hears_that_it_cannot_be_read(
    http, services, redis_client
):
    batch = new_batch(http)
    send(http, batch, {"a.png": hostile.encoded(), "b.png": hostile.encoded()})
    redis_client.hdel(names.batch_key(id_of(batch)), "model")
    assert problem_of(http.post(f"{batch}/cancel")) == (409, "unreadable_record")
    assert services.store.take("nano", "1") is None
    assert_everybody_is_served(http)
