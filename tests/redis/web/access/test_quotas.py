"""Quotas of keys and the pace of callers, through web's real app."""

import hashlib
import io
import itertools
import re
from datetime import UTC, datetime

import pytest

from jobs.contract import names
from jobs.contract.models import JobError, Look, Result
from jobs.contract.settings import WebSettings
from tests.files import pdfs
from tests.files.hostile import encoded
from tests.redis.web.access.test_access import code_of, made, of

FAILURE = Result(error=JobError(code="engine_failed", message="no"))
_NUMBERS = itertools.count()


def files(*names: str) -> dict[str, object]:
    return {"files": [(io.BytesIO(encoded()), name) for name in names]}


def batch_of(http, key) -> str:
    return http.post("/api/batches", json={"model": "ocr"}, headers=of(key)).get_json()["id"]


def asked(http, key, path: str = "/api/jobs"):
    data = {"file": (io.BytesIO(encoded()), f"{next(_NUMBERS)}.png"), "model": "ocr"}
    return http.post(path, data=data, headers=of(key))


def test_a_request_past_a_quota_says_which_what_is_left_and_when_it_renews(http, services):
    anna, today = made(services, "anna", quotas={"images_per_day": 2}), datetime.now(UTC).date()
    answers = [asked(http, anna) for _ in range(5)]
    refused = answers[-1]
    now = datetime.now(UTC)
    # At midnight there are two more.
    assert [one.status_code for one in answers].count(202) in ([2] if now.date() == today else [2, 3, 4])
    assert code_of(refused) == (429, "quota_exceeded")
    told = refused.get_json()["detail"]
    assert "2 images a day (images_per_day)" in told and "00:00 UTC" in told
    wait_s = int(refused.headers["Retry-After"])
    left_s = 24 * 3600 - (now.hour * 3600 + now.minute * 60 + now.second)
    assert (wait_s - left_s + 60) % (24 * 3600) <= 2 * 60
    assert refused.headers["RateLimit-Policy"] == '"images_per_day";q=2;w=86400'
    assert refused.headers["RateLimit"] == f'"images_per_day";r=0;t={wait_s}'
    assert asked(http, made(services, "ben", quotas={"images_per_day": 1})).status_code == 202


def test_keys_of_one_owner_share_what_is_taken_and_each_has_its_own_limit(http, services):
    small = made(services, "anna", quotas={"open_jobs": 1})
    large = made(services, "anna", quotas={"open_jobs": 2})
    free = made(services, "anna")
    assert asked(http, large).status_code == 202
    assert code_of(asked(http, small)) == (429, "quota_exceeded")
    assert [asked(http, key).status_code for key in (large, large, free)] == [202, 429, 202]


def test_files_past_a_quota_can_be_sent_again_and_none_is_lost(http, services):
    key = made(services, "anna", quotas={"open_jobs": 3})
    batch = batch_of(http, key)
    names = [f"{number}.png" for number in range(5)]

    def send():
        return http.post(f"/api/batches/{batch}/files", data=files(*names), headers=of(key))

    assert code_of(send()) == (429, "quota_exceeded")
    results = http.get(f"/api/batches/{batch}/results", headers=of(key)).get_json()["jobs"]
    assert [job["file"] for job in results] == names[:3], "those that still had room"
    for job in results:
        services.store.finish(job["id"], Result(answer="x"))
    sent = send()
    assert sent.status_code == 202
    assert [file["is_new"] for file in sent.get_json()["files"]] == [False] * 3 + [True] * 2
    assert http.get(f"/api/batches/{batch}", headers=of(key)).get_json()["total"] == 5


def test_a_retry_takes_a_quota_again(http, services):
    key = made(services, "anna", quotas={"open_jobs": 2})
    batch = batch_of(http, key)
    http.post(f"/api/batches/{batch}/files", data=files("a.png", "b.png"), headers=of(key))
    jobs = http.get(f"/api/batches/{batch}/results", headers=of(key)).get_json()["jobs"]
    for job in jobs:
        services.store.finish(job["id"], FAILURE)
    assert asked(http, key).status_code == 202
    assert code_of(http.post(f"/api/batches/{batch}/retry", headers=of(key))) == (429, "quota_exceeded")
    one, other = (f"/api/jobs/{job['id']}/retry" for job in jobs)
    assert http.post(one, headers=of(key)).status_code == 200
    assert code_of(http.post(other, headers=of(key))) == (429, "quota_exceeded")


def test_who_asks_too_often_is_held_up_and_nobody_else(http, services):
    slow = made(services, "anna", quotas={"requests_per_s": 0.001})
    assert http.get("/api/models", headers=of(slow)).status_code == 200
    refused = http.get("/api/models", headers=of(slow))
    assert code_of(refused) == (429, "quota_exceeded")
    assert 0 < int(refused.headers["Retry-After"]) <= 1000
    assert refused.headers["RateLimit-Policy"] == '"requests_per_s";q=1;w=1000'
    for key in (made(services, "anna"), made(services, "ben", quotas={"requests_per_s": 0.001})):
        assert http.get("/api/models", headers=of(key)).status_code == 200


def test_every_answer_says_how_many_requests_are_left_where_they_have_a_quota(http, services):
    key = made(services, "anna", quotas={"requests_per_s": 3, "open_jobs": 0})
    answers = [
        http.get("/api/models", headers=of(key)),
        http.get(f"/api/jobs/{'0' * 32}", headers=of(key)),
        asked(http, key),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 429]
    policies = [answer.headers.getlist("RateLimit-Policy") for answer in answers]
    assert policies == [['"requests_per_s";q=3;w=1']] * 2 + [['"open_jobs";q=0', '"requests_per_s";q=3;w=1']]
    assert answers[0].headers["RateLimit"] == '"requests_per_s";r=2;t=1'
    for answer in answers[1:]:
        assert re.fullmatch(r'"requests_per_s";r=[0-2];t=1', answer.headers.getlist("RateLimit")[-1])
    free = http.get("/api/models", headers=of(made(services, "anna", role="admin")))
    assert "RateLimit" not in free.headers


def test_what_is_noted_of_a_callers_pace_ends_by_itself(services, redis_client):
    for number in range(5):
        assert services.pace.take(f"somebody {number}", rate_per_s=0.01, burst=2).wait_s == 0
    keys = [*redis_client.scan_iter("eva01:pace:*")]
    assert len(keys) == 5
    assert all(0 < redis_client.pttl(key) <= 100_000 for key in keys)


def test_so_many_may_come_at_once_as_in_a_second(services):
    paced = [services.pace.take("somebody", rate_per_s=0.01, burst=3) for _ in range(4)]
    assert [one.wait_s for one in paced[:3]] == [0, 0, 0]
    assert [one.left for one in paced] == [2, 1, 0, 0]
    assert 0 < paced[3].wait_s <= 100
    assert services.pace.look("somebody", rate_per_s=0.01, burst=3).wait_s > 0
    assert services.pace.look("nobody", rate_per_s=0.01, burst=3).left == 3


@pytest.mark.parametrize(
    "kept", ["", "x", "nan", "-1e999", "1e999", "9" * 400, "0x1p9999", b"\xff", "[" * 50_000, "a\0b", None]
)
def test_whatever_is_kept_of_a_pace_holds_nobody_up_for_long_and_all_are_held_up_after(
    services, redis_client, kept
):
    services.pace.take("somebody", rate_per_s=0.01, burst=1)
    (key,) = redis_client.scan_iter("eva01:pace:*")
    redis_client.delete(key)
    redis_client.hset(key, "x", "x") if kept is None else redis_client.set(key, kept)
    looked_at = services.pace.look("somebody", rate_per_s=0.01, burst=1)
    taken = [services.pace.take("somebody", rate_per_s=0.01, burst=1) for _ in range(2)]
    assert 0 <= looked_at.wait_s <= 100
    assert 0 < taken[-1].wait_s <= 100


def test_an_address_that_tries_keys_is_held_up_and_right_keys_from_there_are_not(make_app):
    app = make_app(WebSettings(models=("ocr",), wrong_keys_per_min=3))
    http, services = app.test_client(), app.extensions["eva01"]
    key = made(services, "anna")

    def tried(address: str, text: str = "eva01_wrong") -> int:
        headers = {"Authorization": f"Bearer {text}"}
        return http.get("/api/models", headers=headers, environ_base={"REMOTE_ADDR": address}).status_code

    assert [tried("192.0.2.1") for _ in range(4)] == [401, 401, 401, 429]
    assert tried("192.0.2.1", key.text) == 200
    assert tried("192.0.2.2") == 401
    assert [tried(f"2001:db8::{number}") for number in range(4)] == [401, 401, 401, 429]
    assert tried("::ffff:192.0.2.1") == 429, "the same address, as a socket for both writes it"
    assert tried("::ffff:192.0.2.3") == 401
    assert http.get("/api/models", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 401


def test_the_blob_store_is_not_asked_for_those_who_have_tried_too_many(make_app, redis_client):
    app = make_app(WebSettings(models=("ocr",), wrong_keys_per_min=3))
    http, services = app.test_client(), app.extensions["eva01"]
    known, forgotten = made(services, "anna"), made(services, "ben")
    redis_client.hdel(names.KEYS, forgotten.key.digest)

    def tried(text: str, path: str = "/api/models", address: str = "192.0.2.1") -> int:
        headers = {"Authorization": f"Bearer {text}"}
        return http.get(path, headers=headers, environ_base={"REMOTE_ADDR": address}).status_code

    wrong = [f"eva01_{number:043}" for number in range(3)]
    assert [tried(wrong[0]), tried(wrong[1], "/sign-in"), tried(wrong[2])] == [401, 200, 401]
    assert tried(forgotten.text) == 429, "what Redis does not know is not looked for"
    assert tried(forgotten.text, "/sign-in") == 429
    assert tried(known.text) == 200
    assert tried(forgotten.text, address="192.0.2.2") == 200
    assert tried(forgotten.text) == 200, "Redis knows it now"


@pytest.mark.parametrize("path", ["/", "/history"])
def test_a_page_past_a_quota_says_so_and_when_to_come_again(http, services, path):
    slow = made(services, "anna", quotas={"requests_per_s": 0.001})
    http.get("/api/models", headers=of(slow))
    refused = http.get(path, headers={**of(slow), "Accept": "text/html"})
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert "A quota is used up" in refused.get_data(as_text=True)


def document_of(pages: int) -> bytes:
    return pdfs.document(*(pdfs.Page(sides=(100 + pages, 100 + number)) for number in range(pages)))


def sent_document(http, key, batch: str, pages: int):
    data = {"files": [(io.BytesIO(document_of(pages)), f"{pages}.pdf")]}
    return http.post(f"/api/batches/{batch}/files", data=data, headers=of(key))


def taken(http, key) -> dict[str, int]:
    """What was taken of late, in images: those that came, and how some of them ended."""
    told = http.get("/api/usage", headers=of(key)).get_json()["sum"]
    return {name: told[name] for name in ("taken", "failed", "cancelled") if told[name]}


def test_a_document_that_is_one_job_takes_an_image_a_page_and_gives_them_back(http, services):
    key = made(services, "anna", quotas={"images_per_day": 7})
    batch = batch_of(http, key)
    assert code_of(sent_document(http, key, batch, 8)) == (429, "quota_exceeded")
    (job,) = sent_document(http, key, batch, 5).get_json()["files"]
    assert taken(http, key) == {"taken": 5}
    services.store.finish(job["job_id"], FAILURE)
    assert taken(http, key) == {"taken": 5, "failed": 5}
    http.post(f"/api/batches/{batch}/retry", headers=of(key))
    assert taken(http, key) == {"taken": 5}
    http.post(f"/api/batches/{batch}/cancel", headers=of(key))
    assert taken(http, key) == {"taken": 5, "cancelled": 5}


@pytest.mark.parametrize(
    ("asked", "first", "further"),
    [
        ({"model": "ocr"}, 4, 4),
        ({"model": "ocr", "page": "2"}, 1, 1),
        ({"model": "nano", "question": "q"}, 1, 4),
        ({"model": "nano", "question": "q", "pages": "together"}, 4, 4),
    ],
)
def test_a_question_takes_the_pages_that_it_is_about(http, services, asked, first, further):
    key = made(services, "anna")
    data = {"file": (io.BytesIO(document_of(4)), "a.pdf"), **asked}
    job = http.post("/api/jobs", data=data, headers=of(key)).get_json()["id"]
    assert taken(http, key) == {"taken": first}
    again = {"question": "And?", "model": "nano", "pages": "together"}
    assert http.post(f"/api/jobs/{job}/ask", json=again, headers=of(key)).status_code == 202
    assert taken(http, key) == {"taken": first + further}


def test_several_documents_in_one_job_take_all_their_pages(http, services):
    key = made(services, "anna")
    documents = [(io.BytesIO(document_of(pages)), f"{pages}.pdf") for pages in (2, 3)]
    asked = {"file": documents, "question": "q", "model": "nano", "pages": "together"}
    job = http.post("/api/jobs", data=asked, headers=of(key)).get_json()["id"]
    assert taken(http, key) == {"taken": 5}
    looks = (Look(width=8, pages=2), Look(width=8, pages=3))
    services.store.finish(job, Result(answer="x", looks=looks))
    for further, pages in (({}, 2), ({"pages": "together"}, 5)):
        before = taken(http, key)["taken"]
        again = {"question": "And?", "model": "nano", **further}
        assert http.post(f"/api/jobs/{job}/ask", json=again, headers=of(key)).status_code == 202
        assert taken(http, key)["taken"] == before + pages


def test_documents_whose_pages_nobody_has_counted_are_sent_again_where_all_are_read(http, services):
    key, content = made(services, "anna"), document_of(3)
    files = {"file": [(io.BytesIO(content), "a.pdf"), (io.BytesIO(encoded()), "b.png")], "model": "ocr"}
    assert http.post("/api/jobs", data=files, headers=of(key)).status_code == 202
    named = [
        {"file": name, "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in (("a.pdf", content), ("b.png", encoded()))
    ]
    jobs = [{"file": "both", "files": named}]
    asked = http.post(f"/api/batches/{batch_of(http, key)}/known", json={"jobs": jobs}, headers=of(key))
    assert [one["state"] for one in asked.get_json()["files"]] == ["unknown"]
