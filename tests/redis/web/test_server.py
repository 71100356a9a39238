"""The real server process: memory while uploading, loss of Redis and reconnection, settings, signals."""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from socket import SHUT_WR, create_connection, create_server, socket

import psutil
import pytest

from eva01.client.client import Client
from eva01.client.errors import ClientError
from jobs import flow
from jobs.contract import names
from jobs.contract.access.owners import LOCAL
from jobs.contract.access.shares import new_share
from jobs.contract.models import Batch, utc_now
from jobs.contract.settings import Settings
from jobs.storage.connection.client import connect
from jobs.storage.stores import Stores
from tests.conftest import start_redis, stop
from tests.files import hostile
from tests.processes import accepts_connections, free_port, python, wait_until
from tests.servers import web_process
from tests.servers.web_process import Server

pytestmark = pytest.mark.redis

MIB = 1024 * 1024
FORM = {"question": "What?", "model": "nano"}
ADMIN_KEY = "k" * 32
PICTURE = {"file": ("a.png", hostile.encoded())}


#: Some tests take Redis away.
serving = partial(web_process.serving, ready="/health")


@pytest.fixture(scope="module", autouse=True)
def empty_redis(redis_url: str) -> None:
    """Keys of other files' tests would be asked for."""
    with connect(redis_url) as client:
        client.flushall()


@pytest.fixture(scope="module")
def server(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for tests that leave it as it is."""
    with serving(redis_url, tmp_path_factory.mktemp("web")) as server:
        yield server


@pytest.fixture(scope="module")
def keyed(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that others than this machine reach, so that everybody needs a key."""
    env = {"EVA01_HOST": "0.0.0.0", "EVA01_ADMIN_KEY": ADMIN_KEY}
    with serving(redis_url, tmp_path_factory.mktemp("keyed"), **env) as server:
        yield server


def big_form(size_bytes: int) -> Iterator[bytes]:
    """A form of large files that begin like images, as chunks."""
    chunk = secrets.token_bytes(MIB)
    for n in range(size_bytes // (30 * MIB)):
        yield f'--b\r\nContent-Disposition: form-data; name="files"; filename="{n}.png"\r\n\r\n'.encode()
        yield hostile.encoded()
        for _ in range(30):
            yield chunk
        yield b"\r\n"
    yield b"--b--\r\n"


def test_three_hundred_megabytes_pass_through_without_filling_the_memory(redis_url, redis_client, tmp_path):
    with serving(redis_url, tmp_path) as server:
        batch = server.http.post("/api/batches", json=FORM).headers["Location"]
        server.http.post(f"{batch}/files", files={"files": ("first.png", hostile.encoded())})
        before, highest = server.process.rss_bytes(), [0]

        def watched() -> Iterator[bytes]:
            for n, piece in enumerate(big_form(300 * MIB)):
                if n % 8 == 0:
                    highest[0] = max(highest[0], server.process.rss_bytes())
                yield piece

        sent = server.http.post(
            f"{batch}/files",
            content=watched(),
            headers={"Content-Type": "multipart/form-data; boundary=b"},
        )
        after = max(highest[0], server.process.rss_bytes())
        assert [one["state"] for one in sent.json()["files"]] == ["accepted"] * 10
        assert after - before < 60 * MIB
        assert list((tmp_path / "tmp").iterdir()) == []


def test_redis_lost_is_503_and_found_again_is_well(tmp_path):
    port = free_port()
    redis = start_redis(port, tmp_path)
    with serving(f"redis://127.0.0.1:{port}/0", tmp_path) as server:
        http = server.http
        assert http.post("/api/jobs", data=FORM, files=PICTURE).status_code == 202
        stop(redis)
        for _ in range(2):
            for away in (
                http.post("/api/jobs", data=FORM, files=PICTURE),
                http.post("/api/jobs", data=FORM, files={"file": ("large.png", bytes(200_000))}),
                http.post("/api/batches", json=FORM, headers={"Idempotency-Key": "k"}),
                http.get("/api/status"),
                http.get("/api/models"),
                http.get("/ready"),
                http.get(f"/api/jobs/{'0' * 32}"),
            ):
                assert (away.status_code, away.json()["code"]) == (503, "redis_unavailable")
                assert away.headers["Retry-After"] == "2"
        assert http.get("/health").status_code == 200
        metrics = http.get("/metrics")
        assert metrics.status_code == 200
        assert "eva01_queue_jobs{" not in metrics.text
        redis = start_redis(port, tmp_path)
        try:
            assert http.post("/api/jobs", data=FORM, files=PICTURE).status_code == 202
            assert http.get("/api/status").json()["models"][0]["interactive"] == 1
        finally:
            stop(redis)


def test_a_server_told_to_stop_lets_go_of_who_waits_and_ends_well(redis_url, redis_client, tmp_path):
    with serving(redis_url, tmp_path) as server:
        address = f"{server.http.base_url}/analyze"
        program = (
            "import httpx, sys; f = {'file': open(sys.argv[2], 'rb')}; d = {'question': 'q', 'wait': '55'};"
        )
        program += " print(httpx.post(sys.argv[1], data=d, files=f, timeout=60).status_code)"
        image = tmp_path / "a.png"
        image.write_bytes(hostile.encoded())
        command = [sys.executable, "-c", program, address, str(image)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as waiting:
            wait_until(lambda: list(redis_client.scan_iter("eva01:job:*")), "the question has come")
            server.process.send(signal.SIGTERM)
            assert server.process.wait() == 0
            out, _ = waiting.communicate()
        assert out.strip() == "202"


def test_a_server_told_to_stop_takes_in_what_is_under_way(redis_url, redis_client, tmp_path):
    sent = f"{HEAD}Content-Type: multipart/form-data; boundary=b\r\nExpect: 100-continue\r\n"
    with serving(redis_url, tmp_path) as server, connection_to(server) as connection:
        body = form_of_one()
        connection.sendall(f"{sent}Content-Length: {len(body)}\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body[:100])
        server.process.send(signal.SIGTERM)
        port = server.http.base_url.port or 0
        wait_until(lambda: not accepts_connections(port), "nobody else is let in")
        connection.sendall(body[100:])
        with connection.makefile("rb") as response:
            assert response.read().startswith(b"HTTP/1.1 202 ")
        assert server.process.wait() == 0


def test_the_process_that_serves_is_started_again_when_it_dies(redis_url, redis_client, tmp_path):
    with serving(redis_url, tmp_path) as server:
        (child,) = psutil.Process(server.process.popen.pid).children()
        child.kill()
        child.wait(30)
        server.process.wait_until_ready(f"{server.http.base_url}/ready")


def test_a_link_that_redis_has_forgotten_was_revoked_opens_nothing_from_the_first_request_on(
    redis_url, redis_client, tmp_path
):
    stores = Stores.connect(Settings(redis_url=redis_url, data=tmp_path))
    batch = flow.open_batch(stores, Batch(model="nano"))
    new = new_share(batch.id, LOCAL, utc_now() + timedelta(days=1))
    stores.shares.add(new.share, most=1)
    stores.restart_watch().note()
    as_it_was = redis_client.hget(names.share_key(new.share.digest), "record")
    stores.shares.revoke(batch.id, new.share.id)
    # As a Redis has it that was started anew from an older disk.
    redis_client.hset(names.share_key(new.share.digest), "record", as_it_was)
    redis_client.hset(names.SEEN, "run_id", "of another")
    with serving(redis_url, tmp_path, EVA01_HOUSEKEEPING_S="3600") as server:
        over = server.http.get(f"/api/shared/{new.token}/results")
        assert (over.status_code, over.json()["code"]) == (410, "share_expired")


def test_a_setting_that_cannot_be_used_ends_it_with_one_line(tmp_path):
    ended = start_in_vain({"EVA01_DATA": str(tmp_path), "EVA01_WEB_THREADS": "many"})
    assert ended.returncode == 2
    assert "EVA01_WEB_THREADS='many'" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_port_that_is_taken_ends_it_with_one_line(tmp_path):
    with create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = start_in_vain({"EVA01_DATA": str(tmp_path), "EVA01_PORT": port})
    assert ended.returncode == 2
    assert f"EVA01_PORT={port}" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_where_others_reach_it_there_is_a_key_or_it_does_not_start(tmp_path):
    ended = start_in_vain({"EVA01_DATA": str(tmp_path), "EVA01_HOST": "0.0.0.0", "EVA01_PORT": "0"})
    assert ended.returncode == 2
    *logged, said = ended.stderr.splitlines()
    assert said.startswith("EVA01_HOST='0.0.0.0': others than this machine reach it, and there is no key.")
    assert "eva01 keys add" in said
    assert all(" INFO " in line for line in logged)


def start_in_vain(env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        python("web"), env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=False
    )


HEAD = "POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
MULTIPART = f"{HEAD}Content-Type: multipart/form-data; boundary=b\r\n"
JSON = f"{HEAD}Content-Type: application/json\r\n".replace("jobs", "batches")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (f"{MULTIPART}Content-Length: 1000\r\n\r\n--b\r\nContent-Dis", "malformed_form"),
        (f"{MULTIPART}Content-Length: 0\r\n\r\n", "malformed_form"),
        (f"{MULTIPART}Transfer-Encoding: chunked\r\n\r\n5\r\n--b\r\n", "malformed_form"),
        (f"{MULTIPART}Transfer-Encoding: chunked\r\n\r\n5\r\n--b\r\n\r\n0\r\n\r\n", "malformed_form"),
        (f"{MULTIPART}Transfer-Encoding: chunked\r\n\r\nno\r\n", "malformed_form"),
        (f'{JSON}Content-Length: 1000\r\n\r\n{{"question"', "malformed_body"),
        (f'{JSON}Content-Length: 1000\r\n\r\n{{"question": "What?", "model": "nano"}}', "malformed_body"),
        (f"{JSON}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}  \r\n0\r\n\r\n", "malformed_body"),
        (f'{JSON}Transfer-Encoding: chunked\r\n\r\nno\r\n{{"question"', "malformed_body"),
    ],
)
def test_a_body_that_breaks_off_is_called_so(server, sent, code):
    said = answer_to(server, sent)
    assert said.startswith("HTTP/1.1 400")
    assert f'"code": "{code}"' in said


def connection_to(server: Server) -> socket:
    return create_connection(("127.0.0.1", server.http.base_url.port))


def form_of_one() -> bytes:
    """A form with a question about one picture, whose boundary is `b`."""
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in FORM.items()
    ]
    file = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    return "".join([*parts, file]).encode() + hostile.encoded() + b"\r\n--b--\r\n"


def answer_to(server: Server, sent: str) -> str:
    """All that comes back for these bytes."""
    with connection_to(server) as connection:
        connection.sendall(sent.encode("latin-1"))
        connection.shutdown(SHUT_WR)
        with connection.makefile("rb") as response:
            return response.read().decode()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (f"GET /api/batches?search={'x' * 4100} HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: x\r\nX-One: a\x7fb\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400),
        ("GET / HTTP/9\r\nHost: x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\n" + "X-One: a\r\n" * 101 + "\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: x\r\n" + f"X-One: {'a' * 1000}\r\n" * 40 + "\r\n", 431),
        (f"GET /{'x' * 40_000} HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: zip\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: wonders\r\n\r\nabc", 417),
    ],
)
def test_what_never_reaches_the_app_is_answered_as_a_problem_too(server, sent, status):
    head, _, body = answer_to(server, sent).partition("\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert "Content-Type: application/problem+json" in head
    assert f"Content-Length: {len(body.encode())}\r\n" in f"{head}\r\n"
    said = json.loads(body)
    assert (said["status"], said["code"]) == (status, f"http_{status}")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (f"GET /v1/files?after={'x' * 4100} HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (f"GET /v1/{'x' * 40_000} HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        ("GET /v1/models HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400),
        ("GET /v1/models HTTP/1.1\r\nHost: x\r\n" + f"X-One: {'a' * 1000}\r\n" * 40 + "\r\n", 431),
    ],
)
def test_under_v1_it_is_answered_in_openais_envelope(server, sent, status):
    head, _, body = answer_to(server, sent).partition("\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert "Content-Type: application/json" in head
    assert f"Content-Length: {len(body.encode())}\r\n" in f"{head}\r\n"
    assert json.loads(body)["error"]["code"] == f"http_{status}"


def test_requests_on_one_connection_are_answered_in_their_order(server):
    body = '{"question": "What?", "model": "nano"}'
    new = "POST /api/batches HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    chunks = f"{len(body):x};a=b\r\n{body}\r\n0\r\nX-Trailer: a\r\n\r\n"
    sent = f"{new}Transfer-Encoding: chunked\r\n\r\n{chunks}"
    sent += f"{new}Content-Length: {len(body)}\r\n\r\n{body}"
    sent += "HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    sent += "GET /api/limits HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    said = answer_to(server, sent)
    assert re.findall("^HTTP/1.1 (\\d+) ", said, re.MULTILINE) == ["201", "201", "200", "200"]
    assert said.endswith("}\n")


@pytest.mark.parametrize("head", [MULTIPART, JSON])
def test_a_body_that_is_too_large_is_refused_before_all_of_it_is_sent(
    redis_url, redis_client, tmp_path, head
):
    with serving(redis_url, tmp_path, EVA01_MAX_REQUEST_BYTES="1000") as server:
        asked = f"{head}Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n"
        assert answer_to(server, asked).startswith("HTTP/1.1 413 ")
        begun = form_of_one()[:300].decode("latin-1") + "x" * 1000
        sent = f"{head}Transfer-Encoding: chunked\r\n\r\n{len(begun):x}\r\n{begun}\r\n"
        assert answer_to(server, sent).startswith("HTTP/1.1 413 ")


def test_a_body_for_which_the_disk_has_no_room_is_refused(redis_url, redis_client, tmp_path):
    with serving(redis_url, tmp_path, EVA01_MIN_FREE_BYTES=str(10**18)) as server:
        sent = server.http.post(
            "/api/jobs", data=FORM, files={"file": ("a.png", secrets.token_bytes(100_000))}
        )
        assert (sent.status_code, sent.json()["code"]) == (507, "no_room")


KEY = f"Authorization: Bearer {ADMIN_KEY}\r\n"
LARGE = ("Content-Length: 1000000000\r\n", "Transfer-Encoding: chunked\r\n")


@pytest.mark.parametrize("size", LARGE)
@pytest.mark.parametrize(
    ("head", "refused"),
    [
        (MULTIPART, (401, "not_signed_in")),
        (f"{MULTIPART}{KEY.replace('k', 'x')}", (401, "unknown_key")),
        (f"{MULTIPART}{KEY}".replace("api/jobs", f"api/batches/{'0' * 32}/files"), (404, "batch_not_found")),
        (f"{MULTIPART}{KEY}".replace("api/jobs", "nowhere"), (404, "no_such_page")),
        (f"{MULTIPART}{KEY}Sec-Fetch-Site: cross-site\r\n", (403, "foreign_origin")),
        (f"{MULTIPART}{KEY}Origin: http://evil.example\r\n", (403, "foreign_origin")),
        (f"{MULTIPART}{KEY}Eva01-For: somebody else\r\n", (409, "other_caller")),
        (f"{MULTIPART}{KEY}".replace("localhost", "evil.example"), (421, "unknown_host")),
    ],
)
def test_nothing_of_a_body_is_taken_from_who_may_not_send_it(keyed, head, refused, size):
    with connection_to(keyed) as connection:
        connection.sendall(f"{head}{size}Expect: 100-continue\r\n\r\n".encode())
        with connection.makefile("rb") as response:
            said = response.read().decode()
    status, code = refused
    assert said.startswith(f"HTTP/1.1 {status} ")
    assert f'"code": "{code}"' in said


@pytest.mark.parametrize("size", LARGE)
@pytest.mark.parametrize(
    "call",
    [
        *("POST /sign-in", "POST /preferences", "POST /sign-out", "GET /health", "GET /static/css/base.css"),
        *(
            f"GET /shared/{'a' * 43}",
            f"GET /api/shared/{'a' * 43}/results",
            f"GET /api/batches HTTP/1.1\r\n{KEY}",
        ),
    ],
)
def test_nothing_of_a_large_body_is_taken_where_none_is_needed(keyed, call, size):
    call, _, more = call.partition(" HTTP/1.1\r\n")
    head = f"{MULTIPART}{more}{size}".replace("POST /api/jobs", call)
    with connection_to(keyed) as connection:
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        with connection.makefile("rb") as response:
            said = response.read().decode()
    assert not said.startswith("HTTP/1.1 100 ")
    assert re.search("^connection: close", said, re.MULTILINE | re.IGNORECASE)


@pytest.mark.parametrize("size", LARGE)
def test_a_body_is_taken_from_who_has_a_key(keyed, size):
    with connection_to(keyed) as connection:
        connection.sendall(f"{MULTIPART}{KEY}{size}Expect: 100-continue\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")


def test_the_client_hears_why_a_large_body_is_not_taken(keyed, tmp_path):
    image = tmp_path / "a.png"
    image.write_bytes(hostile.encoded() + bytes(20 * MIB))
    for key, code in (("", "not_signed_in"), ("x" * 32, "unknown_key")):
        with Client(str(keyed.http.base_url), key=key) as client, pytest.raises(ClientError) as refused:
            client.analyze(image, "What?", model="nano")
        assert refused.value.code == code
    with Client(str(keyed.http.base_url), key=ADMIN_KEY) as client:
        assert client.create_batch("What?", model="nano").id
