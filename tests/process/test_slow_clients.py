"""Clients that say nothing, trickle, stop or do not read: others are served, and they come to an end."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import psutil
import pytest
import redis

from tests.files import hostile
from tests.processes import answers_200, wait_until
from tests.servers.slow_clients import (
    DEADLINES,
    READERS,
    SENDERS,
    THREADS,
    Web,
    connect,
    ended,
    question,
    reader,
    rest_of,
    slow,
    wait_until_all_begin,
    web_beside,
    web_with,
)

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.timeout(300)]

#: Connections of each kind, many more than threads; for each reader web first makes what it reads.
COUNTS = dict.fromkeys(SENDERS, 150) | dict.fromkeys(READERS, 60)


@pytest.fixture(scope="module")
def patient(tmp_path_factory) -> Iterator[Web]:
    """Waits for everybody."""
    with web_with(tmp_path_factory.mktemp("web"), **dict.fromkeys(DEADLINES, "600")) as web:
        yield web


@pytest.fixture(scope="module")
def strict(patient) -> Iterator[Web]:
    """Waits for nobody, and has the same to read."""
    deadlines = dict.fromkeys(DEADLINES, "2")
    with web_beside(patient.process.log.parent, patient.redis_url, **deadlines) as web:
        web.paths.update(patient.paths)
        yield web


@pytest.mark.parametrize("kind", [*SENDERS, *READERS])
def test_others_are_served_while_many_are_slow(patient, kind):
    with slow(patient, kind, COUNTS[kind]) as held:
        if kind in READERS:
            wait_until_all_begin(held)
        assert patient.http.get("/health").json() == {"status": "ok"}
        assert patient.http.get("/ready").status_code == 200
        form = {"data": {"question": "?", "model": "nano"}, "files": {"file": ("a.png", hostile.encoded())}}
        assert patient.http.post("/api/jobs", **form).status_code == 202
        for path in patient.paths.values():
            assert patient.http.get(path).status_code == 200
        assert kind in READERS or ended(held) == 0
        assert patient.serving.num_threads() < THREADS + 40


@pytest.mark.parametrize("kind", [*SENDERS, *READERS])
def test_whoever_is_too_slow_is_ended_and_leaves_nothing_behind(strict, kind):
    with slow(strict, kind, COUNTS[kind]) as held:
        if kind in READERS:
            wait_until_all_begin(held)
        answers = [rest_of(one) for one in held] if kind not in READERS else []
        wait_until(lambda: not strict.held(), "all its connections and files are closed")
        if kind in READERS:
            assert all(len(rest_of(one)) < 500_000 for one in held)
    for answer in answers:
        # Who has asked nothing is told nothing; a reset may take the answer from who still sends.
        if answer:
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 408 ")
            assert json.loads(body)["code"] == "request_too_slow"
    assert any(answers) == (kind in SENDERS and kind != "nothing")


def test_a_reader_that_takes_its_time_gets_all_of_it(patient):
    whole = patient.http.get(patient.paths["image"]).content
    with reader(patient) as connection:
        asked = f"GET {patient.paths['image']} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        connection.sendall(asked.encode())
        # Long enough for what is left to be put aside.
        threading.Event().wait(2.5)
        assert rest_of(connection).endswith(whole)


def test_many_that_wait_for_an_answer_hold_no_thread(patient):
    waiting = 10 * THREADS
    client = redis.Redis.from_url(patient.redis_url, decode_responses=True)
    client.delete(*client.scan_iter("eva01:job:*"))
    with ExitStack() as stack, client:
        asked = [stack.enter_context(connect(patient)) for _ in range(waiting)]
        for one in asked:
            one.sendall(question())
        wait_until(lambda: len([*client.scan_iter("eva01:job:*")]) == waiting, "all of them are asked")
        assert patient.http.get("/api/limits").status_code == 200
        wait_until(
            lambda: "eva01_requests_in_flight 1.0" in patient.http.get("/metrics").text, "only this one works"
        )
        assert ended(asked) == 0
        for key in client.scan_iter("eva01:job:*"):
            patient.http.delete(key.replace("eva01:job:", "/api/jobs/")).raise_for_status()
        for one in asked:
            said = rest_of(one)
            assert said.startswith(b"HTTP/1.1 200 ")
            assert b'"state":"cancelled"' in said


def test_a_redis_that_goes_away_while_somebody_waits_is_said(tmp_path):
    with web_with(tmp_path) as web, connect(web) as connection:
        connection.sendall(question())
        wait_until(lambda: web.http.get("/api/status").json()["models"][0]["interactive"] == 1, "it is asked")
        with redis.Redis.from_url(web.redis_url) as client, suppress(redis.ConnectionError):
            client.shutdown(nosave=True)
        said = rest_of(connection)
        assert said.startswith(b"HTTP/1.1 503 ")
        assert b'"redis_unavailable"' in said


def test_one_connection_too_many_is_told_so(tmp_path):
    with web_with(tmp_path, EVA01_MAX_CONNECTIONS="5") as web, ExitStack() as stack:
        web.http.close()
        for _ in range(5):
            stack.enter_context(connect(web)).sendall(b"GET /hea")
        with connect(web) as connection:
            connection.sendall(b"GET /api/limits HTTP/1.1\r\nHost: localhost\r\n\r\n")
            said = rest_of(connection)
        assert said.startswith(b"HTTP/1.1 503 ")
        assert b'"too_many_connections"' in said
        assert b"\r\nRetry-After: " in said
        stack.close()
        wait_until(lambda: answers_200(f"{web.http.base_url}/health"), "there is room again")


def test_more_connections_than_the_system_allows_are_not_promised(tmp_path):
    with web_with(tmp_path, EVA01_MAX_CONNECTIONS=str(10**9)) as web:
        assert "EVA01_MAX_CONNECTIONS=1000000000 needs" in web.process.output()
        soft, hard = web.serving.rlimit(psutil.RLIMIT_NOFILE)
        assert soft == hard
