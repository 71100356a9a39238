"""Fetching from real servers by TLS: what comes, and what is refused before anybody is asked."""

import ssl

import pytest
from prometheus_client import REGISTRY, generate_latest

from jobs.contract.codes import Code
from jobs.contract.settings import Limits, WebSettings
from tests.servers.fetches import IMAGE, fetched, leads_to, page, refusal
from tests.servers.internet import DOWN, PUBLIC, PUBLIC6, UNCERTIFIED, Visit, listening
from web.fetch.fetcher import Fetcher

#: What an attacker's name may lead to.
INSIDE = [
    *("127.0.0.1", "10.0.0.7", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "0.0.0.0"),
    *("224.0.0.1", "255.255.255.255", "168.63.129.16"),
    *(
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::1",
        "2001:0::1",
    ),
]


def test_an_image_comes_as_it_is(internet, all_hosts):
    internet.pages["images.example.org/a.png?size=1"] = page()
    assert fetched(all_hosts, "https://images.example.org/a.png?size=1") == IMAGE
    assert internet.sought == [(PUBLIC, 443)]


def test_nothing_is_fetched_unless_hosts_are_named(internet):
    said = refusal(internet.fetcher(), "https://images.example.org/a.png")
    assert said.code is Code.FETCH_IS_OFF
    assert "EVA01_FETCH_ALLOW" in said.message
    assert internet.looked_up == []


def test_a_host_that_is_not_in_the_list_is_not_even_looked_up(internet):
    said = refusal(internet.fetcher("cdn.example.org"), "https://images.example.org/a.png")
    assert (said.code, internet.looked_up) == (Code.URL_NOT_ALLOWED, [])
    assert "images.example.org" in said.message


def test_another_port_than_https_is_asked_only_where_the_list_names_it(internet):
    internet.places[PUBLIC, 8443] = internet.places[PUBLIC, 443]
    internet.pages["images.example.org:8443/a.png"] = page()
    address = "https://images.example.org:8443/a.png"
    assert refusal(internet.fetcher("*"), address).code is Code.URL_NOT_ALLOWED
    assert fetched(internet.fetcher("images.example.org:8443"), address) == IMAGE


def test_a_name_in_other_letters_is_compared_as_it_is_asked(internet):
    internet.pages["xn--bcher-kva.example/a.png"] = page()
    assert fetched(internet.fetcher("xn--bcher-kva.example"), "https://BÜCHER.example/a.png") == IMAGE


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_refused_before_anybody_is_asked(internet, all_hosts, address):
    internet.names["images.example.org"] = [address]
    said = refusal(all_hosts, "https://images.example.org/a.png")
    assert (said.code, internet.sought) == (Code.NO_PUBLIC_ADDRESS, [])
    assert address not in said.message


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "[fd00:ec2::254]"]
)
def test_an_address_that_is_not_public_is_refused_though_the_list_names_it(internet, host):
    fetcher = internet.fetcher("*", "127.0.0.1", "[::1]", "[fd00:ec2::254]")
    assert refusal(fetcher, f"https://{host}/a.png").code is Code.NO_PUBLIC_ADDRESS
    assert internet.sought == []


def test_one_address_inside_among_public_ones_is_enough_to_refuse(internet, all_hosts):
    internet.names["images.example.org"] = [PUBLIC, "10.0.0.7"]
    assert refusal(all_hosts, "https://images.example.org/a.png").code is Code.NO_PUBLIC_ADDRESS
    assert internet.sought == []


def test_of_a_name_with_many_addresses_a_few_are_asked(internet, all_hosts):
    internet.names["images.example.org"] = [f"93.184.217.{number}" for number in range(200)]
    assert refusal(all_hosts, "https://images.example.org/a.png").code is Code.FETCH_FAILED
    assert len(internet.sought) == 8


def test_one_address_inside_behind_many_public_ones_is_enough_to_refuse(internet, all_hosts):
    internet.names["images.example.org"] = [*(f"93.184.217.{number}" for number in range(200)), "10.0.0.7"]
    assert refusal(all_hosts, "https://images.example.org/a.png").code is Code.NO_PUBLIC_ADDRESS
    assert internet.sought == []


def test_what_is_inside_and_what_is_nowhere_are_told_by_the_same_words(internet, all_hosts):
    internet.names["images.example.org"] = ["10.0.0.7"]
    inside = refusal(all_hosts, "https://images.example.org/a.png")
    del internet.names["images.example.org"]
    nowhere = refusal(all_hosts, "https://images.example.org/a.png")
    assert (inside.code, inside.message) == (nowhere.code, nowhere.message)


def test_a_name_is_looked_up_once_so_that_it_cannot_change_between_the_look_and_the_connection(internet):
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    internet.pages["images.example.org/a.png"] = page()
    web = WebSettings(fetch_allow=("*",))
    fetcher = Fetcher(
        web, Limits(), resolve=lambda host, port: next(answers), way=internet, tls=internet.believed()
    )
    assert fetched(fetcher, "https://images.example.org/a.png") == IMAGE
    assert internet.sought == [(PUBLIC, 443)]
    assert refusal(fetcher, "https://images.example.org/a.png").code is Code.NO_PUBLIC_ADDRESS
    assert internet.sought == [(PUBLIC, 443)]


def test_the_next_address_is_asked_where_the_first_is_silent(internet, all_hosts):
    internet.names["images.example.org"] = [DOWN, PUBLIC6, PUBLIC]
    internet.pages["images.example.org/a.png"] = page()
    assert fetched(all_hosts, "https://images.example.org/a.png") == IMAGE
    assert internet.sought == [(DOWN, 443), (PUBLIC6, 443)]


def test_the_systems_own_look_up_is_held_to_the_same():
    with listening() as (port, came):
        fetcher = Fetcher(WebSettings(fetch_allow=(f"localhost:{port}", f"127.0.0.1:{port}")), Limits())
        for host in ("localhost", "127.0.0.1", "127.1", "[::ffff:7f00:1]"):
            assert refusal(fetcher, f"https://{host}:{port}/a.png").code is Code.NO_PUBLIC_ADDRESS
        assert came == []


def test_a_port_inside_that_is_open_and_one_that_is_closed_are_told_by_the_same_words():
    with listening() as (port, came):
        fetcher = Fetcher(WebSettings(fetch_allow=(f"localhost:{port}", "localhost")), Limits())
        opened = refusal(fetcher, f"https://localhost:{port}/a.png")
        closed = refusal(fetcher, "https://localhost/a.png")
        assert (opened.code, opened.message) == (closed.code, closed.message)
        assert came == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_to_a_host_that_is_allowed(internet, all_hosts, status):
    internet.pages["images.example.org/a.png"] = page(b"", status, Location="https://cdn.example.org/b.png")
    internet.pages["cdn.example.org/b.png"] = page()
    assert fetched(all_hosts, "https://images.example.org/a.png") == IMAGE
    assert internet.looked_up == ["images.example.org", "cdn.example.org"]


def test_a_redirect_to_a_host_that_is_not_in_the_list_is_refused_and_not_named(internet):
    internet.pages["images.example.org/a.png"] = leads_to("https://cdn.example.org/secret")
    said = refusal(internet.fetcher("images.example.org"), "https://images.example.org/a.png")
    assert (said.code, internet.looked_up) == (Code.URL_NOT_ALLOWED, ["images.example.org"])
    assert "images.example.org" in said.message
    assert "cdn" not in said.message


@pytest.mark.parametrize(
    "where",
    [
        "http://cdn.example.org/a.png",
        "file:///etc/passwd",
        "https://user:secret@cdn.example.org/",
        "https://[::",
    ],
)
def test_a_redirect_to_what_is_no_address_by_https_is_refused(internet, all_hosts, where):
    internet.pages["images.example.org/a.png"] = leads_to(where)
    said = refusal(all_hosts, "https://images.example.org/a.png")
    assert (said.code, internet.looked_up) == (Code.BAD_URL, ["images.example.org"])
    assert "secret" not in said.message


@pytest.mark.parametrize(
    "where", ["https://169.254.169.254/latest/meta-data/", "https://2130706433/", "https://[::1]/"]
)
def test_a_redirect_inside_is_refused_before_anybody_is_asked(internet, all_hosts, where):
    internet.pages["images.example.org/a.png"] = leads_to(where)
    said = refusal(all_hosts, "https://images.example.org/a.png")
    assert (said.code, internet.sought) == (Code.NO_PUBLIC_ADDRESS, [(PUBLIC, 443)])


def test_a_redirect_to_the_same_host_is_looked_up_again(internet, all_hosts):
    def lead_inside(visit: Visit) -> None:
        internet.names["images.example.org"] = ["127.0.0.1"]
        visit.lead_on("/b.png")

    internet.pages["images.example.org/a.png"] = lead_inside
    internet.pages["images.example.org/b.png"] = page()
    assert refusal(all_hosts, "https://images.example.org/a.png").code is Code.NO_PUBLIC_ADDRESS
    assert internet.sought == [(PUBLIC, 443)]


def test_redirects_are_followed_so_often_and_no_more(internet):
    internet.pages["images.example.org/a.png"] = leads_to("/b.png")
    internet.pages["images.example.org/b.png"] = leads_to("/c.png")
    internet.pages["images.example.org/c.png"] = page()
    address = "https://images.example.org/a.png"
    assert fetched(internet.fetcher("*", fetch_redirects=2), address) == IMAGE
    assert refusal(internet.fetcher("*", fetch_redirects=1), address).code is Code.FETCH_FAILED
    internet.pages["images.example.org/c.png"] = leads_to("/a.png")
    internet.visits.clear()
    assert refusal(internet.fetcher("*"), address).code is Code.FETCH_FAILED
    assert len(internet.visits) == WebSettings().fetch_redirects + 1


def test_who_asks_says_nothing_of_themselves_and_takes_no_cookies(internet, all_hosts):
    internet.pages["images.example.org/a.png"] = page(b"", 302, Location="/b.png", Set_Cookie="name=value")
    internet.pages["images.example.org/b.png"] = page()
    fetched(all_hosts, "https://images.example.org/a.png")
    assert len(internet.visits) == 2
    for headers in internet.visits:
        assert set(headers) == {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}


def test_no_proxy_of_the_environment_is_asked(internet, all_hosts, monkeypatch):
    with listening() as (port, came):
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        internet.pages["images.example.org/a.png"] = page()
        assert fetched(all_hosts, "https://images.example.org/a.png") == IMAGE
        assert came == []


def test_a_server_without_a_certificate_for_the_name_is_not_believed(internet, all_hosts):
    internet.pages[f"{UNCERTIFIED}/a.png"] = page()
    assert refusal(all_hosts, f"https://{UNCERTIFIED}/a.png").code is Code.FETCH_FAILED
    assert internet.visits == []


def test_a_certificate_of_nobody_known_is_not_believed(internet):
    web, strangers = WebSettings(fetch_allow=("*",)), ssl.create_default_context()
    fetcher = Fetcher(web, Limits(), resolve=internet.resolve, way=internet, tls=strangers)
    assert refusal(fetcher, "https://images.example.org/a.png").code is Code.FETCH_FAILED
    assert internet.visits == []


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_what_came_of_fetching_is_counted_without_saying_whose_it_was_or_from_where(internet, all_hosts):
    internet.pages["images.example.org/a.png"] = page()
    names = ("eva01_fetch_seconds_count", "eva01_fetched_bytes_total")
    outcomes = ("fetched", "fetch_failed")
    before = [metric(name) for name in names]
    counted = [metric("eva01_fetches_total", outcome=outcome) for outcome in outcomes]
    fetched(all_hosts, "https://images.example.org/a.png")
    refusal(all_hosts, "https://images.example.org/b.png")
    assert [metric(name) for name in names] == [before[0] + 2, before[1] + len(IMAGE)]
    assert [metric("eva01_fetches_total", outcome=outcome) for outcome in outcomes] == [
        counted[0] + 1,
        counted[1] + 1,
    ]
    assert "example.org" not in generate_latest().decode()
    assert "anna" not in generate_latest().decode()
