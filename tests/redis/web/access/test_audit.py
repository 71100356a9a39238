"""The audit trail: what is written, by whom it may be read, and what happens when it cannot be written."""

import getpass
import io
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from jobs.contract.access.audit import Action, Event, Kind, Outcome, Target, by_command
from jobs.contract.access.owners import Role
from jobs.contract.models import new_id
from jobs.contract.settings import WebSettings
from tests.files.hostile import encoded
from tests.redis.web.access.test_access import code_of, made, of
from web.access.audit import AUDITED, register_audit
from web.access.recent import LOOK_S, Looks, Refused
from web.services import Services, services_of


def written(services: Services) -> list[Event]:
    """All events, the oldest first."""
    return list(services.audit.events())


def batch_of(http, new, name: str = "") -> str:
    asked = {"model": "ocr", "name": name}
    return str(http.post("/api/batches", json=asked, headers=of(new)).get_json()["id"])


def said(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.action.value, event.outcome.value) for event in events]


def without_a_place_to_write(services: Services, tmp_path: Path) -> None:
    """Let a file stand where the trail's folder would be."""
    folder = tmp_path / "blobs" / "audit"
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("in the way")


def test_all_that_is_audited_is_an_endpoint(http):
    assert set(AUDITED) <= set(http.application.view_functions)


def test_who_reads_and_deletes_a_file_of_requests_is_written(http, services):
    headers = of(made(services, "anna"))
    form = {"purpose": "batch", "file": (BytesIO(b"{}"), "NAME-of-a-file.jsonl")}
    file_id = http.post("/v1/files", data=form, headers=headers).get_json()["id"]
    assert http.get(f"/v1/files/{file_id}/content", headers=headers).status_code == 200
    assert http.delete(f"/v1/files/{file_id}", headers=headers).status_code == 200
    assert http.delete(f"/v1/files/{file_id}", headers=headers).status_code == 404
    events = written(services)
    assert said(events) == [("export", "done"), ("file.delete", "done"), ("file.delete", "failed")]
    assert {(event.target.kind, event.target.id) for event in events if event.target} == {
        ("file", file_id.removeprefix("file-"))
    }
    assert "NAME" not in "".join(event.model_dump_json() for event in events)


def test_deletes_shares_and_exports_are_written_with_who_what_when_and_from_where(http, services):
    new = made(services, "anna")
    batch = batch_of(http, new, name="NAME-of-a-batch")
    headers = of(new) | {"X-Request-Id": "trace-7"}
    assert http.get(f"/api/batches/{batch}/results.csv", headers=headers).status_code == 200
    shared = http.post(f"/api/batches/{batch}/share", json={}, headers=headers).get_json()["id"]
    assert http.delete(f"/api/batches/{batch}", headers=headers).status_code == 204
    events = written(services)
    assert said(events) == [("export", "done"), ("share.add", "done"), ("batch.delete", "done")]
    for event in events:
        assert (event.who, event.owner, event.address) == (f"key:{new.key.prefix}", "anna", "127.0.0.1")
        assert event.request_id == "trace-7"
        assert abs(event.at - datetime.now(UTC)) < timedelta(minutes=5)
    the_batch, the_link = (
        Target(kind=kind, id=id_, owner="anna")
        for kind, id_ in ((Kind.BATCH, batch), (Kind.SHARE, f"{batch}/{shared}"))
    )
    assert [event.target for event in events] == [the_batch, the_link, the_batch]


def test_what_failed_is_written_with_its_code(http, services):
    new = made(services, "anna")
    batch = batch_of(http, new)
    asked = {"days": 10_000}
    assert http.post(f"/api/batches/{batch}/share", json=asked, headers=of(new)).status_code == 413
    (event,) = written(services)
    assert (event.outcome, event.code) == (Outcome.FAILED, "too_many_days")


@pytest.mark.parametrize("place", ["/api/keys", "/admin/keys"])
def test_whose_key_is_ended_or_replaced_is_written_also_when_that_fails(http, services, place):
    admin, old = made(services, "root", role="admin"), made(services, "anna")
    calls = [
        (old, "rotate", {"grace_hours": 1}),
        (old, "revoke", {}),
        (old, "rotate", {}),
        (admin, "revoke", {}),
    ]
    for key, verb, more in calls:
        sent = {"json": more} if place.startswith("/api") else {"data": more}
        http.post(f"{place}/{key.key.prefix}/{verb}", headers=of(admin), **sent)
    http.post(f"{place}/eva01_nothere1/revoke", headers=of(admin))
    events = written(services)
    assert [(event.outcome, event.code, event.target and event.target.owner) for event in events] == [
        (Outcome.DONE, None, "anna"),
        (Outcome.DONE, None, "anna"),
        (Outcome.FAILED, "key_has_ended", "anna"),
        (Outcome.FAILED, "own_key", "root"),
        (Outcome.FAILED, "key_not_found", None),
    ]


def test_a_key_that_cannot_be_made_is_written_with_its_code_by_the_page_as_by_the_api(http, services):
    admin = of(made(services, "root", role="admin"))
    bad = {"owner": "bad owner", "role": "user"}
    assert http.post("/api/keys", json=bad, headers=admin).status_code == 400
    assert http.post("/admin/keys", data=bad, headers=admin).status_code == 400
    assert [(event.outcome, event.code) for event in written(services)] == [
        (Outcome.FAILED, "invalid_field")
    ] * 2


def test_what_is_begun_is_kept_beside_what_came_of_it_and_neither_is_ever_changed(http, services):
    new = made(services, "anna")
    http.delete(f"/api/batches/{batch_of(http, new)}", headers=of(new))
    begun, ended = sorted(services.blobs.list("audit"))
    assert re.fullmatch(r"audit/\d{4}-\d\d-\d\d/\d\d/[0-9a-f]{32}\.begun\.json", begun)
    assert ended == begun.replace(".begun", "")
    assert json.loads(services.blobs.get(begun))["outcome"] == "begun"
    with pytest.raises(FileExistsError, match="already"):
        services.blobs.create(ended, b"{}")
    assert json.loads(services.blobs.get(ended))["outcome"] == "done"


def test_what_was_begun_and_never_ended_is_shown_as_begun(services):
    begun = by_command(Action.ADOPT, Target(kind=Kind.OWNER, id="anna"))
    with pytest.raises(KeyboardInterrupt), services.audit.doing(begun):
        raise KeyboardInterrupt
    (event,) = written(services)
    assert event == begun
    assert event.who == f"command:{getpass.getuser()}"


def test_work_may_say_later_what_it_was_done_to(services):
    with services.audit.doing(by_command(Action.KEY_ADD)) as noted:
        noted.target = Target(kind=Kind.KEY, id="eva01_abcdefgh", owner="anna")
    (event,) = written(services)
    assert event.target and event.target.id == "eva01_abcdefgh"


def test_a_page_that_shows_what_is_wrong_has_failed(make_app, monkeypatch):
    monkeypatch.setitem(AUDITED, "pages.history", (Action.LOOK, Kind.OWNER))
    app = make_app()
    app.view_functions["pages.history"] = lambda: ("No such thing.", 404)
    register_audit(app)
    services = services_of(app)
    assert app.test_client().get("/history", headers=of(made(services, "anna"))).status_code == 404
    assert said(written(services)) == [("look", "failed")]


def test_nothing_is_deleted_or_exported_that_cannot_be_written(http, services, tmp_path):
    new = made(services, "anna")
    batch = batch_of(http, new)
    without_a_place_to_write(services, tmp_path)
    for method, call in (("DELETE", ""), ("GET", "/results.jsonl")):
        refused = http.open(f"/api/batches/{batch}{call}", method=method, headers=of(new))
        assert code_of(refused) == (503, "blob_store_unavailable")
    assert http.get(f"/api/batches/{batch}", headers=of(new)).status_code == 200


def test_an_end_that_cannot_be_written_is_said_in_the_log(services, tmp_path, caplog):
    event = by_command(Action.ADOPT)
    with services.audit.doing(event):
        without_a_place_to_write(services, tmp_path)
    assert "The audit trail lacks" in caplog.text
    assert event.id in caplog.text


def test_where_nobody_has_to_say_who_they_are_nothing_is_written(http, services):
    batch = http.post("/api/batches", json={"model": "ocr"}).get_json()["id"]
    assert http.post(f"/api/batches/{batch}/share", json={}).status_code == 201
    assert http.delete(f"/api/batches/{batch}").status_code == 204
    assert written(services) == []


def test_a_key_that_is_none_or_no_longer_is_a_refused_sign_in_and_no_key_is_none(http, services):
    old = made(services, "anna")
    services.keys.revoke(old.key.prefix)
    assert http.get("/api/batches").status_code == 401
    assert http.get("/api/batches", headers=of(old)).status_code == 401
    assert http.get("/api/batches", headers={"Authorization": "Bearer eva01_guessed-key"}).status_code == 401
    over, unknown = written(services)
    assert (over.action, over.outcome, over.code) == (Action.SIGN_IN, Outcome.FAILED, "key_is_over")
    assert over.target == Target(kind=Kind.KEY, id=old.key.prefix)
    assert (unknown.who, unknown.code, unknown.target) == ("unknown", "unknown_key", None)


def test_a_key_that_is_over_is_named_when_it_is_pasted_at_the_sign_in_and_one_that_is_none_is_not(
    http, services
):
    old = made(services, "anna")
    services.keys.revoke(old.key.prefix)
    for text in (f" {old.text} ", "eva01_guessed-key"):
        http.post("/sign-in", data={"key": text, "next": "/"})
    over, unknown = written(services)
    assert (over.code, over.target) == ("key_is_over", Target(kind=Kind.KEY, id=old.key.prefix))
    assert (unknown.code, unknown.target) == ("unknown_key", None)


def test_a_key_that_is_tried_at_the_page_for_it_or_too_often_is_a_refused_sign_in_too(make_app):
    app = make_app(WebSettings(models=("ocr",), wrong_keys_per_min=2))
    http, services = app.test_client(), services_of(app)
    made(services, "anna")
    for number, status in enumerate([200, 200, 429]):
        wrong = {"Authorization": f"Bearer eva01_guess-{number}"}
        assert http.get("/sign-in", headers=wrong).status_code == status
    assert http.get("/api/batches", headers={"Authorization": "Bearer eva01_guess-3"}).status_code == 429
    assert http.get("/sign-in").status_code == 200, "who has no key tries none"
    codes = [event.code for event in written(services)]
    assert codes == ["unknown_key", "unknown_key", "too_many_wrong_keys", "too_many_wrong_keys"]


def test_guessing_does_not_fill_the_trail_and_is_counted(make_app):
    app = make_app(WebSettings(models=("ocr",), audit_refused_a_minute=2))
    http, services = app.test_client(), services_of(app)
    made(services, "anna")
    for number in range(5):
        http.get("/api/batches", headers={"Authorization": f"Bearer eva01_guess-{number}"})
    assert len(written(services)) == 2


def test_what_was_only_counted_is_named_with_the_next_that_is_written(clock):
    refused = Refused(2, lambda: clock.now_s)
    assert [refused.take() for _ in range(5)] == [0, 0, None, None, None]
    clock.now_s += 60
    assert [refused.take() for _ in range(3)] == [3, 0, None]
    clock.now_s += 60
    assert refused.take() == 1
    refused.give_back(1)
    assert refused.take() is None
    clock.now_s += 60
    assert refused.take() == 3


def test_an_admin_who_sees_anothers_things_is_written_once_an_hour_for_each(make_app):
    app = make_app(WebSettings(models=("ocr",), admins_see_images=True))
    http, services = app.test_client(), services_of(app)
    anna, admin = made(services, "anna"), made(services, "root", role="admin")
    batch = batch_of(http, anna)
    sent = {"files": (io.BytesIO(encoded()), "FILE-name.png")}
    (file,) = http.post(f"/api/batches/{batch}/files", data=sent, headers=of(anna)).get_json()["files"]
    for _ in range(3):
        assert http.get(f"/api/batches/{batch}", headers=of(admin)).status_code == 200
        assert http.get(f"/api/jobs/{file['job_id']}/image", headers=of(admin)).status_code == 200
    assert http.get(f"/api/batches/{batch}", headers=of(anna)).status_code == 200
    (look,) = written(services)
    assert (look.action, look.who) == (Action.LOOK, f"key:{admin.key.prefix}")
    assert look.target == Target(kind=Kind.BATCH, id=batch, owner="anna")


def test_an_admin_who_sees_the_list_of_all_is_written_once(make_app):
    http = make_app(WebSettings(models=("nano",), admins_see_images=True)).test_client()
    services = services_of(http.application)
    admin = made(services, "root", role="admin")
    for address in ("/api/batches", "/history", "/api/batches?search=x"):
        assert http.get(address, headers=of(admin)).status_code == 200
    (look,) = written(services)
    assert (look.action, look.target) == (Action.LOOK, Target(kind=Kind.OWNER, id="all"))


def test_a_look_is_new_again_after_an_hour(clock):
    looks = Looks(lambda: clock.now_s)
    looks.note("root", "batch/1")
    assert looks.is_known("root", "batch/1")
    assert not looks.is_known("root", "batch/2")
    assert not looks.is_known("other", "batch/1")
    clock.now_s += LOOK_S
    assert not looks.is_known("root", "batch/1")


def test_no_secret_question_answer_or_file_name_is_in_the_trail(http, services):
    new = made(services, "anna")
    asked = {"model": "nano", "name": "MARKED-name", "question": "MARKED-question"}
    batch = http.post("/api/batches", json=asked, headers=of(new)).get_json()["id"]
    sent = {"files": (io.BytesIO(encoded()), "MARKED-file.png")}
    http.post(f"/api/batches/{batch}/files", data=sent, headers=of(new))
    url = http.post(f"/api/batches/{batch}/share", json={}, headers=of(new)).get_json()["url"]
    http.get(f"/api/batches/{batch}/results.zip", headers=of(new))
    http.get("/api/batches", headers={"Authorization": "Bearer MARKED-credential"})
    http.delete(f"/api/batches/{batch}", headers=of(new))
    kept = b"".join(map(services.blobs.get, services.blobs.list("audit")))
    for secret in (b"MARKED", new.text[14:].encode(), url.rpartition("/")[2].encode()):
        assert secret not in kept


def test_what_is_downloaded_by_a_link_is_written(http, services):
    new = made(services, "anna")
    batch = batch_of(http, new)
    token = (
        http.post(f"/api/batches/{batch}/share", json={}, headers=of(new)).get_json()["url"].split("/")[-1]
    )
    for _ in range(3):
        assert http.get(f"/api/shared/{token}/results.csv").status_code == 200
    assert http.get(f"/api/shared/{token[:-2]}/results.csv").status_code == 404
    _, export = written(services)
    assert (export.action, export.who, export.owner) == (Action.EXPORT, "link", None)
    assert export.target == Target(kind=Kind.BATCH, id=batch, owner="anna")


def test_what_a_link_refuses_is_no_event_and_hides_no_download_after_it(http, services):
    batch = batch_of(http, anna := made(services, "anna"))
    url = http.post(f"/api/batches/{batch}/share", json={}, headers=of(anna)).get_json()["url"]
    for _ in range(20):
        assert http.get(f"/api{url}/results.csv?bom=perhaps").status_code == 400
    assert said(written(services)) == [("share.add", "done")]
    assert http.get(f"/api{url}/results.csv").status_code == 200
    assert said(written(services)) == [("share.add", "done"), ("export", "done")]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "xlsx", "zip"])
def test_nothing_is_downloaded_by_a_link_that_cannot_be_written(http, services, tmp_path, kind):
    batch = batch_of(http, anna := made(services, "anna"))
    url = http.post(f"/api/batches/{batch}/share", json={}, headers=of(anna)).get_json()["url"]
    without_a_place_to_write(services, tmp_path)
    for _ in range(2):
        assert code_of(http.get(f"/api{url}/results.{kind}")) == (503, "blob_store_unavailable")
    (tmp_path / "blobs" / "audit").unlink()
    assert http.get(f"/api{url}/results.{kind}", buffered=True).status_code == 200
    assert said(written(services)) == [("export", "done")]


def test_an_address_that_names_nothing_is_no_event(http, services):
    new = made(services, "anna")
    assert http.get("/api/batches/zzz/results.csv", headers=of(new)).status_code == 400
    assert written(services) == []


def test_no_whole_key_or_link_is_written_that_is_named_in_place_of_what_names_it(http, services):
    admin, new = made(services, "dora", role=Role.ADMIN), made(services, "anna")
    batch = batch_of(http, new)
    shared = http.post(f"/api/batches/{batch}/share", json={}, headers=of(new)).get_json()["url"]
    token = shared.rpartition("/")[2]
    for verb in ("revoke", "rotate"):
        assert http.post(f"/api/keys/{new.text}/{verb}", json={}, headers=of(admin)).status_code == 404
    assert http.delete(f"/api/batches/{batch}/shares/{token}", headers=of(new)).status_code == 400
    kept = b"".join(map(services.blobs.get, services.blobs.list("audit")))
    assert new.text.encode() not in kept
    assert token.encode() not in kept


# Reading


def at(text: str) -> Event:
    """An event of a time."""
    when = datetime.fromisoformat(text)
    id_ = f"{int(when.timestamp() * 1000):012x}7000{new_id()[16:]}"
    return Event(id=id_, at=when, who="key:eva01_abcdefgh", owner="anna", action=Action.EXPORT)


TIMES = [
    "2026-11-24T23:59:59+00:00",
    "2026-11-25T00:00:00+00:00",
    "2026-11-25T09:30:00+00:00",
    "2026-11-25T09:31:00+00:00",
    "2026-11-25T23:00:00+00:00",
    "2026-11-26T00:00:00+00:00",
]


@pytest.fixture
def admin(services) -> dict[str, str]:
    """The headers of an admin, where some days have events."""
    for time in TIMES:
        services.audit.note(at(time))
    return of(made(services, "root", role="admin"))


def all_of(pages: list[list[str]]) -> list[str]:
    return [*chain.from_iterable(pages)]


def pages(http, admin: dict[str, str], **asked: Any) -> list[list[str]]:
    """The times of the events of each page."""
    found, cursor = [], None
    while True:
        page = http.get("/api/audit", query_string={**asked, "cursor": cursor}, headers=admin).get_json()
        found.append([event["at"].replace("Z", "+00:00") for event in page["events"]])
        cursor = page["next_cursor"]
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_go_from_the_latest_to_the_first_without_gaps(http, admin, limit):
    found = pages(http, admin, limit=limit)
    assert all_of(found) == TIMES[::-1]
    assert max(map(len, found)) <= limit


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"from": "2026-11-25"}, TIMES[1:]),
        ({"to": "2026-11-25"}, TIMES[:5]),
        ({"from": "2026-11-25", "to": "2026-11-25"}, TIMES[1:5]),
        ({"from": "2026-11-25T09:30:30Z", "to": "2026-11-26T00:00:00Z"}, TIMES[3:5]),
        ({"from": "2026-11-25T10:31:00+01:00"}, TIMES[3:]),
        ({"from": "2027-01-01"}, []),
        ({}, TIMES),
    ],
)
def test_events_of_a_time_are_found_by_pages_and_as_lines_alike(http, admin, asked, expected):
    assert all_of(pages(http, admin, **asked, limit=2)) == expected[::-1]
    lines = http.get("/api/audit.jsonl", query_string=asked, headers=admin)
    assert lines.content_type.startswith("application/jsonl")
    shown = [json.loads(line)["at"] for line in lines.text.splitlines()]
    assert [time.replace("Z", "+00:00") for time in shown if time < "2026-11-26T00:00:01"] == expected


def test_a_page_lists_a_hundred_hours_at_most_and_says_where_to_go_on(http, admin, services):
    for day in range(1, 10):
        for hour in range(24):
            services.audit.note(at(f"2026-10-{day:02}T{hour:02}:15:00+00:00"))
    found = pages(http, admin, limit=1000, to="2026-10-31")
    assert [len(page) for page in found] == [100, 100, 16]
    assert all_of(found) == sorted(all_of(found), reverse=True)


@pytest.mark.parametrize(
    "asked", ["from=yesterday", "from=2026-13-01", "to=2026-11-26T09:30", "cursor=../keys", "limit=0"]
)
def test_a_time_or_place_that_there_is_not_is_refused_by_name(http, admin, asked):
    response = http.get(f"/api/audit?{asked}", headers=admin)
    assert code_of(response) == (400, "invalid_field")
    assert asked.split("=")[0] in response.get_json()["detail"]
    assert http.get(f"/admin/audit?{asked}", headers=admin).status_code == 400


def test_only_admins_read_the_trail(http, admin, services):
    for role in ("user", "read-only"):
        headers = of(made(services, "anna", role=role))
        for path in ("/api/audit", "/api/audit.jsonl"):
            assert code_of(http.get(path, headers=headers)) == (403, "not_allowed")
        assert http.get("/admin/audit", headers=headers).status_code == 403


def test_an_event_that_cannot_be_read_is_passed_over(http, admin, services):
    services.blobs.create(f"audit/2026-11-25/11/{new_id()}.json", b'{"who": 7}')
    assert all_of(pages(http, admin)) == TIMES[::-1]


@pytest.mark.parametrize(("language", "title"), [("en", "Audit trail"), ("zh", "审计")])
def test_the_page_shows_events_in_both_languages_and_leads_on(http, admin, language, title):
    headers = admin | {"Accept-Language": language}
    shown = http.get("/admin/audit?limit=4&from=2026-11-25", headers=headers).text
    assert title in shown
    assert shown.count("<tr>") == 1 + 4
    (further,) = re.findall(r'href="(\?[^"]*cursor=[^"]*)"', shown)
    rest = http.get(f"/admin/audit{further.replace('&amp;', '&')}", headers=headers).text
    assert rest.count("<tr>") == 1 + 1
