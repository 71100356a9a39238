"""Fetching from real servers by TLS: what comes, what is refused before anybody is asked, when it ends."""

import gzip
import ssl
import threading
from time import monotonic

import pytest

from jobs.contract.codes import Code
from jobs.contract.errors import BadInput, TooLarge
from jobs.contract.settings import Limits, WebSettings
from tests.internet import DOWN, PUBLIC, PUBLIC6, UNCERTIFIED, Internet, Visit, listening
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
IMAGE = b"the bytes of an image" * 1000


def page(body: bytes = IMAGE, status: int = 200, **headers: str):
    return lambda visit: visit.give(body, status, **headers)


def leads_to(where: str):
    return lambda visit: visit.lead_on(where)


def fetched(fetcher: Fetcher, address: str, most_s: float = 60) -> bytes:
    pieces: list[bytes] = []
    fetcher.fetch(address, pieces.append, most_s)
    return b"".join(pieces)


def refusal(fetcher: Fetcher, address: str, most_s: float = 60) -> BadInput:
    with pytest.raises(BadInput) as caught:
        fetcher.fetch(address, lambda piece: None, most_s)
    return caught.value


@pytest.fixture
def all_hosts(internet: Internet) -> Fetcher:
    return internet.fetcher("*")


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


@pytest.mark.parametrize("status", [204, 206, 304, 401, 404, 500])
def test_any_other_answer_than_the_image_is_told_by_its_status_alone(internet, all_hosts, status):
    internet.pages["images.example.org/a.png"] = page(b"a secret of the server", status)
    said = refusal(all_hosts, "https://images.example.org/a.png")
    assert said.code is Code.FETCH_FAILED
    assert f"images.example.org answered with status {status}." in said.message
    assert "secret" not in said.message


def test_a_host_that_is_down_and_one_that_breaks_off_are_told_by_the_same_words(internet, all_hosts):
    internet.names["images.example.org"] = [DOWN]
    down = refusal(all_hosts, "https://images.example.org/a.png")
    internet.names["images.example.org"] = [PUBLIC]
    internet.pages["images.example.org/a.png"] = page(b"too little", Content_Length="1000")
    broken = refusal(all_hosts, "https://images.example.org/a.png")
    assert down.code is broken.code is Code.FETCH_FAILED
    assert down.message == broken.message


def test_a_packed_answer_is_refused(internet, all_hosts):
    internet.pages["images.example.org/a.png"] = page(gzip.compress(bytes(10**7)), Content_Encoding="gzip")
    assert refusal(all_hosts, "https://images.example.org/a.png").code is Code.FETCH_FAILED


def endless(visit: Visit) -> None:
    visit.send_response(200)
    visit.end_headers()
    while True:
        visit.wfile.write(bytes(64 * 1024))


@pytest.mark.parametrize("answer", [page(bytes(1001)), endless], ids=["as it says", "without an end"])
def test_no_more_bytes_are_taken_than_an_image_may_have(internet, answer):
    internet.pages["images.example.org/a.png"] = answer
    fetcher = internet.fetcher("*", limits=Limits(max_image_bytes=1000))
    said = refusal(fetcher, "https://images.example.org/a.png")
    assert isinstance(said, TooLarge)
    assert said.code is Code.IMAGE_TOO_LARGE
    assert "EVA01_MAX_IMAGE_BYTES" in said.message


def test_what_says_that_it_is_too_large_is_not_begun(internet):
    internet.pages["images.example.org/a.png"] = page(b"", Content_Length=str(10**12))
    fetcher = internet.fetcher("*", limits=Limits(max_image_bytes=1000))
    assert refusal(fetcher, "https://images.example.org/a.png").code is Code.IMAGE_TOO_LARGE


def dripping(until: threading.Event, head: bytes):
    """A server that sends a byte again and again, and is never done."""

    def drip(visit: Visit) -> None:
        visit.wfile.write(head)
        while not until.wait(0.02):
            visit.wfile.write(b"x")

    return drip


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Head: ", b"HTTP/1.1 ", b""],
    ids=["body", "headers", "status", "nonsense"],
)
def test_a_server_that_trickles_holds_nobody_beyond_its_time(internet, head):
    end = threading.Event()
    internet.pages["images.example.org/a.png"] = dripping(end, head)
    began = monotonic()
    said = refusal(internet.fetcher("*", fetch_s=0.3), "https://images.example.org/a.png")
    end.set()
    assert said.code in (Code.FETCH_TOO_SLOW, Code.FETCH_FAILED)
    # Without the deadline it would never end; the test's own limit is 120 s.
    assert monotonic() - began < 60


def test_a_server_that_says_nothing_holds_nobody_beyond_its_time(internet):
    end = threading.Event()
    internet.pages["images.example.org/a.png"] = lambda visit: end.wait(60)
    said = refusal(internet.fetcher("*"), "https://images.example.org/a.png", most_s=0.3)
    end.set()
    assert said.code is Code.FETCH_TOO_SLOW


def test_a_look_up_that_does_not_end_holds_nobody_beyond_its_time(internet):
    end = threading.Event()

    def resolve(host: str, port: int) -> list[str]:
        end.wait(60)
        return [PUBLIC]

    web = WebSettings(fetch_allow=("*",), fetch_s=0.3)
    fetcher = Fetcher(web, Limits(), resolve=resolve, way=internet, tls=internet.believed())
    said = refusal(fetcher, "https://images.example.org/a.png")
    end.set()
    assert (said.code, internet.sought) == (Code.NO_PUBLIC_ADDRESS, [])
