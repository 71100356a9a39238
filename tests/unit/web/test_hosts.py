"""By which names web may be asked, and that no other website's page changes anything."""

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from jobs.contract.settings import BadSetting, Limits, Settings, WebSettings
from tests.apps import app_of
from tests.processes import free_port
from web.http.hosts import Hosts

EVIL = "https://evil.example"
#: A call that changes something, and needs nothing but a server.
CHOOSE = "/preferences"
BEHIND = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "photos.example.org",
    "X-Forwarded-Prefix": "/eva",
}


@pytest.fixture(scope="module")
def make_client(tmp_path_factory):
    """Makes clients of apps whose Redis does not exist."""
    address = f"redis://127.0.0.1:{free_port()}/0"

    def make_client(**web):
        settings = Settings(redis_url=address, data=tmp_path_factory.mktemp("data"), redis_timeout_s=1)
        return app_of(settings, Limits(), WebSettings(models=("nano",), **web)).test_client()

    return make_client


@pytest.fixture(scope="module")
def http(make_client):
    return make_client()


@pytest.fixture(scope="module")
def behind(make_client):
    """One proxy serves it as https://photos.example.org/eva."""
    return make_client(proxies=1, hosts="photos.example.org")


def code_of(response) -> tuple[int, str]:
    return response.status_code, response.json["code"]


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:8000", "LOCALHOST:1", "localhost:", "localhost."),
        *("127.0.0.1", "127.9.9.9:8000", "[::1]", "[::1]:8000", "[::ffff:127.0.0.1]:8000"),
    ],
)
def test_the_loopback_is_known_by_its_names_and_addresses(host):
    assert Hosts("127.0.0.1", ()).has(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", " ", "a b", "evil.example", "127.0.0.1.nip.io", "localhost.evil.example", "evil-localhost"),
        *("127.1", "2130706433", "0x7f000001", "127.0.0.1:8000:8000", "localhost@evil.example"),
        *(
            "localhost::",
            "localhost,evil.example",
            "localhost/x",
            "::1",
            "[::1",
            "127.0.0.1\n",
            "lócalhost",
            "10.0.3.4",
        ),
        *("0.0.0.0", "[::]", "１２７.0.0.1", "localhost:١", "localhost..", ".localhost", "x" * 10_000),
    ],
)
def test_every_other_name_is_not(host):
    assert not Hosts("127.0.0.1", ()).has(host)


def test_names_that_are_given_are_known_with_any_port_and_those_below_a_star():
    hosts = Hosts("127.0.0.1", ("Photos.example.org", "*.lan", "192.168.1.20", "fd00::5"))
    for host in (
        "photos.example.org:8443",
        "PHOTOS.EXAMPLE.ORG.",
        "box.lan",
        "a.b.lan:1",
        "192.168.1.20:8000",
    ):
        assert hosts.has(host), host
    assert hosts.has("[fd00::5]:8000")
    for host in ("example.org", "x.photos.example.org", "lan", ".lan", "boxlan", "box.lan.evil.example"):
        assert not hosts.has(host), host


@pytest.mark.parametrize(("listens_on", "host"), [("10.0.3.4", "10.0.3.4:8000"), ("gpu-box", "gpu-box:8000")])
def test_what_web_listens_on_is_known(listens_on, host):
    assert Hosts(listens_on, ()).has(host)
    assert not Hosts(listens_on, ()).has("10.0.3.5")


@pytest.mark.parametrize("listens_on", ["0.0.0.0", "::"])
def test_a_web_that_listens_on_all_addresses_answers_by_address_and_by_no_name(listens_on):
    hosts = Hosts(listens_on, ())
    for host in ("10.0.3.4:8000", "[fd00::5]:8000", "192.168.1.20", "localhost:8000"):
        assert hosts.has(host)
    for host in ("gpu-box", "web", "evil.example", "10.0.3.4.nip.io"):
        assert not hosts.has(host)


@pytest.mark.parametrize(
    "hosts", ["http://a.example", "a.example:8000", "a b", "*", "*.*.example", "bücher.example"]
)
def test_a_host_that_is_none_is_named(hosts, monkeypatch):
    monkeypatch.setenv("EVA01_HOSTS", f"good.example, {hosts}")
    with pytest.raises(BadSetting, match=r"EVA01_HOSTS=.*neither a name such as"):
        WebSettings.read()


@pytest.mark.parametrize(
    "path",
    ["/", "/history", "/api/batches", "/health", "/metrics", "/static/css/base.css", "/nowhere", "/docs"],
)
def test_by_another_name_nothing_is_answered(http, path):
    response = http.get(path, headers={"Host": "evil.example"})
    assert response.status_code == 421
    assert "EVA01_HOSTS" in response.text
    assert "nano" not in response.text


def test_a_form_that_was_sent_to_another_name_shows_nothing_of_what_is_here(http):
    response = http.post("/batches", headers={"Host": "evil.example"}, data={"question": "q"})
    assert response.status_code == 421
    assert "unknown_host" in response.text
    assert "nano" not in response.text


def test_a_program_that_names_no_host_is_answered(http):
    """As HTTP/1.0 allows; no browser does."""
    nameless = EnvironBuilder("/health").get_environ()
    del nameless["HTTP_HOST"]
    assert http.open(Request(nameless)).status_code == 200


def test_behind_a_proxy_both_names_have_to_be_known(behind):
    """A page that a name led here could say X-Forwarded-Host itself."""
    assert behind.get("/health", headers=BEHIND).status_code == 200
    assert behind.get("/health", headers=BEHIND | {"X-Forwarded-Host": "evil.example"}).status_code == 421
    assert behind.get("/health", headers=BEHIND | {"Host": "evil.example"}).status_code == 421


def test_where_no_names_are_given_the_proxy_says_by_which_it_is_asked(make_client):
    behind_any = make_client(proxies=1)
    assert behind_any.get("/health", headers=BEHIND).status_code == 200
    assert behind_any.get("/health", headers=BEHIND | {"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        *({"Origin": origin} for origin in (EVIL, "null", "", "http://localhost:8000", "https://localhost")),
        *(
            {"Origin": origin}
            for origin in ("http://127.0.0.1", "http://localhost, http://localhost", "file://")
        ),
        *(
            {"Sec-Fetch-Site": site}
            for site in ("cross-site", "same-site", "", "x", "same-origin, cross-site")
        ),
        {"Origin": EVIL, "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost.evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
@pytest.mark.parametrize("path", [CHOOSE, "/api/batches", "/nowhere"])
def test_what_another_websites_page_asks_for_is_not_done(http, path, headers):
    response = http.post(path, headers=headers)
    assert response.status_code == 403
    assert "foreign_origin" in response.text
    assert not [name for name, _ in response.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "BREW"])
def test_every_method_that_may_change_something_is_looked_at(http, method):
    address = "/api/batches/" + "0" * 32
    assert code_of(http.open(address, method=method, headers={"Origin": EVIL})) == (403, "foreign_origin")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://localhost"},
        {"Origin": "http://localhost:80", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "HTTP://LOCALHOST", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_programs_and_pages_of_the_server_are_served(http, headers):
    assert http.post(CHOOSE, headers=headers, data={"theme": "dark"}).status_code == 303


def test_another_websites_page_may_lead_here_and_reads_nothing(http):
    for method in ("GET", "HEAD", "OPTIONS"):
        response = http.open("/", method=method, headers={"Origin": EVIL, "Sec-Fetch-Site": "cross-site"})
        assert response.status_code == 200
        assert not [name for name, _ in response.headers if name.lower().startswith("access-control")]


def test_behind_a_proxy_the_servers_own_origin_is_what_that_says(behind):
    own = {"Origin": "https://photos.example.org"}
    assert behind.post(CHOOSE, headers=BEHIND | own).status_code == 303
    for origin in ("http://photos.example.org", "https://photos.example.org:8443", "http://localhost", EVIL):
        refused = behind.post("/api/batches", headers=BEHIND | {"Origin": origin})
        assert code_of(refused) == (403, "foreign_origin")
