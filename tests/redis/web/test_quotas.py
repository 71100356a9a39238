"""Quotas of keys and the pace of callers, through web's real app."""

import io
import itertools
from datetime import UTC, datetime

import pytest

from jobs.contract.models import JobError, Result
from jobs.contract.settings import WebSettings
from tests.hostile import encoded
from tests.redis.web.test_access import code_of, made, of

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
    anna = made(services, "anna", quotas={"images_per_day": 2})
    assert [asked(http, anna).status_code for _ in range(2)] == [202, 202]
    refused = asked(http, anna)
    assert code_of(refused) == (429, "quota_exceeded")
    told = refused.get_json()["detail"]
    assert "2 images a day (images_per_day)" in told and "00:00 UTC" in told
    wait_s = int(refused.headers["Retry-After"])
    now = datetime.now(UTC)
    left_s = 24 * 3600 - (now.hour * 3600 + now.minute * 60 + now.second)
    assert abs(wait_s - left_s) % (24 * 3600) <= 60
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


def test_what_is_noted_of_a_callers_pace_ends_by_itself(services, redis_client):
    for number in range(5):
        assert services.pace.wait_s(f"somebody {number}", rate_per_s=2, burst=2) == 0
    keys = [*redis_client.scan_iter("eva01:pace:*")]
    assert len(keys) == 5
    assert all(0 < redis_client.pttl(key) <= 500 for key in keys)


def test_so_many_may_come_at_once_as_in_a_second(services):
    waits = [services.pace.wait_s("somebody", rate_per_s=0.01, burst=3) for _ in range(4)]
    assert waits[:3] == [0, 0, 0]
    assert 0 < waits[3] <= 100


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
    assert http.get("/api/models", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 401


@pytest.mark.parametrize("path", ["/", "/history"])
def test_a_page_past_a_quota_says_so_and_when_to_come_again(http, services, path):
    slow = made(services, "anna", quotas={"requests_per_s": 0.001})
    http.get("/api/models", headers=of(slow))
    refused = http.get(path, headers={**of(slow), "Accept": "text/html"})
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert "A quota of the key is used up" in refused.get_data(as_text=True)
