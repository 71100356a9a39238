"""Share links over HTTP: they give read access to one batch, for a limited time."""

import io
import json
import logging
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest

from jobs.contract import names
from jobs.contract.access.owners import LOCAL, digest_of, new_key
from jobs.contract.access.shares import new_share
from jobs.contract.models import JobError, Result, new_id, utc_now
from jobs.contract.settings import WebSettings
from tests.asking import IMAGE, ask, new_batch, post_files, send
from tests.redis.web.test_jobs import code_of
from web.services import services_of

pytestmark = pytest.mark.redis


@pytest.fixture
def batch(http, services) -> str:
    """A batch with an answer and a refused file."""
    batch = new_batch(http, name="holiday")
    answered, _ = send(http, batch, {"a.png": IMAGE, "b.png": b"x"})
    services.store.finish(answered["job_id"], Result(answer="yes"))
    services.blobs.put(
        names.thumbnail_path(http.get(f"/api/jobs/{answered['job_id']}").json["image"]), b"webp"
    )
    return batch


@pytest.fixture
def share(http, batch) -> str:
    """The API's address below the link."""
    return make(http, batch)


@pytest.fixture
def job(http, batch) -> str:
    """The API's address of the job with an answer."""
    return f"/api/jobs/{http.get(f'{batch}/results').json['jobs'][0]['id']}"


def make(http, batch: str, **fields: object) -> str:
    return "/api" + http.post(f"{batch}/share", json=fields).json["url"]


def listed(http, batch: str) -> list[dict]:
    return http.get(f"{batch}/shares").json["shares"]


def below(share: str, batch: str, address: str) -> str:
    """Where a call about a batch, or one of its jobs, is below a link to it."""
    return share + address.removeprefix(batch).removeprefix("/api")


def without_ids(body: dict) -> dict:
    """A response without what a link's readers do not see."""
    hidden = {"id": None, "owner": None} if "counts" in body else {"batch_id": None, "image": None}
    return {**body, **hidden}


def test_a_link_says_where_and_until_when(http, batch):
    made = http.post(f"{batch}/share", json={"days": 30})
    assert made.status_code == 201
    assert made.json["url"].startswith("/shared/")
    assert made.json["expires_at"].endswith("Z")


def test_all_that_reads_a_batch_is_the_same_below_its_link(http, batch, share, job):
    tails = ("/timeline", "/results.csv")
    for address in (*(f"{batch}{tail}" for tail in tails), f"{job}/image", f"{job}/thumbnail"):
        direct, shared = http.get(address), http.get(below(share, batch, address))
        assert (shared.status_code, shared.data) == (200, direct.data), address
        assert shared.headers["X-Robots-Tag"] == "noindex"
        assert "X-Robots-Tag" not in direct.headers
    for address in (batch, job):
        direct, shared = http.get(address).json, http.get(below(share, batch, address)).json
        assert without_ids(shared) == without_ids(direct)
    for tail in ("/results", "/results?order=changed"):
        direct, shared = http.get(f"{batch}{tail}").json, http.get(f"{share}{tail}").json
        assert [without_ids(job) for job in shared["jobs"]] == [without_ids(job) for job in direct["jobs"]]
    for kind in ("xlsx", "zip"):
        assert http.get(f"{share}/results.{kind}", buffered=True).data.startswith(b"PK")


def test_whoever_reads_a_batch_writes_so_many_workbooks_at_a_time_and_no_more(make_app, http, batch, share):
    app = make_app(WebSettings(models=("nano",), workbooks=1))
    busy, workbook = app.test_client(), f"{share}/results.xlsx"
    with services_of(app).workbooks:
        refused = busy.get(workbook)
        assert code_of(refused) == (503, "too_many_workbooks")
        assert refused.headers["Retry-After"]
        assert busy.get(f"{share}/results.csv").status_code == 200
    for _ in range(2):
        assert busy.get(workbook, buffered=True).status_code == 200


def everything(http, share: str, batch: str, job: str) -> bytes:
    """All that a link's readers can get: bodies, headers, pages; what is packed, unpacked."""
    tails = ("", "/timeline", "/results", "/results?order=changed")
    files = ("csv", "jsonl", "xlsx", "zip")
    addresses = [*(share + tail for tail in tails), *(f"{share}/results.{kind}" for kind in files)]
    addresses += [below(share, batch, job + tail) for tail in ("", "/image", "/thumbnail")]
    addresses += [share.removeprefix("/api"), f"{share}/jobs/{new_id()}"]
    found = b""
    for address in addresses:
        response = http.get(address, buffered=True)
        found += f"{address} {response.headers}".encode() + response.data
        if response.data.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
                found += b"".join(archive.read(name) for name in archive.namelist())
    return found


def test_a_link_shows_neither_ids_nor_hashes_nor_owners(http, batch, services):
    anna = new_key("anna-of-accounting")
    services.keys.add(anna.key)
    with_key = {"Authorization": f"Bearer {anna.text}"}
    own = (
        "/api/batches/"
        + http.post("/api/batches", json={"question": "?", "model": "nano"}, headers=with_key).json["id"]
    )
    files = {"files": (io.BytesIO(IMAGE), "a.png")}
    job_id = http.post(f"{own}/files", data=files, headers=with_key).json["files"][0]["job_id"]
    image = http.get(f"/api/jobs/{job_id}", headers=with_key).json["image"]
    error = JobError(code="image_not_found", message=f"Image {image} is not in the blob store.")
    services.store.finish(job_id, Result(error=error))
    share = "/api" + http.post(f"{own}/share", json={"note": "for Ben"}, headers=with_key).json["url"]
    seen = everything(http, share, own, f"/api/jobs/{job_id}")
    assert b"is not in the blob store" in seen
    for hidden in (own.rsplit("/", 1)[1], image, "anna-of-accounting", anna.key.prefix, "for Ben"):
        assert hidden.encode() not in seen, hidden


def test_nothing_can_be_changed_by_a_link(http, batch, share, job):
    calls = [("post", f"{batch}/{call}") for call in ("close", "cancel", "retry", "known", "share")]
    calls += [
        ("patch", batch),
        ("delete", batch),
        ("get", f"{batch}/shares"),
        ("delete", f"{batch}/shares"),
        ("delete", job),
        ("post", f"{job}/retry"),
        ("post", f"{job}/ask"),
    ]
    before = http.get(batch).json
    for method, address in calls:
        refused = http.open(below(share, batch, address), method=method, json={"name": "x", "question": "x"})
        assert refused.status_code in (404, 405), address
    assert post_files(http, f"{share}/files", {"c.png": IMAGE}).status_code == 404
    assert http.get(batch).json == before


def test_a_link_opens_no_other_batch_and_no_other_job(http, share):
    other = new_batch(http)
    (job,) = send(http, other, {"a.png": IMAGE})
    single = ask(http).json["id"]
    for job_id in (job["job_id"], single, new_id(), "xyz"):
        for tail in ("", "/image", "/thumbnail"):
            refused = http.get(f"{share}/jobs/{job_id}{tail}")
            assert code_of(refused) == (404, "job_not_found")
            assert refused.json["detail"] == "This link is for a batch without this job."
    for tail in (other.removeprefix("/api"), "/batches", "/status", "/jobs", "/known"):
        assert code_of(http.get(share + tail)) == (404, "no_such_page")


def test_a_link_that_we_have_not_made_opens_nothing(http, batch, share):
    token = share.rsplit("/", 1)[1]
    share_id = listed(http, batch)[0]["id"]
    for one in ("A" * 43, token[:-1], token + "A", digest_of(token), share_id, "x", "a.b"):
        assert code_of(http.get(f"/api/shared/{one}")) == (404, "share_not_found"), one


def test_a_link_ends(http, batch, services):
    made = new_share(batch.rsplit("/", 1)[1], LOCAL, utc_now() - timedelta(seconds=1))
    services.shares.add(made.share, most=1)
    for tail in ("", "/results", "/timeline"):
        assert code_of(http.get(f"/api/shared/{made.token}{tail}")) == (410, "share_expired")
    assert http.get(f"/shared/{made.token}").status_code == 410


def test_a_link_that_is_revoked_opens_nothing_more_and_the_others_do(http, batch, share, job):
    other = make(http, batch, note="for Ben")
    other_listed, first = listed(http, batch)
    assert (other_listed["note"], other_listed["state"], first["state"]) == ("for Ben", "works", "works")
    assert http.delete(f"{batch}/shares/{first['id']}").status_code == 204
    for address in (share, f"{share}/results", f"{share}/results.csv", below(share, batch, f"{job}/image")):
        assert code_of(http.get(address)) == (410, "share_expired"), address
    assert http.get(other).status_code == 200
    assert [one["state"] for one in listed(http, batch)] == ["works", "revoked"]
    assert http.delete(f"{batch}/shares/{first['id']}").status_code == 204, "twice changes nothing"
    assert http.delete(f"{batch}/shares").json == {"revoked": 1}
    assert code_of(http.get(other)) == (410, "share_expired")


def test_a_list_of_links_opens_none(http, batch, share):
    text = http.get(f"{batch}/shares").get_data(as_text=True)
    token = share.rsplit("/", 1)[1]
    assert token not in text
    assert digest_of(token) not in text
    (one,) = json.loads(text)["shares"]
    assert (one["made_by"], one["owner"], one["last_used_at"]) == ("local", None, None)
    http.get(share)
    assert listed(http, batch)[0]["last_used_at"].endswith(":00:00Z"), "to the hour"


def test_the_link_of_another_batch_is_not_revoked(http, batch, share):
    other = new_batch(http)
    assert code_of(http.delete(f"{other}/shares/{listed(http, batch)[0]['id']}")) == (404, "share_not_found")
    assert http.delete(f"{other}/shares").json == {"revoked": 0}
    assert http.get(share).status_code == 200


def test_a_batch_has_so_many_links_and_those_that_are_over_make_room(make_app: Callable):
    http = make_app(max_shares=2).test_client()
    batch = new_batch(http)
    first, second = (make(http, batch) for _ in range(2))
    assert code_of(http.post(f"{batch}/share", json={})) == (409, "too_many_shares")
    http.delete(f"{batch}/shares/{listed(http, batch)[1]['id']}")
    third = make(http, batch)
    assert len(listed(http, batch)) == 2
    assert [http.get(one).status_code for one in (first, second, third)] == [404, 200, 200]


def test_who_may_only_look_lists_links_and_makes_none(http, services):
    user, reader, other = (
        new_key(owner, role=role)
        for owner, role in (("anna", "user"), ("anna", "read-only"), ("ben", "user"))
    )
    for new in (user, reader, other):
        services.keys.add(new.key)
    of = {new.key.prefix: {"Authorization": f"Bearer {new.text}"} for new in (user, reader, other)}
    user_, reader_, other_ = (of[new.key.prefix] for new in (user, reader, other))
    batch = (
        "/api/batches/"
        + http.post("/api/batches", json={"question": "?", "model": "nano"}, headers=user_).json["id"]
    )
    url = http.post(f"{batch}/share", json={}, headers=user_).json["url"]
    (one,) = http.get(f"{batch}/shares", headers=reader_).json["shares"]
    assert (one["made_by"], one["owner"]) == (f"key:{user.key.prefix}", "anna")
    for call in (f"{batch}/shares", f"{batch}/shares/{one['id']}"):
        assert code_of(http.delete(call, headers=reader_)) == (403, "not_allowed")
        assert code_of(http.delete(call, headers=other_)) == (404, "batch_not_found")
        assert code_of(http.delete(call)) == (401, "not_signed_in")
    assert code_of(http.get(f"{batch}/shares", headers=other_)) == (404, "batch_not_found")
    assert http.get(f"/api{url}").status_code == 200, "a link needs no key"


def test_a_link_of_a_deleted_batch_opens_nothing(http, batch, share, job):
    http.delete(batch)
    for address in (share, f"{share}/results", below(share, batch, job)):
        assert code_of(http.get(address)) == (404, "share_not_found")
    assert batch.rsplit("/", 1)[1] not in http.get(share).get_data(as_text=True)


def test_all_web_processes_know_each_others_links(make_app: Callable, http, batch, share):
    other = make_app().test_client()
    assert other.get(share).status_code == 200
    other.delete(f"{batch}/shares")
    assert code_of(http.get(share)) == (410, "share_expired")


def test_a_token_is_kept_nowhere(http, batch, redis_client, services):
    made = http.post(f"{batch}/share", json={}, headers={"Idempotency-Key": "once"}).json
    token = made["url"].rsplit("/", 1)[1]
    http.get(f"/api/shared/{token}/results")
    kept = [redis_client.dump(key) for key in redis_client.scan_iter("*")]
    kept += [services.blobs.get(path) for path in services.blobs.list("")]
    assert not any(token.encode() in one for one in kept)
    again = http.post(f"{batch}/share", json={}, headers={"Idempotency-Key": "once"})
    assert again.status_code == 201, "as what was kept would hold it, it is made anew"


def test_a_token_is_in_no_log_and_leaves_in_no_referer(http, batch, share, redis_client, caplog):
    token = share.rsplit("/", 1)[1]
    for address in (share, share.removeprefix("/api"), f"{share}/nowhere", f"{share}/jobs/{new_id()}"):
        assert http.get(address).headers["Referrer-Policy"] == "strict-origin", address
    assert http.get("/").headers["Referrer-Policy"] == "same-origin"
    with caplog.at_level(logging.DEBUG):
        redis_client.set(f"{names.batch_key(batch.rsplit('/', 1)[1])}:jobs", "of another type")
        redis_client.set(names.share_key(digest_of(token)), "of another type")
        http.get(f"{share}/results")
        http.get(share.removeprefix("/api"))
    assert token not in caplog.text


def test_a_browser_asks_whether_it_may_still_show_a_picture(http, batch, share, job, services):
    for place in (job, below(share, batch, job)):
        for kind in ("image", "thumbnail"):
            first = http.get(f"{place}/{kind}")
            assert first.headers["Cache-Control"] == "private, no-cache"
            known = {"If-None-Match": first.headers["ETag"]}
            again = http.get(f"{place}/{kind}", headers=known)
            assert (again.status_code, again.data) == (304, b"")
            assert again.headers["Cache-Control"] == "private, no-cache"
            assert http.get(f"{place}/{kind}", headers={"If-None-Match": '"other"'}).status_code == 200
            assert http.get(f"{place}/{kind}", headers={"Sec-Fetch-Dest": "document"}).headers[
                "Cache-Control"
            ] == ("private, no-store"), "going back to it, a browser would not ask"
    known = {"If-None-Match": http.get(f"{job}/image").headers["ETag"]}
    http.delete(f"{batch}/shares")
    assert code_of(http.get(below(share, batch, f"{job}/image"), headers=known)) == (410, "share_expired")
    http.delete(batch)
    assert code_of(http.get(f"{job}/image", headers=known)) == (404, "job_not_found")


def test_a_picture_that_is_known_is_not_read_again(http, job, services):
    known = {"If-None-Match": http.get(f"{job}/image").headers["ETag"]}
    services.blobs.delete_images([http.get(job).json["image"]])
    assert http.get(f"{job}/image", headers=known).status_code == 304
    gone = http.get(f"{job}/image", headers={"If-None-Match": "*"})
    assert code_of(gone) == (404, "image_not_found")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"days": 0}, (400, "invalid_field")),
        ({"days": 366}, (413, "too_many_days")),
        ({"days": 7, "write": True}, (400, "invalid_field")),
        ({"note": "x" * 201}, (400, "invalid_field")),
        ([], (400, "malformed_body")),
    ],
)
def test_a_link_that_cannot_be_is_refused(http, batch, body, expected):
    assert code_of(http.post(f"{batch}/share", json=body)) == expected


def test_a_batch_that_is_not_there_is_not_shared(http):
    missing = http.post(f"/api/batches/{new_id()}/share", json={})
    assert code_of(missing) == (404, "batch_not_found")


def test_the_document_describes_what_a_link_opens(http):
    paths = http.get("/openapi.json").json["paths"]
    shared = {path for path in paths if path.startswith("/api/shared/{token}")}
    tails = ("", "/results", "/timeline", "/jobs/{job_id}", "/jobs/{job_id}/image")
    assert {f"/api/shared/{{token}}{tail}" for tail in tails} < shared
    for path in shared:
        assert list(paths[path]) == ["get"]
        parameters = [parameter["name"] for parameter in paths[path]["get"]["parameters"]]
        assert "token" in parameters
        assert "batch_id" not in parameters
    calls = [call for item in paths.values() for call in item.values()]
    assert len({call["operationId"] for call in calls}) == len(calls)
    assert paths["/api/jobs/{job_id}"]["get"]["tags"] == ["jobs"]
