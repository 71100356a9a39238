"""How likely each token was, over HTTP: asked for, refused, told, exported, and kept without Redis."""

import csv
import io
import json
import threading
from typing import Any

import httpx
import pytest

from jobs.contract import names
from jobs.contract.models import Job, Options, Result
from jobs.upkeep.adopt import Adoption
from jobs.upkeep.restore import Restore
from tests.asking import IMAGE, ask, ask_both, id_of, new_batch, send
from tests.processes import wait_until
from tests.redis.web.test_delete import remove_all
from tests.redis.web.test_jobs import code_of

pytestmark = pytest.mark.redis

RED = {"token": "red", "logprob": -0.25, "bytes": [*b"red"]}
HALF = {"token": "\ufffd", "logprob": -3.5, "bytes": [0xE7, 0xBA]}
CONTENT = [{**RED, "top_logprobs": [RED, HALF]}, {**HALF, "top_logprobs": []}]
TOLD = {"content": CONTENT}


def answer(services, job_id: str, said: str = "red", content: Any = CONTENT) -> Job:
    """What a worker does at the end of a job."""
    services.journal.note_logprobs(services.store.get_job(job_id), said, json.dumps(content).encode())
    services.store.finish(job_id, Result(answer=said, finish_reason="stop"))
    job = services.store.get_job(job_id)
    services.journal.note_result(job)
    return job


@pytest.fixture
def batch(http) -> str:
    return new_batch(http, logprobs=True, top_logprobs=2)


@pytest.fixture
def answered(http, services, batch) -> str:
    """The batch with an answer, a refused file, and one that waits."""
    first, _, _ = send(http, batch, {"a.png": IMAGE, "b.txt": b"no image", "c.png": IMAGE})
    answer(services, first["job_id"])
    return batch


def lines_of(http, address: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in http.get(f"{address}/results.jsonl").text.splitlines()]


# Asked


@pytest.mark.parametrize(
    ("asked", "top"),
    [
        ({"logprobs": True, "top_logprobs": 2}, 2),
        ({"logprobs": True}, 0),
        ({"logprobs": True, "top_logprobs": None}, 0),
        ({"logprobs": True, "top_logprobs": 20, "max_new_tokens": 10}, 20),
        ({"logprobs": False}, None),
        ({"logprobs": None}, None),
        ({}, None),
    ],
)
def test_batches_questions_and_further_ones_ask_for_them(http, services, asked, top):
    made = id_of(new_batch(http, **asked))
    assert services.store.get_batch(made).options.top_logprobs == top
    told = http.get(f"/api/batches/{made}").json
    assert (told["logprobs"], told["top_logprobs"]) == (top is not None, top)
    form: dict[str, Any] = {name: json.dumps(value) for name, value in asked.items() if value is not None}
    single = ask(http, **form).json["id"]
    assert services.store.get_job(single).options.top_logprobs == top
    again = http.post(f"/api/jobs/{single}/ask", json={"question": "And?", "model": "nano", **asked})
    assert services.store.get_job(again.json["id"]).options.top_logprobs == top
    if top is not None:
        plain = http.post(f"/api/jobs/{single}/ask", json={"question": "And?"})
        assert services.store.get_job(plain.json["id"]).options == Options()


def test_the_jobs_of_a_batch_ask_as_it_does(http, services, batch):
    (sent,) = send(http, batch, {"a.png": IMAGE})
    assert services.store.take("nano", "ticket").job.options == Options(top_logprobs=2)
    assert services.store.get_job(sent["job_id"]).options == Options(top_logprobs=2)


# Refused


@pytest.mark.parametrize(
    ("asked", "expected", "says"),
    [
        ({"top_logprobs": 2}, (400, "invalid_field"), "Send logprobs as well"),
        ({"top_logprobs": 0, "logprobs": False}, (400, "invalid_field"), "Send logprobs as well"),
        ({"top_logprobs": 21, "logprobs": True}, (400, "invalid_field"), "top_logprobs"),
        ({"top_logprobs": -1, "logprobs": True}, (400, "invalid_field"), "top_logprobs"),
        ({"top_logprobs": 1.5, "logprobs": True}, (400, "invalid_field"), "top_logprobs"),
        ({"top_logprobs": True, "logprobs": True}, (400, "invalid_field"), "top_logprobs"),
        ({"logprobs": "true"}, (400, "invalid_field"), "logprobs"),
        ({"logprobs": 5}, (400, "invalid_field"), "logprobs"),
        ({"logprobs": True, "model": "ocr"}, (422, "no_logprobs"), "ocr does not say how likely"),
        ({"logprobs": True, "top_logprobs": 20}, (413, "too_many_logprobs"), "4,096 tokens"),
        (
            {"logprobs": True, "top_logprobs": 20, "max_new_tokens": 1998},
            *((413, "too_many_logprobs"), "4,195,800 bytes; the limit is 4,194,304"),
        ),
        (
            {"logprobs": True, "max_new_tokens": 5000},
            *((413, "too_many_tokens"), "EVA01_MAX_ANSWER_TOKENS"),
        ),
    ],
)
def test_what_cannot_be_asked_for_is_refused_by_its_name_and_nothing_is_made(
    http, redis_client, asked, expected, says
):
    for refused in ask_both(http, **asked):
        assert code_of(refused) == expected
        assert says in refused.json["detail"]
    assert [*redis_client.scan_iter("eva01:batch:*"), *redis_client.scan_iter("eva01:job:*")] == []


def test_the_largest_that_fits_is_taken(http):
    new_batch(http, logprobs=True, top_logprobs=20, max_new_tokens=1997)


def test_the_limit_is_a_setting_and_told(http, make_app):
    assert http.get("/api/limits").json["max_logprobs_bytes"] == 4 * 1024 * 1024
    small = make_app(max_logprobs_bytes=1000).test_client()
    assert new_batch(small, logprobs=True, max_new_tokens=10)
    body = {"question": "?", "model": "nano", "logprobs": True, "max_new_tokens": 11}
    assert code_of(small.post("/api/batches", json=body)) == (413, "too_many_logprobs")


def test_models_say_whether_they_can(http):
    told = {model["name"]: model["has_logprobs"] for model in http.get("/api/models").json["models"]}
    assert told == {"nano": True, "ocr": False}


# Told


def test_a_job_tells_them_where_they_were_asked_for_and_lists_and_tables_do_not(http, answered):
    done, refused, waiting = http.get(f"{answered}/results").json["jobs"]
    assert all("logprobs" not in job for job in (done, refused, waiting))
    assert all("logprobs" not in job for job in http.get(f"{answered}/results?order=changed").json["jobs"])
    assert http.get(f"/api/jobs/{done['id']}").json == {**done, "logprobs": TOLD}
    assert http.get(f"/api/jobs/{refused['id']}").json["logprobs"] is None
    assert http.get(f"/api/jobs/{waiting['id']}").json["logprobs"] is None
    assert lines_of(http, answered) == [
        {**done, "logprobs": TOLD},
        {**refused, "logprobs": None},
        {**waiting, "logprobs": None},
    ]
    header, *_ = csv.reader(io.StringIO(http.get(f"{answered}/results.csv").text))
    assert not any("logprob" in title for title in header)


def test_a_job_that_did_not_ask_says_nothing_of_them(http, services):
    plain = new_batch(http)
    (sent,) = send(http, plain, {"a.png": IMAGE})
    answer(services, sent["job_id"])
    assert "logprobs" not in http.get(f"/api/jobs/{sent['job_id']}").json
    assert "logprobs" not in lines_of(http, plain)[0]


def test_lines_and_tokens_go_together(http, answered):
    jobs = [json.loads(line) for line in http.get(f"{answered}/results.jsonl?lines=true").text.splitlines()]
    assert [(job["lines"], job["logprobs"]) for job in jobs] == [(None, TOLD), (None, None), (None, None)]
    assert http.get(f"/api/jobs/{jobs[0]['id']}?lines=true").json == jobs[0]


def test_of_many_answers_each_has_its_own_in_the_order_they_came(http, services, batch):
    sent = send(http, batch, {f"{n:02}.png": IMAGE for n in range(20)})
    for number, one in enumerate(sent):
        if number % 3:
            answer(services, one["job_id"], f"red {number}", [{**CONTENT[0], "logprob": -number}])
    for number, line in enumerate(lines_of(http, batch)):
        told = line["logprobs"] and line["logprobs"]["content"][0]["logprob"]
        assert (line["file"], told) == (f"{number:02}.png", -number if number % 3 else None)


def test_readers_of_a_link_see_them_and_not_whose_they_are(http, services, answered):
    link = "/api" + http.post(f"{answered}/share", json={}).json["url"]
    (done, *_) = http.get(f"{link}/results").json["jobs"]
    assert http.get(f"{link}/jobs/{done['id']}").json == {**done, "logprobs": TOLD}
    assert lines_of(http, link)[0] == {**done, "logprobs": TOLD}
    assert id_of(answered) not in http.get(f"{link}/results.jsonl").text


def test_a_single_question_has_them_when_its_job_is_looked_at(http, services):
    made = ask(http, logprobs="true", top_logprobs="2")
    assert "logprobs" not in made.json
    answer(services, made.json["id"])
    assert http.get(f"/api/jobs/{made.json['id']}").json["logprobs"] == TOLD


def test_a_response_that_is_remembered_in_redis_has_none(http, services, redis_client):
    """What `POST /analyze` answers with may be remembered under an `Idempotency-Key`."""

    def work() -> None:
        queue = names.interactive_queue("nano")
        wait_until(lambda: redis_client.llen(queue), "the question waits", every_s=0.005)
        answer(services, services.store.take("nano", "ticket").job.id)

    def ask_once() -> Any:
        form = httpx.Request(
            "POST",
            "http://web",
            data={"question": "What?", "model": "nano", "logprobs": "true", "wait": "50"},
            files={"file": ("a.png", IMAGE)},
        )
        headers = {"Idempotency-Key": "once", "Content-Type": form.headers["Content-Type"]}
        return http.post("/analyze", data=form.read(), headers=headers)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    done = ask_once()
    worker.join()
    assert (done.status_code, done.json["answer"], "logprobs" in done.json) == (200, "red", False)
    assert http.get(f"/api/jobs/{done.json['id']}").json["logprobs"] == TOLD
    again = ask_once()
    assert (again.json, again.headers["Idempotency-Replayed"]) == (done.json, "true")
    (kept,) = redis_client.scan_iter("eva01:idempotency:*")
    assert "logprob" not in redis_client.get(kept)


# Kept


def test_they_are_there_when_redis_is_wiped_and_when_they_become_an_owners(
    http, services, answered, redis_client
):
    single = ask(http, logprobs="true").json["id"]
    answer(services, single)
    before = lines_of(http, answered)
    redis_client.flushall()
    *_, done = Restore(services.store, services.journal).run()
    assert done.batches == 1
    assert lines_of(http, answered) == before
    assert http.get(f"/api/jobs/{single}").json["logprobs"] == TOLD
    assert services.store.take("nano", "ticket").job.options == Options(top_logprobs=2)
    [*Adoption(services, "anna").run()]
    assert services.journal.logprobs(None, {single: "red"}) == {single: CONTENT}
    batch_id = id_of(answered)
    (first, *_) = services.store.results(batch_id)
    assert (first.owner, services.journal.logprobs(batch_id, {first.id: "red"})) == (
        "anna",
        {first.id: CONTENT},
    )


def test_they_go_with_their_batch(http, services, answered):
    other = new_batch(http, logprobs=True)
    (kept,) = send(http, other, {"a.png": IMAGE})
    answer(services, kept["job_id"])
    assert len([path for path in services.blobs.list("") if "logprobs" in path]) == 2
    http.delete(answered)
    assert remove_all(services).batches == 1
    assert [path for path in services.blobs.list("") if "logprobs" in path] == [
        f"batches/{id_of(other)}/logprobs/{kept['job_id']}.json"
    ]
    assert lines_of(http, other)[0]["logprobs"] == TOLD
