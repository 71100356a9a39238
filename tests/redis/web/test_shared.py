"""Share links over HTTP: they give read access to one batch, for a limited time."""

from collections.abc import Callable

import pytest

from jobs.contract import names
from jobs.contract.models import Result, new_id
from jobs.contract.settings import WebSettings
from jobs.storage.signing import SigningKey
from tests.asking import IMAGE, ask, new_batch, post_files, send
from tests.redis.web.test_jobs import code_of
from web.api.share_tokens import ShareTokens

pytestmark = pytest.mark.redis

DAY_S = 24 * 3600


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
    return "/api" + http.post(f"{batch}/share", json={}).json["url"]


def below(share: str, address: str) -> str:
    return share + address.removeprefix("/api")


def test_a_link_says_where_and_until_when(http, batch):
    made = http.post(f"{batch}/share", json={"days": 30})
    assert made.status_code == 201
    assert made.json["url"].startswith("/shared/")
    assert made.json["expires_at"].endswith("Z")


def test_all_that_reads_a_batch_is_the_same_below_its_link(http, batch, share):
    assert http.get(share).json == http.get(batch).json
    job = f"/api/jobs/{http.get(f'{batch}/results').json['jobs'][0]['id']}"
    tails = ("", "/timeline", "/results", "/results?order=changed", "/results.csv", "/results.jsonl")
    for address in (*(f"{batch}{tail}" for tail in tails), job, f"{job}/image", f"{job}/thumbnail"):
        direct, shared = http.get(address), http.get(below(share, address))
        assert (shared.status_code, shared.data) == (200, direct.data), address
        assert shared.headers["X-Robots-Tag"] == "noindex"
        assert "X-Robots-Tag" not in direct.headers
    for kind in ("xlsx", "zip"):
        assert http.get(below(share, f"{batch}/results.{kind}"), buffered=True).data.startswith(b"PK")


def test_nothing_can_be_changed_by_a_link(http, batch, share):
    job = f"/api/jobs/{http.get(f'{batch}/results').json['jobs'][0]['id']}"
    calls = [("post", f"{batch}/{call}") for call in ("close", "cancel", "retry", "known", "share")]
    calls += [
        ("patch", batch),
        ("delete", batch),
        ("delete", job),
        ("post", f"{job}/retry"),
        ("post", f"{job}/ask"),
    ]
    before = http.get(batch).json
    for method, address in calls:
        refused = http.open(below(share, address), method=method, json={"name": "x", "question": "x"})
        assert refused.status_code in (404, 405), address
    assert post_files(http, below(share, f"{batch}/files"), {"c.png": IMAGE}).status_code == 404
    assert http.get(batch).json == before


def test_a_link_opens_no_other_batch_and_no_other_job(http, share):
    other = new_batch(http)
    (job,) = send(http, other, {"a.png": IMAGE})
    single = ask(http).json["id"]
    for address in (other, f"{other}/results", f"{other}/results.csv", f"{other}/timeline"):
        assert code_of(http.get(below(share, address))) == (404, "batch_not_found")
    for job_id in (job["job_id"], single, new_id(), "xyz"):
        for tail in ("", "/image", "/thumbnail"):
            assert code_of(http.get(f"{share}/jobs/{job_id}{tail}")) == (404, "job_not_found")
    assert code_of(http.get(f"{share}/batches")) == (404, "no_such_page")
    assert code_of(http.get(f"{share}/status")) == (404, "no_such_page")


def test_a_link_that_we_have_not_made_opens_nothing(http, batch, share, redis_client):
    token = share.rsplit("/", 1)[1]
    forged = ShareTokens(lambda: "somebody else's key").make(batch.rsplit("/", 1)[1], 7)[0]
    for one in (forged, token[:-1], token + "A", "A" + token, "x", "..", "a.b.c", "W10.x"):
        assert code_of(http.get(f"/api/shared/{one}")) == (404, "share_not_found"), one


def test_a_link_ends(http, batch, redis_client, services):
    now_s = 1_000_000_000.0
    shares = ShareTokens(SigningKey(redis_client).get, lambda: now_s)
    token, expires_at = shares.make(batch.rsplit("/", 1)[1], 7)
    assert expires_at.timestamp() == now_s + 7 * DAY_S
    assert shares.batch_of(token) == batch.rsplit("/", 1)[1]
    assert code_of(http.get(f"/api/shared/{token}")) == (410, "share_expired")
    assert code_of(http.get(f"/api/shared/{token}{batch.removeprefix('/api')}/results")) == (
        410,
        "share_expired",
    )


def test_a_link_of_a_deleted_batch_opens_nothing(http, batch, share):
    http.delete(batch)
    assert code_of(http.get(share)) == (404, "batch_not_found")
    assert code_of(http.get(below(share, f"{batch}/results"))) == (404, "batch_not_found")


def test_all_web_processes_know_each_others_links(make_app: Callable, http, share):
    assert make_app().test_client().get(share).status_code == 200


def test_a_key_of_ones_own_is_kept_nowhere(make_app, redis_client):
    http = make_app(WebSettings(models=("nano",), secret_key="k" * 16)).test_client()
    url = http.post(f"{new_batch(http)}/share", json={}).json["url"]
    assert redis_client.exists(names.SIGNING_KEY) == 0
    assert http.get(f"/api{url}").status_code == 200
    other = make_app(WebSettings(models=("nano",), secret_key="q" * 16)).test_client()
    assert code_of(other.get(f"/api{url}")) == (404, "share_not_found")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"days": 0}, (400, "invalid_field")),
        ({"days": 366}, (413, "too_many_days")),
        ({"days": 7, "write": True}, (400, "invalid_field")),
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
    assert "/api/shared/{token}/batches/{batch_id}/results" in shared
    for path in shared:
        assert list(paths[path]) == ["get"]
        assert "token" in [parameter["name"] for parameter in paths[path]["get"]["parameters"]]
    calls = [call for item in paths.values() for call in item.values()]
    assert len({call["operationId"] for call in calls}) == len(calls)
    assert paths["/api/jobs/{job_id}"]["get"]["tags"] == ["jobs"]
