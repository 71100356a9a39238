"""Signing in with a key, sessions and their ends: through web's real app."""

import html
import re
from datetime import timedelta

import pytest

from jobs.contract import names
from jobs.contract.access.owners import digest_of
from jobs.contract.models import utc_now
from jobs.contract.settings import Limits, Settings, WebSettings
from tests.apps import app_of
from tests.asking import IMAGE, new_batch, send
from tests.redis.web.access.test_access import made, of
from web.server import housekeeping_of
from web.services import services_of

COOKIE = "eva01_session"


def sign_in(http, text: str, path: str = "/history", **how):
    """Paste a key at the sign-in page."""
    return http.post("/sign-in", data={"key": text, "next": path}, **how)


def token_of(http, name: str = COOKIE, path: str = "/") -> str:
    return http.get_cookie(name, path=path).value


def test_a_page_leads_to_sign_in_and_that_leads_back(http, services):
    new = made(services, "anna")
    asked = http.get("/history?search=cats")
    assert asked.status_code == 303
    assert asked.location == "/sign-in?next=/history?search%3Dcats"
    shown = http.get(asked.location)
    assert 'value="/history?search=cats"' in shown.text
    back = sign_in(http, new.text, "/history?search=cats")
    assert (back.status_code, back.location) == (303, "/history?search=cats")
    assert "anna" in http.get("/history").text
    assert http.get("/api/batches").status_code == 200
    assert http.get("/sign-in?next=/history").location == "/history", "who is signed in need not do it again"


def test_a_redis_that_forbids_to_ask_which_one_it_is_keeps_nobody_from_signing_in(
    redis_client, redis_url, tmp_path
):
    """As some who rent out Redis do: nothing fails, and a session ends as ever."""
    redis_client.acl_setuser(
        "tenant", enabled=True, nopass=True, keys=["*"], channels=["*"], commands=["+@all", "-info"]
    )
    settings = Settings(redis_url=redis_url.replace("//", "//tenant:x@"), data=tmp_path, blob_patience_s=0.2)
    http = app_of(settings, Limits(), WebSettings(models=("nano",))).test_client()
    services = services_of(http.application)
    try:
        new = made(services, "anna", role="admin")
        assert sign_in(http, new.text).status_code == 303
        pages = (
            "/",
            "/history",
            "/account",
            "/usage",
            "/admin/keys",
            "/admin/audit",
            "/api/status",
            "/ready",
            "/metrics",
        )
        assert {path: http.get(path).status_code for path in pages} == dict.fromkeys(pages, 200)
        batch = new_batch(http)
        send(http, batch, {"a.png": IMAGE})
        housekeeping_of(services).keep_house()
        token = token_of(http)
        assert http.post("/sign-out").status_code == 303
        http.set_cookie(COOKIE, token)
        assert http.get("/api/batches").status_code == 401
    finally:
        redis_client.acl_deluser("tenant")


def test_where_no_login_is_needed_there_is_none(http):
    assert http.get("/sign-in").location == "/"
    assert http.get("/account").location == "/"
    page = http.get("/").text
    assert "sign-out" not in page
    assert "/admin" not in page


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example", "/\\evil.example", "/\x01", "x"])
def test_nobody_is_led_elsewhere(http, services, path):
    new = made(services, "anna")
    assert sign_in(http, new.text, path).location == "/"
    assert http.get("/sign-in", query_string={"next": path}).location == "/"


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(http, services):
    new = made(services, "anna")
    plain = sign_in(http, new.text).headers["Set-Cookie"]
    assert plain.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(plain.split("; "))
    assert "Secure" not in plain
    over_tls = sign_in(http, new.text, base_url="https://localhost/").headers["Set-Cookie"]
    assert over_tls.startswith(f"__Host-{COOKIE}=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(over_tls.split("; "))


def test_below_a_path_the_cookie_is_for_that_path_alone(make_app, redis_client):
    http = make_app(WebSettings(proxies=1, admin_key="k" * 32, hosts=("photos.example",))).test_client()
    headers = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/eva",
        "X-Forwarded-Host": "photos.example",
    }
    response = sign_in(http, "k" * 32, "/eva/history", headers=headers)
    assert response.location == "/eva/history"
    said = response.headers["Set-Cookie"].split("; ")
    assert said[0].startswith(f"{COOKIE}=")
    assert {"Path=/eva", "Secure"} <= set(said)
    left = http.post("/sign-out", headers=headers)
    assert left.headers["Clear-Site-Data"] == '"cache"', "the rest may be others'"


def test_nothing_of_the_token_or_the_key_is_kept(http, services, redis_client):
    new = made(services, "anna")
    sign_in(http, new.text)
    token = token_of(http)
    assert len(token) == 43
    readers = {"string": redis_client.get, "hash": redis_client.hgetall}
    kept = str([(key, readers.get(redis_client.type(key), str)(key)) for key in redis_client.scan_iter()])
    assert digest_of(token) in kept
    assert token not in kept
    assert new.text not in kept


def test_a_session_that_was_fixed_is_worth_nothing(http, services):
    """An attacker's own session, or any token, planted before the sign-in."""
    mallory, anna = made(services, "mallory"), made(services, "anna")
    sign_in(http, mallory.text)
    planted = token_of(http)
    sign_in(http, anna.text)
    assert token_of(http) != planted
    thief = http.application.test_client()
    thief.set_cookie(COOKIE, planted)
    assert thief.get("/api/batches").get_json()["code"] == "session_is_over"
    assert "anna" in http.get("/account").text


def test_a_session_ends_here_or_everywhere(http, services):
    new = made(services, "anna")
    other, third = http.application.test_client(), http.application.test_client()
    for browser in (http, other, third):
        sign_in(browser, new.text)
    token = token_of(http)
    left = http.post("/sign-out")
    assert left.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert http.get_cookie(COOKIE) is None
    http.set_cookie(COOKIE, token)
    assert http.get("/api/batches").get_json()["code"] == "session_is_over", "also for who has kept the token"
    assert other.get("/api/batches").status_code == 200
    assert other.get("/account").text.count("Another one") == 1
    other.post("/sign-out", data={"everywhere": "yes"})
    assert third.get("/api/batches").status_code == 401
    assert "Your session is over" in third.get("/sign-in").text


def test_one_keys_sessions_end_and_anothers_of_the_same_owner_go_on(http, services):
    first, second = made(services, "anna"), made(services, "anna")
    other = http.application.test_client()
    sign_in(http, first.text)
    sign_in(other, second.text)
    http.post("/sign-out", data={"everywhere": "yes"})
    assert other.get("/api/batches").status_code == 200


def test_a_session_ends_with_its_key(http, services):
    revoked, short = made(services, "anna"), made(services, "anna", expires_at=utc_now() + timedelta(hours=1))
    other = http.application.test_client()
    sign_in(http, revoked.text)
    sign_in(other, short.text)
    services.keys.revoke(revoked.key.prefix)
    assert http.get("/api/batches").get_json()["code"] == "key_is_over"
    services.keys.add(short.key.model_copy(update={"expires_at": utc_now() - timedelta(seconds=1)}))
    assert other.get("/api/batches").get_json()["code"] == "key_is_over"
    assert other.get("/history").location.startswith("/sign-in?")


def test_a_session_ends_by_itself(http, services, redis_client):
    new = made(services, "anna")
    sign_in(http, new.text)
    (session,) = services.sessions.of("anna")
    key = names.session_key(session.digest)
    assert 0 < redis_client.ttl(key) <= 12 * 3600
    aged = session.model_copy(update={"ends_at": utc_now() - timedelta(seconds=1)})
    redis_client.set(key, aged.model_dump_json())
    assert http.get("/api/batches").get_json()["code"] == "session_is_over"


def test_a_key_has_so_many_sessions_and_ends_no_others(make_app, services):
    app = make_app(WebSettings(max_sessions=2))
    new = made(services, "anna")
    other, browsers = app.test_client(), [app.test_client() for _ in range(3)]
    sign_in(other, made(services, "anna").text)
    for browser in browsers:
        sign_in(browser, new.text)
    assert [browser.get("/api/batches").status_code for browser in browsers] == [401, 200, 200]
    assert other.get("/api/batches").status_code == 200
    assert len(services.sessions.of("anna")) == 3


def test_a_key_that_is_sent_counts_before_the_session(http, services):
    anna, ben = made(services, "anna"), made(services, "ben")
    sign_in(http, anna.text)
    made_by_ben = http.post("/api/batches", json={"model": "ocr"}, headers=of(ben)).get_json()["id"]
    assert http.get(f"/api/batches/{made_by_ben}").status_code == 404
    assert http.get("/api/batches", headers={"Authorization": "Bearer x"}).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_no_other_website_uses_a_session(http, services, headers):
    new = made(services, "anna")
    sign_in(http, new.text)
    batch = http.post("/api/batches", json={"model": "ocr"}).get_json()["id"]
    calls = [
        ("POST", "/api/batches"),
        ("DELETE", f"/api/batches/{batch}"),
        ("POST", "/batches"),
        ("POST", "/sign-in"),
        ("POST", "/sign-out"),
        ("POST", "/admin/keys"),
    ]
    for method, path in calls:
        response = http.open(path, method=method, headers=headers)
        assert response.status_code == 403
        assert "foreign_origin" in response.text
    assert http.get(f"/api/batches/{batch}").status_code == 200


def test_wrong_keys_are_slowed_and_counted_by_address(make_app, services, redis_client):
    app = make_app(WebSettings(wrong_keys_per_min=3, admin_key="k" * 32))
    http = app.test_client()
    for _ in range(3):
        wrong = sign_in(http, "eva01_guess")
        assert wrong.status_code == 401
        assert "eva01_guess" not in wrong.text
    slowed = sign_in(http, "eva01_guess")
    assert slowed.status_code == 429
    assert 0 < int(slowed.headers["Retry-After"]) <= 60
    elsewhere = sign_in(http, "eva01_guess", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert elsewhere.status_code == 401
    assert sign_in(http, "k" * 32).status_code == 303, "others may share the address"
    counted = http.get("/metrics").text
    assert 'eva01_sign_ins_total{how="key",outcome="unknown_key"}' in counted
    assert 'eva01_sign_ins_total{how="key",outcome="too_many_wrong_keys"}' in counted


def test_a_form_of_somebody_whose_session_is_over_can_be_sent_again(http, services):
    new = made(services, "anna")
    sign_in(http, new.text)
    http.post("/sign-out")
    refused = http.post("/batches", data={"question": "What?"})
    assert refused.status_code == 401
    assert "reload this page" in refused.text
    assert "/sign-in?next=/account" in refused.text


def test_a_page_does_nothing_as_somebody_else_than_whom_it_was_made_for(http, services):
    anna, same, ben = (made(services, owner) for owner in ("anna", "anna", "ben"))
    sign_in(http, anna.text)
    (mark,) = re.findall(r'data-for="([0-9a-f]+)"', http.get("/").text)
    call = {"json": {"model": "ocr"}, "headers": {"Eva01-For": mark}}
    assert http.post("/api/batches", **call).status_code == 201
    sign_in(http, same.text)
    assert http.post("/api/batches", **call).status_code == 201, "another key of hers"
    sign_in(http, ben.text)
    refused = http.post("/api/batches", **call)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "other_caller")
    assert http.get("/api/batches").get_json()["batches"] == []
    for other in (made(services, "anna", role="read-only"), made(services, "anna", teams=("team",))):
        sign_in(http, other.text)
        assert http.get("/api/batches", headers={"Eva01-For": mark}).status_code == 409


def test_a_form_without_scripts_does_nothing_as_somebody_else_than_whom_it_was_made_for(http, services):
    anna, ben = (made(services, owner, role="admin") for owner in ("anna", "ben"))
    sign_in(http, anna.text)
    shown = http.get("/").text + http.get("/admin/keys").text
    forms = [
        html.unescape(form)
        for form in re.findall('action="([^"]*)" method="post"', shown)
        if not form.endswith(("/preferences", "/sign-out"))
    ]
    assert len(forms) >= 5
    sign_in(http, ben.text)
    for form in forms:
        refused = http.post(form, data={"owner": "anna", "grace_hours": "0"})
        assert refused.status_code == 409, form
        assert "other_caller" in refused.text
    assert len(services.keys.all()) == 2


def test_who_may_only_look_sees_nothing_that_changes_something(http, services):
    reader, user = made(services, "anna", role="read-only"), made(services, "anna")
    batch = http.post("/api/batches", json={"model": "ocr"}, headers=of(user)).get_json()["id"]
    sign_in(http, reader.text)
    assert http.get("/").location == "/history"
    page = http.get(f"/batches/{batch}").text
    for name in ("delete", "share", "cancel", "rename", "follow-up-form", "viewer-retry", "retry-all"):
        assert f'id="{name}"' not in page
    assert "data-may-write" not in page
    assert "data-may-write" in http.get(f"/batches/{batch}", headers=of(user)).text


def test_an_unreadable_session_is_none(http, services, redis_client):
    new = made(services, "anna")
    sign_in(http, new.text)
    (session,) = services.sessions.of("anna")
    redis_client.set(names.session_key(session.digest), "{}")
    assert http.get("/api/batches").get_json()["code"] == "session_is_over"
