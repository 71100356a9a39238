"""What pages poll, and the check for images that need no upload: over HTTP, on a real server."""

import hashlib
import io

import pytest
from werkzeug.test import EnvironBuilder

from jobs.contract import names
from jobs.contract.models import JobError, JobState, Result, new_id
from tests.asking import IMAGE, id_of, new_batch, send
from tests.files import hostile, tiffs
from tests.redis.web.test_jobs import code_of
from web.access.gate import lets_in
from web.api.docs import names_in

pytestmark = pytest.mark.redis

SHA = hashlib.sha256(IMAGE).hexdigest()


@pytest.fixture
def batch(http) -> str:
    return new_batch(http, name="holiday")


# Changes


def test_a_page_follows_what_changes(http, batch, services):
    one, _ = send(http, batch, {"a.png": IMAGE, "b.png": IMAGE})
    results = f"{batch}/results?order=changed"
    first = http.get(results)
    assert [job["file"] for job in first.json["jobs"]] == ["a.png", "b.png"]
    assert first.headers["Retry-After"] == "2"

    since = f"{results}&cursor={first.json['next_cursor']}"
    nothing = http.get(since)
    assert nothing.json == {"jobs": [], "next_cursor": first.json["next_cursor"]}
    tag = {"If-None-Match": nothing.headers["ETag"]}
    assert http.get(since, headers=tag).status_code == 304

    services.store.finish(one["job_id"], Result(answer="yes"))
    news = http.get(since, headers=tag)
    assert [(job["file"], job["answer"]) for job in news.json["jobs"]] == [("a.png", "yes")]
    assert news.json["next_cursor"] > first.json["next_cursor"]


def test_a_page_that_was_cut_short_wants_the_next_to_be_asked_for_at_once(make_app):
    http = make_app(max_looked_at=2).test_client()
    results = f"{new_batch(http)}/results?order=changed&state=queued"
    send(http, results.split("/results")[0], {f"{n}.png": IMAGE for n in range(3)} | {"bad": b"x"})
    first = http.get(results)
    assert (len(first.json["jobs"]), first.headers["Retry-After"]) == (2, "0")
    last = http.get(f"{results}&cursor={first.json['next_cursor']}")
    while last.headers["Retry-After"] == "0":
        last = http.get(f"{results}&cursor={last.json['next_cursor']}")
    assert http.get(f"{results}&cursor={last.json['next_cursor']}").json["jobs"] == []


def test_an_order_that_cannot_be_is_refused(http, batch):
    assert code_of(http.get(f"{batch}/results?order=size")) == (400, "invalid_field")


def test_a_timeline_of_a_batch(http, batch, services):
    jobs = send(http, batch, {"a.png": IMAGE, "b.png": IMAGE, "c.png": b"x"})
    for job in jobs[:2]:
        services.store.finish(job["job_id"], Result(answer="yes"))
    seen = http.get(f"{batch}/timeline")
    assert (sum(seen.json["succeeded"]), sum(seen.json["failed"]), seen.json["cancelled"][0]) == (2, 1, 0)
    assert seen.json["step_s"] == 1
    tag = {"If-None-Match": seen.headers["ETag"]}
    assert http.get(f"{batch}/timeline", headers=tag).status_code == 304
    assert code_of(http.get(f"/api/batches/{new_id()}/timeline")) == (404, "batch_not_found")


# All batches


def test_batches_are_listed_and_found(http, batch):
    other = new_batch(http, name="receipts")
    shown = http.get("/api/batches").json
    assert [one["name"] for one in shown["batches"]] == ["receipts", "holiday"]
    assert shown["next_cursor"] is None
    assert shown["batches"][0] == http.get(other).json
    first = http.get("/api/batches?limit=1").json
    rest = http.get("/api/batches", query_string={"cursor": first["next_cursor"]}).json
    assert [one["name"] for one in rest["batches"]] == ["holiday"]
    assert [one["id"] for one in http.get("/api/batches?search=HOLI").json["batches"]] == [id_of(batch)]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "cursor=x", "cursor=1/2"])
def test_a_list_that_cannot_be_is_refused(http, query):
    assert code_of(http.get(f"/api/batches?{query}")) == (400, "invalid_field")


@pytest.mark.parametrize(
    "path",
    [
        "/api/batches?",
        "{batch}/results?",
        "{batch}/results?order=changed&",
        "{batch}/results.csv?",
        "{batch}/results.jsonl?lines=true&",
    ],
)
def test_a_name_behind_the_question_mark_that_there_is_not_is_refused_by_it(http, batch, path):
    refused = http.get(f"{path.format(batch=batch)}sort=confidence")
    assert code_of(refused) == (400, "invalid_field")
    assert refused.json["detail"].startswith("Nothing is asked by `sort` here. What can be: `")


def test_nothing_is_done_of_a_call_that_is_asked_by_a_name_that_there_is_not(http, batch):
    send(http, batch, {"a.png": IMAGE})
    for refused in (
        http.delete(f"{batch}?dry_run=true"),
        http.post(f"{batch}/cancel?only=queued"),
        http.post(f"{batch}/files?group_by=folder", data={"files": (io.BytesIO(IMAGE), "b.png")}),
        http.post("/api/batches?max_new_tokens=3", json={"question": "?", "model": "nano"}),
    ):
        assert code_of(refused) == (400, "invalid_field")
        assert "stands in its body" in refused.json["detail"]
    assert len(http.get("/api/batches").json["batches"]) == 1
    assert http.get(batch).json["counts"]["queued"] == 1


def test_no_large_body_is_read_of_a_call_that_is_asked_by_a_name_that_there_is_not(http, batch):
    for query, is_read in (("", True), ("group_by=folder", False)):
        environ = EnvironBuilder(f"{batch}/files", method="POST", query_string=query).get_environ()
        assert lets_in(http.application, environ) is is_read


def test_a_name_that_there_is_not_is_refused_in_openais_envelope_and_named(http):
    refused = http.get("/v1/models?sort=x")
    error = refused.json["error"]
    assert (refused.status_code, error["code"], error["param"]) == (400, "invalid_field", "sort")


@pytest.mark.parametrize(
    "path",
    [
        "/api/batches?limit=1&limit=2",
        "{batch}/results?state=failed&state=succeeded",
        "{batch}/results.csv?state=failed&state=failed",
        "/v1/files?order=asc&order=desc",
    ],
)
def test_a_name_that_is_twice_behind_the_question_mark_is_refused_by_it(http, batch, path):
    refused = http.get(path.format(batch=batch))
    assert refused.status_code == 400
    name = path.split("?")[1].split("=")[0]
    assert f"`{name}` is there twice" in refused.get_data(as_text=True)


def test_a_key_that_is_twice_in_a_body_is_refused_by_name(http):
    said = '{"model": "nano", "question": "Is it red?", "question": "Is it blue?"}'
    refused = http.post("/api/batches", data=said, content_type="application/json")
    assert code_of(refused) == (400, "invalid_field")
    assert refused.json["detail"] == "The body has `question` twice in one object. Send it once."
    assert http.get("/api/batches").json["batches"] == []


@pytest.mark.parametrize("path", ["chat/completions", "responses", "batches"])
def test_openais_clients_are_told_which_key_is_twice(http, path):
    said = '{"model": "nano", "metadata": {"a": "1", "a": "2"}}'
    error = http.post(f"/v1/{path}", data=said, content_type="application/json").json["error"]
    assert (error["code"], error["param"]) == ("invalid_field", "a")


def test_health_metrics_and_pages_may_be_asked_by_any_name(http):
    for path in ("/health", "/ready", "/metrics", "/", "/openapi.json", "/docs"):
        assert http.get(f"{path}?probe=1").status_code == 200


def test_what_the_document_names_behind_the_question_mark_is_taken(http):
    taken = names_in(http.get("/openapi.json").json)
    addresses = {
        (method, rule.rule) for rule in http.application.url_map.iter_rules() for method in rule.methods
    }
    assert {call for call, names in taken.items() if names} <= addresses


def test_a_pages_address_may_have_other_words_behind_the_question_mark(http, batch):
    for path in (batch.removeprefix("/api"), "/history"):
        assert http.get(f"{path}?from_elsewhere=1&cursor=&state=").status_code == 200


def test_a_batch_gets_another_name(http, batch, services):
    renamed = http.patch(batch, json={"name": " Feiertag 🎄 "})
    assert (renamed.status_code, renamed.json["name"]) == (200, "Feiertag 🎄")
    assert http.get(batch).json["name"] == "Feiertag 🎄"
    assert [noted.name for noted in services.journal.batches()] == ["Feiertag 🎄"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (400, "invalid_field")),
        ({"name": "x" * 1025}, (413, "name_too_long")),
        ({"name": "x", "model": "ocr"}, (400, "invalid_field")),
        ([], (400, "malformed_body")),
    ],
)
def test_a_bad_name_is_refused(http, batch, body, expected):
    assert code_of(http.patch(batch, json=body)) == expected


def test_a_deleted_batch_gets_no_name(http, batch, services, redis_client):
    http.delete(batch)
    assert code_of(http.patch(batch, json={"name": "x"})) == (404, "batch_not_found")
    services.store.remove_batch(id_of(batch))
    assert code_of(http.patch(batch, json={"name": "x"})) == (404, "batch_not_found")
    assert redis_client.exists(names.batch_key(id_of(batch))) == 0


# Files that are known


def know(http, batch: str, *files: tuple[str, str]) -> list[dict]:
    asked = http.post(
        f"{batch}/known", json={"files": [{"file": file, "sha256": sha256} for file, sha256 in files]}
    )
    assert asked.status_code == 200, asked.text
    return asked.json["files"]


def test_an_image_that_is_here_is_not_sent_again(http, batch, services, redis_client):
    send(http, batch, {"a.png": IMAGE})
    other = new_batch(http)
    known, again, unknown = know(http, other, ("./x/y.png", SHA), ("x/y.png", SHA), ("z.png", "0" * 64))
    assert (known["file"], known["state"], known["is_new"]) == ("x/y.png", "accepted", True)
    assert (again["job_id"], again["is_new"]) == (known["job_id"], False)
    assert (unknown["state"], unknown["job_id"]) == ("unknown", None)
    (job,) = http.get(f"{other}/results").json["jobs"]
    assert (job["image"], job["media_type"], job["question"]) == (SHA, "image/png", "What?")
    assert redis_client.llen(names.bulk_queue("nano")) == 2
    noted = {job.file for job in services.journal.jobs(id_of(other))}
    assert noted == {"x/y.png"}
    assert redis_client.smembers(names.image_uses_key(SHA)) == {
        http.get(f"{batch}/results").json["jobs"][0]["id"],
        known["job_id"],
    }


def test_a_hash_in_capitals_is_the_same(http, batch):
    send(http, batch, {"a.png": IMAGE})
    (known,) = know(http, new_batch(http), ("a.png", SHA.upper()))
    assert known["state"] == "accepted"


def test_an_upload_that_was_cut_off_goes_on(http, batch, redis_client):
    sent = send(http, batch, {f"{n}.png": IMAGE for n in range(20)})
    files = [(f"{n}.png", SHA) for n in range(40)]
    outcomes = know(http, batch, *files)
    assert [outcome["file"] for outcome in outcomes] == [file for file, _ in files]
    assert [outcome["job_id"] for outcome in outcomes[:20]] == [outcome["job_id"] for outcome in sent]
    assert [outcome["is_new"] for outcome in outcomes] == [False] * 20 + [True] * 20
    assert http.get(batch).json["total"] == 40
    assert redis_client.exists(names.IMAGE_CLAIMS) == 0


def test_a_known_file_may_have_a_question_and_a_page_of_its_own(http, batch, services):
    scan = tiffs.fax(2)
    send(http, batch, {"a.png": IMAGE, "c.tif": scan})
    other = new_batch(http, max_new_tokens=9)
    files = [
        {"file": "a.png", "sha256": SHA, "question": " Its own? "},
        {"file": "b.png", "sha256": SHA, "question": " "},
        {"file": "c.tif#2", "sha256": hashlib.sha256(scan).hexdigest(), "page": 2},
    ]
    assert http.post(f"{other}/known", json={"files": files}).status_code == 200
    jobs = http.get(f"{other}/results").json["jobs"]
    assert [(job["file"], job["question"], job["page"]) for job in jobs] == [
        ("a.png", "Its own?", None),
        ("b.png", "What?", None),
        ("c.tif#2", "What?", 2),
    ]
    assert {services.store.get_job(job["id"]).options.max_new_tokens for job in jobs} == {9}
    noted = services.journal.jobs(other.rsplit("/", 1)[1])
    assert [(job.question, job.page) for job in noted] == [("Its own?", None), ("What?", None), ("What?", 2)]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"question": "x" * 4001}, (413, "question_too_long")),
        ({"question": 7}, (400, "invalid_field")),
        ({"page": 0}, (400, "invalid_field")),
    ],
)
def test_a_known_file_with_a_question_or_page_that_cannot_be_keeps_all_out(http, batch, more, expected):
    send(http, batch, {"a.png": IMAGE})
    other = new_batch(http)
    files = [{"file": "a.png", "sha256": SHA}, {"file": "b.png", "sha256": SHA, **more}]
    assert code_of(http.post(f"{other}/known", json={"files": files})) == expected
    assert http.get(other).json["total"] == 0


def test_a_path_under_which_the_batch_has_another_image_is_not_known_by_it(http, batch):
    (sent,) = send(http, batch, {"a.png": IMAGE})
    send(http, new_batch(http), {"b.png": hostile.encoded("L")})
    other = hashlib.sha256(hostile.encoded("L")).hexdigest()
    unknown, again, new = know(http, batch, ("a.png", "0" * 64), ("a.png", SHA), ("a.png", other))
    assert (unknown["state"], unknown["job_id"]) == ("unknown", None)
    assert (again["state"], again["job_id"], again["is_new"]) == ("accepted", sent["job_id"], False)
    assert (new["file"], new["sent_as"], new["is_new"]) == ("a (2).png", "a.png", True)
    (known,) = know(http, batch, ("a.png", other))
    assert known == new | {"is_new": False}


def test_a_refused_file_is_taken_when_it_is_known_and_another_of_its_path_is_a_job_of_its_own(
    http, batch, make_app
):
    (refused,) = send(make_app(max_image_bytes=1).test_client(), batch, {"a.png": IMAGE})
    send(http, batch, {"b.png": IMAGE, "c.png": b"x"})
    (unknown,) = know(http, batch, ("a.png", "0" * 64))
    assert unknown["state"] == "unknown"
    (other,) = know(http, batch, ("c.png", SHA))
    assert (other["file"], other["sent_as"], other["is_new"]) == ("c (2).png", "c.png", True)
    (taken,) = know(http, batch, ("a.png", SHA))
    assert (taken["state"], taken["job_id"], taken["is_new"]) == ("accepted", refused["job_id"], True)
    assert http.get(batch).json["counts"] == dict.fromkeys(JobState, 0) | {"queued": 3, "failed": 1}


def test_an_image_that_is_lost_is_to_be_sent(http, batch, services):
    send(http, batch, {"a.png": IMAGE})
    services.blobs.delete_images([SHA])
    assert know(http, batch, ("b.png", SHA))[0]["state"] == "unknown"
    send(http, batch, {"b.png": IMAGE})
    assert services.blobs.has_image(SHA)


def test_a_known_image_that_nobody_uses_any_more_is_to_be_sent(http, batch, services):
    (sent,) = send(http, batch, {"a.png": IMAGE})
    services.store.remove_job(sent["job_id"])
    assert know(http, new_batch(http), ("b.png", SHA))[0]["state"] == "unknown"


def test_a_path_that_is_too_long_is_to_be_sent_and_refused_then(http, batch):
    send(http, batch, {"a.png": IMAGE})
    assert know(http, batch, ("x" * 1025, SHA))[0]["state"] == "unknown"


def test_what_cannot_be_known_is_refused(http, batch, make_app):
    one = {"file": "a.png", "sha256": SHA}
    for files in ([], [{"file": "a.png"}], [one | {"sha256": f"{SHA[:-1]}g"}], "x"):
        assert code_of(http.post(f"{batch}/known", json={"files": files})) == (400, "invalid_field")
    few = make_app(max_known_files=2).test_client()
    refused = few.post(f"{batch}/known", json={"files": [one] * 3})
    assert code_of(refused) == (413, "too_many_files")
    assert "EVA01_MAX_KNOWN_FILES" in refused.json["detail"]
    http.post(f"{batch}/close")
    assert code_of(http.post(f"{batch}/known", json={"files": [one]})) == (409, "batch_closed")


def test_a_thousand_long_paths_fit_into_one_request(http, batch):
    send(http, batch, {"a.png": IMAGE})
    files = [(f"{number}/{'名' * 1000}.png", SHA) for number in range(1000)]
    assert {outcome["state"] for outcome in know(http, batch, *files)} == {"accepted"}


def test_a_known_zip_entry_is_not_sent_again(http, batch):
    send(http, batch, {"all.zip": hostile.zipped({"a/b.png": IMAGE})})
    assert know(http, batch, ("a/b.png", SHA))[0]["is_new"] is False


def test_failed_jobs_are_retried_in_bulk_and_followed(http, batch, services):
    sent = send(http, batch, {f"{n}.png": IMAGE for n in range(3)})
    for job in sent[:2]:
        services.store.finish(job["job_id"], Result(error=JobError(code="x", message="x")))
    cursor = http.get(f"{batch}/results?order=changed").json["next_cursor"]
    assert http.post(f"{batch}/retry").json["retried"] == 2
    news = http.get(f"{batch}/results?order=changed&cursor={cursor}").json["jobs"]
    assert [(job["file"], job["state"]) for job in news] == [("0.png", "queued"), ("1.png", "queued")]
