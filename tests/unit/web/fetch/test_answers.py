"""What servers answer, and how slowly: what is taken of it, and when it ends."""

import gzip
import logging
import socket
import ssl
import threading
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from time import monotonic

import pytest

from jobs.contract.codes import Code
from jobs.contract.errors import TooLarge
from jobs.contract.settings import Limits, WebSettings
from tests.servers.fetches import fetched, page, refusal, says
from tests.servers.internet import DOWN, PUBLIC, Visit
from tests.servers.serving import Serving
from web.fetch.fetcher import Fetcher


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
    until_s = monotonic() + 0.3
    said = refusal(internet.fetcher("*"), "https://images.example.org/a.png", lambda: until_s - monotonic())
    end.set()
    assert said.code is Code.FETCH_TOO_SLOW


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x03\x00\x7a"], ids=["nothing", "the first bytes"])
def test_a_server_that_never_ends_its_handshake_holds_nobody_beyond_its_time(internet, said):
    end = threading.Event()

    class Trickling(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.request.sendall(said)
                while not end.wait(0.02):
                    self.request.sendall(said[:1])

    server = ThreadingTCPServer(("127.0.0.1", 0), Trickling)
    with Serving(server):
        internet.places[PUBLIC, 443] = server.server_address[1]
        told = refusal(internet.fetcher("*", fetch_s=0.1), "https://images.example.org/a.png")
        end.set()
    assert told.code in (Code.FETCH_TOO_SLOW, Code.FETCH_FAILED)


def test_a_look_up_that_does_not_end_is_too_slow_as_a_host_is(internet):
    internet.silent.add("images.example.org")
    said = refusal(internet.fetcher("*", fetch_s=0.1), "https://images.example.org/a.png")
    assert (said.code, internet.sought) == (Code.FETCH_TOO_SLOW, [])
    slow = refusal(internet.fetcher("*"), "https://images.example.org/a.png", lambda: 0.1)
    assert slow.message == said.message


def test_a_packed_answer_that_says_besides_that_it_is_none_is_refused(internet, all_hosts):
    said = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Encoding: identity"
    internet.pages["images.example.org/a.png"] = says(said)
    assert "packed" in refusal(all_hosts, "https://images.example.org/a.png").message


def test_headers_without_end_are_refused(internet, all_hosts):
    internet.pages["images.example.org/a.png"] = says(b"HTTP/1.1 200 OK\r\nX-Head: " + b"x" * 10**6)
    assert refusal(all_hosts, "https://images.example.org/a.png").code is Code.FETCH_FAILED


def test_nonsense_of_a_server_fills_no_log(internet, all_hosts, caplog):
    internet.pages["images.example.org/a.png"] = says(b"HTTP/1.1 200 OK\r\n" + b"nonsense " * 9000)
    with caplog.at_level(logging.INFO, "web.fetch.fetcher"):
        refusal(all_hosts, "https://images.example.org/a.png")
    assert caplog.messages
    assert max(map(len, caplog.messages)) < 500


@pytest.mark.parametrize(
    "lie",
    [
        *("Content-Length: -5", "Content-Length: 5, 6", "Content-Length: ٥", "Content-Length: 99"),
        *("Transfer-Encoding: gzip", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked, identity"),
    ],
)
def test_an_answer_that_lies_about_its_length_is_refused(internet, all_hosts, lie):
    internet.pages["images.example.org/a.png"] = says(f"HTTP/1.1 200 OK\r\n{lie}".encode(), b"image")
    assert refusal(all_hosts, "https://images.example.org/a.png").code is Code.FETCH_FAILED


def test_what_stands_behind_an_image_of_a_stated_length_is_no_part_of_it(internet, all_hosts):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5"
    internet.pages["images.example.org/a.png"] = says(head, b"imageHTTP/1.1 200 OK\r\n\r\nmore")
    assert fetched(all_hosts, "https://images.example.org/a.png") == b"image"


def test_an_image_without_a_length_ends_where_its_server_says_so_and_not_where_the_line_is_cut(
    internet, all_hosts
):
    def end(visit: Visit) -> None:
        says(b"HTTP/1.1 200 OK", b"image")(visit)
        with suppress(OSError):
            visit.connection.unwrap()

    internet.pages["images.example.org/whole"] = end
    internet.pages["images.example.org/cut"] = says(b"HTTP/1.1 200 OK", b"ima")
    assert fetched(all_hosts, "https://images.example.org/whole") == b"image"
    assert refusal(all_hosts, "https://images.example.org/cut").code is Code.FETCH_FAILED


def test_another_protocol_that_is_offered_instead_is_refused(internet, all_hosts):
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade"
    internet.pages["images.example.org/a.png"] = says(head, b"image")
    assert refusal(all_hosts, "https://images.example.org/a.png").code is Code.FETCH_FAILED


def test_a_look_up_that_the_system_gives_up_for_now_is_too_slow_and_one_that_finds_nobody_is_not(internet):
    said = []
    for reason in (socket.EAI_AGAIN, socket.EAI_NONAME):

        def resolve(host: str, port: int, reason: int = reason) -> list[str]:
            raise socket.gaierror(reason, "as the system says it")

        fetcher = Fetcher(WebSettings(fetch_allow=("*",)), Limits(), resolve=resolve, way=internet)
        said.append(refusal(fetcher, "https://images.example.org/a.png").code)
    assert said == [Code.FETCH_TOO_SLOW, Code.NO_PUBLIC_ADDRESS]


def test_a_server_cannot_ask_for_one_handshake_after_the_other(internet):
    tls = internet.believed()
    fetcher = Fetcher(
        WebSettings(fetch_allow=("*",)), Limits(), resolve=internet.resolve, way=internet, tls=tls
    )
    internet.pages["images.example.org/a.png"] = page()
    fetched(fetcher, "https://images.example.org/a.png")
    assert tls.options & ssl.OP_NO_RENEGOTIATION
