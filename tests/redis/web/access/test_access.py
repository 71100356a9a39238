"""Who may do what, and what is another's: through web's real app."""

import io
from datetime import timedelta

from jobs.contract.access.owners import NewKey, new_key
from jobs.contract.models import utc_now
from jobs.contract.settings import Limits, Settings, WebSettings
from tests.apps import app_of
from tests.conftest import start_redis, stop
from tests.files.hostile import encoded
from tests.processes import free_port
from web.services import Services, services_of


def made(services: Services, owner: str, **fields: object) -> NewKey:
    """A key that is known from now on."""
    new = new_key(owner, **fields)
    services.keys.add(new.key)
    return new


def of(new: NewKey) -> dict[str, str]:
    """The headers of a request with a key."""
    return {"Authorization": f"Bearer {new.text}"}


def code_of(response) -> tuple[int, str]:
    return response.status_code, response.get_json()["code"]


def test_nobody_has_to_say_who_they_are_until_there_is_a_key(http, services):
    assert http.get("/api/batches").status_code == 200
    made(services, "anna")
    response = http.get("/api/batches")
    assert code_of(response) == (401, "not_signed_in")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_login_that_was_needed_is_needed_for_good(http, services, redis_client):
    new = made(services, "anna")
    assert http.get("/api/batches", headers=of(new)).status_code == 200
    redis_client.flushall()
    assert http.get("/api/batches").status_code == 401
    assert http.get("/api/batches", headers=of(new)).status_code == 200, "it comes back from the blob store"


def test_a_key_in_the_blob_store_alone_makes_a_login_needed(make_app, services, redis_client):
    made(services, "anna")
    redis_client.flushall()
    assert make_app().test_client().get("/api/batches").status_code == 401


def test_a_key_that_was_made_last_before_redis_went_away_makes_a_login_needed(tmp_path):
    port = free_port()
    redis = start_redis(port, tmp_path)
    try:
        settings = Settings(redis_url=f"redis://127.0.0.1:{port}/0", data=tmp_path / "data")
        app = app_of(settings, Limits(), WebSettings(models=("ocr",)))
        http = app.test_client()
        assert http.get("/api/audit").status_code == 200
        made(services_of(app), "anna")
    finally:
        stop(redis)
    assert code_of(http.get("/api/audit")) == (401, "not_signed_in")


def test_a_key_that_is_over_opens_nothing(http, services):
    ended = made(services, "anna", expires_at=utc_now() - timedelta(seconds=1))
    revoked = made(services, "anna")
    services.keys.revoke(revoked.key.prefix)
    for new in (ended, revoked):
        assert code_of(http.get("/api/batches", headers=of(new))) == (401, "key_is_over")
    assert code_of(http.get("/api/batches", headers={"Authorization": "Bearer x"})) == (401, "unknown_key")


def test_what_belongs_to_another_is_exactly_as_if_it_were_not_there(http, services):
    anna, ben = made(services, "anna"), made(services, "ben")
    team = made(services, "carl", teams=("anna",))
    batch = http.post("/api/batches", json={"model": "ocr"}, headers=of(anna)).get_json()["id"]
    missing = "0" * len(batch)
    for call in ("", "/results", "/results.csv", "/timeline"):
        theirs = http.get(f"/api/batches/{batch}{call}", headers=of(ben))
        none = http.get(f"/api/batches/{missing}{call}", headers=of(ben))
        assert code_of(theirs) == (404, "batch_not_found")
        assert theirs.get_data().replace(batch.encode(), missing.encode()) == none.get_data()
        assert http.get(f"/api/batches/{batch}{call}", headers=of(anna)).status_code == 200
        assert http.get(f"/api/batches/{batch}{call}", headers=of(team)).status_code == 200


def test_a_job_is_its_batchs_owners(http, services):
    anna, ben = made(services, "anna"), made(services, "ben")
    batch = http.post("/api/batches", json={"model": "ocr"}, headers=of(anna)).get_json()["id"]
    sent = {"files": (io.BytesIO(encoded()), "a.png")}
    (file,) = http.post(f"/api/batches/{batch}/files", data=sent, headers=of(anna)).get_json()["files"]
    for call in ("", "/image", "/thumbnail"):
        address = f"/api/jobs/{file['job_id']}{call}"
        assert code_of(http.get(address, headers=of(ben)))[1] == "job_not_found"
    assert http.get(f"/api/jobs/{file['job_id']}", headers=of(anna)).status_code == 200


def test_who_may_only_look_changes_nothing(http, services):
    reader, user = made(services, "anna", role="read-only"), made(services, "anna")
    batch = http.post("/api/batches", json={"model": "ocr"}, headers=of(user)).get_json()["id"]
    assert http.get(f"/api/batches/{batch}", headers=of(reader)).status_code == 200
    assert code_of(http.delete(f"/api/batches/{batch}", headers=of(reader))) == (403, "not_allowed")
