"""Keys by the API: made, listed, ended; who asks; and what is kept of a key's text, which is nothing."""

import json
import math

import pytest

from jobs import flow
from jobs.contract.models import Batch
from jobs.contract.settings import WebSettings
from tests.redis.web.access.test_access import code_of, made, of
from web.services import services_of

pytestmark = pytest.mark.redis

ADMIN_KEY = "k" * 32


@pytest.fixture
def admin(services):
    return made(services, "anna", role="admin")


def test_an_admin_makes_a_key_that_is_shown_once_and_opens_what_it_says(http, admin, redis_client):
    asked = {
        "owner": "ben",
        "role": "read-only",
        "teams": ["lab"],
        "note": "for a dashboard",
        "days": 30,
        "quotas": {"requests_per_s": 2.5, "open_jobs": 10},
    }
    response = http.post("/api/keys", json=asked, headers=of(admin) | {"Idempotency-Key": "k"})
    assert response.status_code == 201
    assert response.headers["Cache-Control"] == "private, no-store"
    shown = response.get_json()
    text = shown.pop("key")
    assert (shown["owner"], shown["role"], shown["state"]) == ("ben", "read-only", "valid")
    assert shown["quotas"]["open_jobs"] == 10
    me = http.get("/api/me", headers={"Authorization": f"Bearer {text}"}).get_json()
    assert me["name"] == f"key:{shown['prefix']}"
    assert (me["owner"], me["teams"], me["role"]) == ("ben", ["lab"], "read-only")
    assert (me["quotas"], me["expires_at"]) == (shown["quotas"], shown["expires_at"])
    listed = http.get("/api/keys", headers=of(admin))
    assert [key["owner"] for key in listed.get_json()["keys"]] == ["anna", "ben"]
    assert listed.get_json()["keys"][1] == shown
    assert text not in listed.text
    assert [*redis_client.scan_iter("eva01:idempotency:*")] == [], "no response with a key is remembered"


def test_only_admins_see_to_keys_and_everybody_may_know_who_they_are(http, services, admin):
    for role in ("user", "read-only"):
        key = of(made(services, "ben", role=role))
        for call in ("get", "post"):
            assert code_of(getattr(http, call)("/api/keys", headers=key, json={})) == (403, "not_allowed")
        for verb in ("revoke", "rotate"):
            address = f"/api/keys/{admin.key.prefix}/{verb}"
            assert code_of(http.post(address, headers=key, json={})) == (403, "not_allowed")
        assert http.get("/api/me", headers=key).get_json()["role"] == role
    assert code_of(http.get("/api/me")) == (401, "not_signed_in")


def test_a_key_is_ended_at_once_and_the_own_one_only_on_purpose(http, services, admin):
    ben = made(services, "ben")
    ended = http.post(f"/api/keys/{ben.key.prefix}/revoke", headers=of(admin))
    assert ended.get_json()["state"] == "revoked"
    assert code_of(http.get("/api/me", headers=of(ben))) == (401, "key_is_over")
    own = f"/api/keys/{admin.key.prefix}/revoke"
    assert code_of(http.post(own, headers=of(admin))) == (409, "own_key")
    assert http.post(f"{own}?confirm=true", headers=of(admin)).status_code == 200
    assert code_of(http.get("/api/me", headers=of(admin))) == (401, "key_is_over")


def test_a_rotated_key_is_shown_and_the_old_one_ends(http, services, admin):
    ben = made(services, "ben", note="a robot")
    address = f"/api/keys/{ben.key.prefix}/rotate"
    new = http.post(address, headers=of(admin) | {"Idempotency-Key": "k"}, json={}).get_json()
    assert (new["owner"], new["note"]) == ("ben", "a robot")
    assert http.get("/api/me", headers={"Authorization": f"Bearer {new['key']}"}).status_code == 200
    assert code_of(http.get("/api/me", headers=of(ben))) == (401, "key_is_over")
    assert code_of(http.post(address, headers=of(admin), json={})) == (409, "key_has_ended")


@pytest.mark.parametrize(
    "wrong",
    [
        {"owner": "a b"},
        {"owner": ""},
        {"owner": "ben", "role": "root"},
        {"owner": "ben", "quotas": {"open_jobs": -1}},
        {"owner": "ben", "quotas": {"gpus": 1}},
        {"owner": "ben", "days": 1, "expires_at": "2999-01-01T00:00:00Z"},
        {"owner": "ben", "expires_at": "2000-01-01T00:00:00Z"},
        {"owner": "ben", "expires_at": "2999-01-01T00:00:00"},
        {"owner": "ben", "expires_at": 32_472_144_000},
        {"owner": "ben", "quotas": {"device_s_per_day": False}},
        {"owner": "ben", "quotas": {"requests_per_s": "5"}},
        {"owner": "ben", "quotas": {"requests_per_s": 1e308}},
        # Written as 1e400, which is JSON, and a number nowhere.
        {"owner": "ben", "quotas": {"requests_per_s": math.inf}},
        {"owner": "ben", "digest": "0" * 64},
        {"owner": "ben", "note": "x" * 201},
    ],
)
def test_a_key_that_makes_no_sense_is_refused(http, services, admin, wrong):
    body = json.dumps(wrong).replace("Infinity", "1e400")
    answer = http.post("/api/keys", headers=of(admin), data=body, content_type="application/json")
    assert code_of(answer) == (400, "invalid_field")
    assert len(services.keys.all()) == 1


def test_a_whole_key_in_an_address_is_not_said_again(http, admin):
    refused = http.post(f"/api/keys/{admin.text}/revoke", headers=of(admin))
    assert code_of(refused) == (404, "key_not_found")
    assert admin.text not in refused.text


def test_where_nobody_has_to_be_known_nobody_locks_the_others_out_by_a_key(http, services):
    assert http.get("/api/me").get_json()["name"] == "local"
    for role in ("user", "admin"):
        made = http.post("/api/keys", json={"owner": "mallory", "role": role})
        assert code_of(made) == (403, "not_allowed")
    assert services.keys.all() == []
    assert http.get("/api/me").status_code == 200


def test_a_login_that_a_setting_asked_for_is_needed_without_the_setting_as_well(make_app):
    services_of(make_app(WebSettings(admin_key=ADMIN_KEY))).keys.note_login()
    assert code_of(make_app().test_client().get("/api/me")) == (401, "not_signed_in")


def test_what_has_an_owner_is_not_shown_where_nobody_has_to_be_known(http, services):
    batch = flow.open_batch(services, Batch(model="ocr", owner="anna"))
    mine = http.post("/api/batches", json={"model": "ocr"}).get_json()["id"]
    assert code_of(http.get(f"/api/batches/{batch.id}")) == (404, "batch_not_found")
    assert http.get(f"/api/batches/{mine}").status_code == 200


def test_the_key_of_the_settings_is_an_admins_from_the_start(make_app):
    http = make_app(WebSettings(admin_key=ADMIN_KEY, admin_owner="ops")).test_client()
    key = {"Authorization": f"bearer {ADMIN_KEY}"}
    assert http.get("/api/me", headers=key).get_json()["owner"] == "ops"
    assert http.post("/api/keys", json={"owner": "ben"}, headers=key).status_code == 201


def test_beyond_this_machine_everybody_has_to_be_known_whether_there_is_a_key_or_not(make_app):
    for host, insecure, status in (("0.0.0.0", False, 401), ("0.0.0.0", True, 200), ("::1", False, 200)):
        http = make_app(WebSettings(host=host, insecure=insecure)).test_client()
        assert http.get("/api/batches", headers={"Host": "127.0.0.1"}).status_code == status


def test_a_server_that_has_seen_no_key_yet_hears_of_one_that_was_made_without_redis(make_app, redis_client):
    app = make_app()
    http, serving = app.test_client(), services_of(app)
    assert http.get("/api/batches").status_code == 200
    made(serving, "anna", role="admin")
    redis_client.flushall()
    serving.keys.bring_back()
    assert http.get("/api/batches").status_code == 401


def test_the_document_says_what_goes_with_a_call(http):
    document = http.get("/openapi.json").get_json()
    (scheme,) = document["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert document["security"] == [{"key": []}, {}]


def test_the_document_of_a_server_with_keys_says_which_calls_need_one_and_what_they_answer(http, admin):
    document = http.get("/openapi.json").get_json()
    assert document["security"] == [{"key": []}]
    calls = {
        (method, path): call for path, item in document["paths"].items() for method, call in item.items()
    }
    needs_none = {path for (_, path), call in calls.items() if call.get("security") == []}
    below_links = {path for _, path in calls if path.startswith("/api/shared/")}
    assert needs_none == {"/health", "/ready"} | below_links
    for (_, path), call in calls.items():
        assert ("401" in call["responses"]) == (path not in needs_none)
        assert ("410" in call["responses"]) == (path in below_links)
    assert "403" in calls["get", "/api/keys"]["responses"]
    assert "403" not in calls["get", "/api/batches"]["responses"]
