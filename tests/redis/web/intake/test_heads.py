"""What the head of a request says, as the real server reads it: behind a proxy, and in odd forms."""

import re
from collections.abc import Iterator

import pytest

from tests.redis.web.test_server import ADMIN_KEY, KEY, LARGE, MULTIPART, answer_to, connection_to
from tests.servers import web_process
from tests.servers.web_process import Server

pytestmark = pytest.mark.redis

FORWARDED = "X-Forwarded-Proto: https\r\nX-Forwarded-Host: photos.example\r\nX-Forwarded-For: 203.0.113.7\r\n"
#: How a browser's request looks that a proxy passes on.
BEHIND = MULTIPART.replace("localhost", "photos.example") + FORWARDED


@pytest.fixture(scope="module")
def behind(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One behind a proxy that brings TLS."""
    env = {"EVA01_PROXIES": "1", "EVA01_HOSTS": "photos.example", "EVA01_ADMIN_KEY": ADMIN_KEY}
    with web_process.serving(redis_url, tmp_path_factory.mktemp("behind"), **env) as server:
        yield server


def begun(server: Server, head: str) -> str:
    """What is answered to a head whose sender waits with the body: all of it, or that the body may come."""
    with connection_to(server) as connection:
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        with connection.makefile("rb") as response:
            first = response.readline().decode()
            return first if first.startswith("HTTP/1.1 100") else first + response.read().decode()


@pytest.mark.parametrize("size", LARGE)
def test_a_large_body_is_taken_from_who_is_signed_in_by_tls(behind, size):
    form = f"key={ADMIN_KEY}"
    head = BEHIND.replace("POST /api/jobs", "POST /sign-in").replace(
        "multipart/form-data; boundary=b", "application/x-www-form-urlencoded"
    )
    said = answer_to(behind, f"{head}Content-Length: {len(form)}\r\n\r\n{form}")
    (cookie,) = re.findall("^Set-Cookie: (__Host-eva01_session=[^;]+);", said, re.MULTILINE)
    own = f"{BEHIND}Cookie: {cookie}\r\nOrigin: https://photos.example\r\nSec-Fetch-Site: same-origin\r\n"
    assert begun(behind, own + size).startswith("HTTP/1.1 100 ")
    for origin in ("http://photos.example", "https://evil.example"):
        refused = begun(behind, own.replace("https://photos.example", origin) + size)
        assert '"code": "foreign_origin"' in refused


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host"])
def test_nothing_of_a_body_is_taken_that_was_sent_to_another_name(behind, header):
    head = BEHIND.replace(f"\n{header}: photos.example", f"\n{header}: evil.example")
    assert head != BEHIND
    assert '"code": "unknown_host"' in begun(behind, f"{head}{KEY}{LARGE[0]}")


def test_who_tries_a_key_with_a_large_body_is_known_by_their_own_address(behind):
    wrong = KEY.replace("k", "x")
    for address in ("203.0.113.7", '"198.51.100.1, 203.0.113.7'):
        head = BEHIND.replace("203.0.113.7", address)
        assert '"code": "unknown_key"' in begun(behind, f"{head}{wrong}{LARGE[0]}")
    events = behind.http.get("/api/audit", headers={"Authorization": f"Bearer {ADMIN_KEY}"}).json()["events"]
    tried = [event["address"] for event in events if event["code"] == "unknown_key"]
    assert tried == ["203.0.113.7", "203.0.113.7"]


@pytest.mark.parametrize(
    ("line", "headers", "status"),
    [
        ("GET /api/limits", "", 200),
        ("GET http://localhost/api/limits", "", 200),
        ("GET http://evil.example/api/limits", "", 421),
        ("GET http://localhost@evil.example/api/limits", "", 421),
        ("GET http://evil.example/health", "", 421),
        ("GET /health", "Host: evil.example", 421),
        ("HEAD /health?x=1", "Host: evil.example", 421),
        ("GET //health", "Host: evil.example", 421),
        ("GET /health", "Host: localhost@evil.example", 421),
        ("GET /health", "Host: localhost\r\nHost: evil.example", 400),
        ("GET //api/limits", "", 200),
        ("GET /api//limits", "", 308),
        ("GET /api/limits;x", "", 404),
        ("GET /api/%2e%2e/api/limits", "", 404),
        ("GET /static/..%2f..%2fapp.py", "", 404),
        ("GET /static/%2e%2e/app.py", "", 404),
        ("OPTIONS *", "", 404),
        ("TRACE /api/limits", "", 405),
        ("CONNECT localhost:80", "", 404),
        ("GET /api/limits", "X-HTTP-Method-Override: DELETE", 200),
        ("GET /api/nothing", "X-Original-URL: /api/limits\r\nX-Rewrite-URL: /api/limits", 404),
        ("GET /api/limits", "SCRIPT_NAME: /api\r\nPATH_INFO: /x", 200),
        ("POST /api/batches", "Transfer-Encoding: chunked\r\nContent-Length: 5", 400),
        ("POST /api/batches", "Transfer-Encoding : chunked", 400),
        ("POST /api/batches", "Transfer-Encoding: identity", 400),
        ("POST /api/batches", "Transfer-Encoding: chunked, chunked", 400),
        ("POST /api/batches", "Content-Length: 5\r\nContent-Length: 5", 400),
        ("POST /api/batches", "Content-Length: +5", 400),
    ],
)
def test_a_head_in_an_odd_form_is_what_it_says_or_is_refused(behind, line, headers, status):
    host = "" if headers.startswith("Host:") else "Host: localhost\r\n"
    end = f"{headers}\r\n" if headers else ""
    said = answer_to(behind, f"{line} HTTP/1.1\r\n{host}{KEY}Connection: close\r\n{end}\r\n")
    assert said.startswith(f"HTTP/1.1 {status} ")
    assert said.count("HTTP/1.1 ") == 1
