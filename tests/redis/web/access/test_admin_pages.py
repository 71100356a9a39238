"""The admins' pages: keys and sessions, through web's real app."""

import re
from datetime import timedelta

import pytest

from jobs.contract.access.audit import Action, Kind, Outcome, Target, by_command
from jobs.contract.codes import Code
from jobs.contract.models import utc_now
from tests.redis.web.access.test_access import made, of
from tests.redis.web.access.test_sign_in import sign_in


@pytest.fixture
def admin(http, services):
    """A browser in which an admin is signed in."""
    sign_in(http, made(services, "root", role="admin").text)
    return http


def shown_key(response) -> str:
    (text,) = re.findall(r'value="(eva01_[\w-]{43})"', response.text)
    return text


def test_a_page_that_shows_a_key_is_kept_under_no_idempotency_key(admin, redis_client):
    again = {"Idempotency-Key": "a"}
    made = [
        admin.post("/admin/keys", data={"owner": "anna", "role": "user"}, headers=again) for _ in range(2)
    ]
    assert len({shown_key(response) for response in made}) == 2
    assert redis_client.keys("eva01:idempotency:*") == []


def test_what_anybody_may_send_pushes_out_no_kept_response(admin, redis_client):
    admin.application.test_client().post(
        "/preferences", data={"next": "/", "theme": "dark"}, headers={"Idempotency-Key": "a"}
    )
    assert redis_client.keys("eva01:idempotency:*") == []


def test_a_day_that_is_over_ends_no_new_key(admin, services):
    before = services.keys.all()
    refused = admin.post("/admin/keys", data={"owner": "anna", "role": "user", "expires": "2020-01-01"})
    assert refused.status_code == 400
    assert "`expires` is 2020-01-01, which is over." in refused.text
    assert services.keys.all() == before


def test_a_key_is_made_shown_once_and_opens_what_it_should(admin, services):
    fields = {
        "owner": "anna",
        "role": "read-only",
        "teams": "painters, printers",
        "note": "<b>",
        "expires": "2099-01-31",
    }
    response = admin.post("/admin/keys", data=fields)
    assert response.status_code == 201
    text = shown_key(response)
    key = services.keys.find(text)
    assert (key.owner, key.role, key.teams, key.note) == (
        "anna",
        "read-only",
        ("painters", "printers"),
        "<b>",
    )
    assert f"{key.expires_at:%Y-%m-%d %H:%M}" == "2099-01-31 23:59"
    again = admin.get("/admin/keys").text
    assert text not in again
    assert f"{key.prefix}…" in again
    assert "<b></td>" not in again
    assert admin.application.test_client().get("/api/batches", headers=of_text(text)).status_code == 200


def test_the_list_says_the_quotas_of_each_key(admin, services):
    made(services, "anna", quotas={"requests_per_s": 2.5, "images_per_day": 5000, "device_s_per_day": 60})
    shown = admin.get("/admin/keys").text
    for words in ("2.5 requests a second", "5,000 images a day", "60 s of the device a day"):
        assert f"<div>{words}</div>" in shown
    assert "open jobs" not in shown


def of_text(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@pytest.mark.parametrize(
    ("field", "value"),
    [("owner", "an owner"), ("role", "king"), ("teams", "a/b"), ("expires", "soon"), ("note", "x" * 201)],
)
def test_what_cannot_be_a_key_is_said_and_what_was_typed_stays(admin, services, field, value):
    before = len(services.keys.all())
    response = admin.post("/admin/keys", data={"owner": "anna", "note": "typed", field: value})
    assert response.status_code == 400
    assert f"`{field}` is" in response.text
    assert "typed" in response.text or field == "note"
    assert len(services.keys.all()) == before


def test_a_key_is_revoked(admin, services):
    new = made(services, "anna")
    assert admin.post(f"/admin/keys/{new.key.prefix}/revoke").status_code == 303
    assert "Revoked" in admin.get("/admin/keys").text
    assert (
        admin.application.test_client().get("/api/batches", headers=of(new)).get_json()["code"]
        == "key_is_over"
    )
    assert admin.post("/admin/keys/eva01_nothere1/revoke").status_code == 404


def test_the_key_that_is_used_is_revoked_only_when_that_is_confirmed(admin, services):
    (own,) = services.keys.all()
    address = f"/admin/keys/{own.prefix}/revoke"
    assert admin.post(address).status_code == 409
    assert services.keys.get(own.prefix).revoked_at is None
    assert admin.post(address, data={"confirm": "true"}).status_code == 303
    assert services.keys.get(own.prefix).revoked_at


def test_a_key_is_rotated(admin, services):
    old = made(services, "anna", teams=("painters",), note="her laptop", quotas={"open_jobs": 5})
    response = admin.post(f"/admin/keys/{old.key.prefix}/rotate")
    new = services.keys.find(shown_key(response))
    same = {"owner", "teams", "role", "quotas", "note", "expires_at"}
    assert new.model_dump(include=same) == old.key.model_dump(include=same)
    assert new.digest != old.key.digest
    assert services.keys.get(old.key.prefix).revoked_at


def test_a_key_that_is_rotated_stays_valid_for_as_long_as_is_said(admin, services):
    old = made(services, "anna")
    address = f"/admin/keys/{old.key.prefix}/rotate"
    response = admin.post(address, data={"grace_hours": "1.5"})
    ends_at = services.keys.get(old.key.prefix).expires_at
    assert timedelta(hours=1.4) < ends_at - utc_now() < timedelta(hours=1.5)
    assert f"{old.key.prefix}… stays valid until {ends_at:%Y-%m-%d %H:%M} UTC." in response.text
    stranger = admin.application.test_client()
    assert stranger.get("/api/batches", headers=of(old)).status_code == 200


@pytest.mark.parametrize("hours", ["-1", "a day", "", "nan", "1e9"])
def test_a_time_that_is_none_rotates_nothing(admin, services, hours):
    old = made(services, "anna")
    before = services.keys.all()
    response = admin.post(f"/admin/keys/{old.key.prefix}/rotate", data={"grace_hours": hours})
    assert response.status_code == 400
    assert "`grace_hours` is" in response.text
    assert services.keys.all() == before


def test_an_owners_sessions_are_ended(admin, services):
    new = made(services, "anna")
    hers = [admin.application.test_client() for _ in range(2)]
    for browser in hers:
        sign_in(browser, new.text)
    assert "2" in admin.post("/admin/sessions/end", data={"owner": "anna"}).text
    assert [browser.get("/api/batches").status_code for browser in hers] == [401, 401]
    assert admin.post("/admin/sessions/end", data={"owner": "no owner"}).status_code == 400
    assert admin.get("/admin/keys").status_code == 200


def test_nobody_else_sees_them(http, services):
    for role in ("user", "read-only"):
        sign_in(http, made(services, "anna", role=role).text)
        assert http.get("/admin/keys").status_code == 403
        assert http.post("/admin/keys", data={"owner": "anna", "role": "admin"}).status_code == 403
        assert "/admin/keys" not in http.get("/history").text


def test_where_no_login_is_needed_nobody_is_locked_out_by_the_page(http, services):
    assert "eva01 keys add" in http.get("/admin/keys").text
    for path in (
        "/admin/keys",
        "/admin/keys/eva01_nothere1/revoke",
        "/admin/keys/eva01_nothere1/rotate",
        "/admin/sessions/end",
    ):
        assert http.post(path, data={"owner": "mallory"}).status_code == 403
    assert not services.keys.all()


@pytest.mark.parametrize(("language", "letters"), [("en", r"[A-Z][a-z' -]+"), ("zh", r"[\u4e00-\u9fff]+")])
def test_the_audit_trail_is_in_words_of_the_readers_language(admin, services, language, letters):
    for action in Action:
        services.audit.note(by_command(action))
    for kind in Kind:
        services.audit.note(by_command(Action.LOOK, Target(kind=kind, id="x")))
    for outcome in Outcome:
        event = by_command(Action.EXPORT).model_copy(update={"outcome": outcome, "code": Code.TOO_MANY_DAYS})
        services.audit.note(event)
    page = admin.get("/admin/audit", headers={"Accept-Language": language}).text
    actions = dict(re.findall(r'<td data-action="([^"]+)"[^>]*>([^<]*)</td>', page))
    assert set(actions) == {*Action}
    kinds = re.findall(r'<td class="text"[^>]*>([^<]*) <code>x</code>', page)
    outcomes = dict(re.findall(r'data-outcome="(\w+)"[^>]*>([^<]+)<', page))
    assert (len(set(kinds)), set(outcomes)) == (len(Kind), {*Outcome})
    for word in (*actions.values(), *kinds, *outcomes.values()):
        assert re.fullmatch(letters, word.strip()), word
    assert "EVA01" not in page.split("<tbody>")[1].split("</tbody>")[0]


def test_admins_find_their_pages_from_each_of_them_and_nobody_else_does(admin, services):
    pages = ("/admin/keys", "/usage", "/admin/audit")
    for path in pages:
        shown = admin.get(path).text
        assert all(f'button--small" href="{other}"' in shown for other in pages), path
    anna = admin.application.test_client()
    sign_in(anna, made(services, "anna").text)
    assert "/admin/" not in anna.get("/usage").text
