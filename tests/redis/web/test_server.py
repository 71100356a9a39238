"""The real server process: memory while uploading, loss of Redis and reconnection, settings, signals."""

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import SHUT_WR, create_connection, create_server

import httpx
import pytest

from tests import hostile
from tests.conftest import start_redis, stop
from tests.processes import Process, free_port, python, wait_until

pytestmark = pytest.mark.redis

MIB = 1024 * 1024
FORM = {"question": "What?", "model": "nano"}
PICTURE = {"file": ("a.png", hostile.encoded())}


@dataclass
class Server:
    """web in a process of its own."""

    process: Process
    http: httpx.Client


@contextmanager
def serving(redis_url: str, folder: Path) -> Iterator[Server]:
    port = free_port()
    env = {
        "REDIS_URL": redis_url,
        "EVA01_DATA": str(folder),
        "EVA01_PORT": str(port),
        "EVA01_MODELS": "nano",
        "EVA01_REDIS_TIMEOUT_S": "1",
    }
    process = Process.start("web", python("web"), env, folder)
    try:
        process.wait_until_ready(f"http://127.0.0.1:{port}/health")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            yield Server(process, http)
    finally:
        process.end()


@pytest.fixture(scope="module")
def server(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for tests that leave it as it is."""
    with serving(redis_url, tmp_path_factory.mktemp("web")) as server:
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
        (f'{JSON}Transfer-Encoding: chunked\r\n\r\nno\r\n{{"question"', "malformed_body"),
    ],
)
def test_a_body_that_breaks_off_is_called_so(server, sent, code):
    said = answer_to(server, sent)
    assert said.startswith("HTTP/1.1 400")
    assert f'"code": "{code}"' in said


def answer_to(server: Server, sent: str) -> str:
    """All that comes back for these bytes."""
    with create_connection(("127.0.0.1", server.http.base_url.port)) as connection:
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
