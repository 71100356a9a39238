"""The app without a server: settings that stop it from starting, and its replies when Redis is away."""

import re

import pytest
from werkzeug.test import EnvironBuilder

from jobs.contract.errors import Unavailable
from jobs.contract.models import ID_PATTERN, Job, new_id
from jobs.contract.settings import BadSetting, Limits, Settings, WebSettings
from tests.apps import app_of
from tests.files.forms import but_for_once
from tests.unit.web.conftest import without_redis
from web.access.gate import lets_in

#: What a proxy in front, or somebody who plays one, says of those who ask.
FORWARDED = {"X-Forwarded-Prefix": "/eva", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "photos.example"}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"blobs": "ftp://x"}, "EVA01_BLOBS='ftp://x'"),
        ({"blobs": "file:///proc/nowhere"}, "EVA01_BLOBS='file:///proc/nowhere'"),
        ({"data": "/proc/nowhere"}, "EVA01_DATA='/proc/nowhere'"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(fields, named, tmp_path):
    with pytest.raises(BadSetting, match=named):
        app_of(Settings(**{"data": tmp_path} | fields), Limits(), WebSettings())


def test_health_does_not_need_redis_and_readiness_does(app_without_redis):
    http = app_without_redis.test_client()
    assert http.get("/health").status_code == 200
    assert http.get("/ready").status_code == 503
    assert http.get("/ready").json["code"] == "redis_unavailable"


def test_a_large_body_is_answered_at_once_when_redis_is_away_and_not_called_cut_off(app_without_redis):
    """Redis may be back by the time when the app itself looks who asks: it would read what was not taken."""
    environ = EnvironBuilder(f"/api/batches/{new_id()}/files", method="POST").get_environ()
    with pytest.raises(Unavailable) as away:
        lets_in(app_without_redis, environ)
    assert away.value.code == "redis_unavailable"


@pytest.mark.parametrize("path", ["/words/zh.json", "/nowhere", "/health"])
def test_every_response_names_its_request_by_an_id_of_its_own(app_without_redis, path):
    http = app_without_redis.test_client()
    first, second = (http.get(path).headers["X-Request-Id"] for _ in range(2))
    assert re.fullmatch(ID_PATTERN, first)
    assert first != second


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [("trace-7", True), ("A.b_c-" + 58 * "9", True), (65 * "a", False), ("", False), ("a b", False)]
    + [(sent, False) for sent in ("<b>", "a=1", "-rf", "é", "../x", "a;b")],
)
def test_an_id_that_came_with_the_request_is_kept_if_it_is_harmless(app_without_redis, sent, is_kept):
    response = app_without_redis.test_client().get("/nowhere", headers={"X-Request-Id": sent})
    assert (response.headers["X-Request-Id"] == sent) is is_kept


def test_a_fault_is_said_with_the_request_but_not_with_what_its_address_holds(new_app, caplog):
    new_app.add_url_rule("/shared/<token>/broken", view_func=lambda token: [][1])
    new_app.test_client().get("/shared/MARKED-token/broken?q=MARKED")
    assert "GET /shared/<token>/broken failed" in caplog.text
    assert "MARKED" not in caplog.text


def test_a_job_that_cannot_be_written_fails_at_once(new_app):
    job = Job(id=new_id(), file="a.png", question="q", model="nano")
    store = new_app.extensions["eva01"].store
    new_app.add_url_rule("/send", view_func=lambda: store.create_job(job) and "sent")
    away = new_app.test_client().get("/send")
    assert (away.status_code, away.json["code"]) == (503, "redis_unavailable")


@pytest.fixture(scope="module")
def app_behind(tmp_path_factory):
    return without_redis(tmp_path_factory.mktemp("data"), proxies=1, hosts=("photos.example",))


@pytest.fixture
def behind(app_behind):
    """A client of an app behind one proxy, whose Redis does not exist."""
    return app_behind.test_client()


def leads_to(response) -> set[str]:
    """Every address in a page that begins with a slash."""
    return set(re.findall(r'(?:href|src|action|data-api)="(/[^"]*)"', response.text))


def test_the_picker_of_files_offers_every_ending_that_is_read(app_without_redis):
    (offered,) = set(re.findall(r'accept="([^"]+)"', app_without_redis.test_client().get("/").text))
    assert {"image/*", ".zip", ".hif", ".mpo", ".dib", ".tif"} <= set(offered.split(","))


def test_behind_a_proxy_addresses_are_below_the_path_that_it_names(behind):
    for page in ("/", "/docs", "/nowhere"):
        addresses = leads_to(behind.get(page, headers=FORWARDED | {"Accept": "text/html"}))
        assert addresses
        assert all(address.startswith("/eva/") for address in addresses), addresses
    assert not any(address.startswith("/eva") for address in leads_to(behind.get("/")))


def test_without_proxies_their_headers_change_nothing(app_without_redis):
    http = app_without_redis.test_client()
    for page in ("/", "/docs", "/docs/start.js", "/openapi.json"):
        told, plain = (http.get(page, headers=headers).text for headers in (FORWARDED, {}))
        assert but_for_once(told) == but_for_once(plain)


def test_the_nearest_proxy_is_believed_and_none_before_it(behind):
    """A caller's own value stands in front of the proxy's."""
    headers = {"X-Forwarded-Prefix": "/forged, /eva", "Accept": "text/html"}
    addresses = leads_to(behind.get("/nowhere", headers=headers))
    assert addresses
    assert all(address.startswith("/eva/") for address in addresses)


@pytest.mark.parametrize(
    ("prefix", "base"),
    [
        ("/eva/", "/eva"),
        ("eva", "/eva"),
        ("//evil.example", "/evil.example"),
        ("/\\evil.example", "/evil.example"),
        ("/a//b/", "/a/b"),
        ("/", ""),
        ("/<b>", "/&lt;b&gt;"),
    ],
)
def test_a_path_that_is_told_leads_to_no_other_host(behind, prefix, base):
    page = behind.get("/nowhere", headers={"X-Forwarded-Prefix": prefix, "Accept": "text/html"})
    assert f'data-base="{base}"' in page.text
    assert "//evil" not in page.text


def test_a_choice_is_remembered_for_the_path_and_leads_back_there(behind):
    form = {"next": "/eva/history?", "theme": "dark"}
    chosen = behind.post("/preferences", data=form, headers=FORWARDED)
    assert chosen.headers["Location"] == "/eva/history"
    assert "Path=/eva;" in chosen.headers["Set-Cookie"]
    astray = behind.post("/preferences", data={"next": "//evil.example"}, headers=FORWARDED)
    assert astray.headers["Location"] == "/eva/"
