"""A network that drops packets instead of refusing: each client of Redis gives up in time, and goes on later.

No test says how long that takes: only that it ends, with the error that names it.
"""

import json
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import redis
from click.testing import CliRunner

from eva01.cli.errors import CommandError
from eva01.launcher import redis_server
from eva01.launcher.commands.restore import restore
from jobs.contract import names
from jobs.contract.models import JobState
from jobs.storage.connection.address import Address
from jobs.storage.connection.client import connect, sentinel_options
from tests import plain
from tests.chaos.proxy import Proxy, deaf_port
from tests.files.drawing import Scene
from tests.processes import wait_until
from tests.servers.web_process import serving
from tests.stubs.processes import ANSWERS, MODEL, QUESTIONS, Running, WorkerProcesses
from worker.broker.celery_app import create_celery
from worker.broker.in_hand import InHand
from worker.ops.trouble import Trouble

pytestmark = [pytest.mark.redis, pytest.mark.process]

PNG = Scene("white", (("red", "circle"),)).encode()
#: The limit of the clients here; and of processes, which have to be answered within it.
TIMEOUT_S, TIMEOUT_OF_PROCESSES_S = 0.3, 1.0


@pytest.fixture
def proxy(workers: WorkerProcesses) -> Iterator[Proxy]:
    """The way to the workers' Redis."""
    made = Proxy(workers.port)
    yield made
    made.end()


def through(port: int) -> str:
    return f"redis://127.0.0.1:{port}/0"


# What all parts have in common

CALLS: dict[str, Callable[[Any], Any]] = {
    "a command": lambda client: client.get("a"),
    "a script": lambda client: client.register_script("return 1")(),
    "a pipeline": lambda client: client.pipeline().get("a").get("b").execute(),
}


def wait_until_answered(call: Callable[[Any], Any], client: Any) -> None:
    """Call until there is an answer: a busy machine may need longer for one than the limit allows."""

    def is_answered() -> bool:
        try:
            call(client)
        except redis.TimeoutError:
            return False
        return True

    wait_until(is_answered, "there is an answer")


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_is_asked_on_a_connection_that_is_there_ends_and_the_next_is_answered(proxy, call):
    with connect(through(proxy.port), TIMEOUT_S) as client:
        wait_until_answered(call, client)
        proxy.swallow()
        with pytest.raises(redis.TimeoutError, match="Timeout reading"):
            call(client)
        proxy.let_through()
        wait_until_answered(call, client)


def test_what_connects_to_a_server_that_says_nothing_ends(proxy):
    proxy.swallow()
    with connect(through(proxy.port), TIMEOUT_S) as client:
        with pytest.raises(redis.TimeoutError, match="Timeout reading"):
            client.get("a")
        proxy.let_through()
        wait_until_answered(CALLS["a command"], client)


def test_what_is_not_even_let_connect_ends():
    given_up = pytest.raises(redis.TimeoutError, match="Timeout connecting")
    with deaf_port() as port, connect(through(port), TIMEOUT_S) as client, given_up:
        client.get("a")


def test_a_sentinel_that_says_nothing_is_no_master(proxy):
    proxy.swallow()
    url = f"redis+sentinel://127.0.0.1:{proxy.port}/mymaster/0"
    assert sentinel_options(Address.parse(url), TIMEOUT_S)["socket_connect_timeout"] == TIMEOUT_S
    with connect(url, TIMEOUT_S) as client, pytest.raises(redis.ConnectionError, match="No master found"):
        client.get("a")


@pytest.mark.parametrize(
    "scheme", ["redis://127.0.0.1:1/0", "rediss://127.0.0.1:1/0", "redis+sentinel://127.0.0.1:1/m/0"]
)
def test_no_wait_of_a_workers_broker_is_without_a_limit(workers, scheme):
    settings = workers.settings.model_copy(update={"redis_url": scheme, "redis_timeout_s": TIMEOUT_S})
    options = create_celery(
        settings, MODEL, Trouble(), cast(Any, None), InHand()
    ).conf.broker_transport_options
    limits = ("socket_timeout", "socket_connect_timeout", "health_check_interval")
    assert {options[limit] for limit in limits} == {TIMEOUT_S}


# Commands


@pytest.mark.parametrize("is_deaf", [False, True])
def test_a_command_says_that_redis_does_not_answer_and_ends(proxy, tmp_path, monkeypatch, is_deaf):
    proxy.swallow()
    monkeypatch.setenv("EVA01_DATA", str(tmp_path))
    monkeypatch.setenv("EVA01_REDIS_TIMEOUT_S", str(TIMEOUT_S))
    with deaf_port() as deaf:
        url = through(deaf if is_deaf else proxy.port)
        monkeypatch.setenv("REDIS_URL", url)
        error = CliRunner().invoke(restore, []).exception
        with pytest.raises(CommandError, match="no answer"):
            redis_server.check(url, TIMEOUT_S)
    assert isinstance(error, CommandError)
    assert url in str(error) and "no answer (Timeout" in str(error), error


# Web and what it does by itself


def test_web_says_that_redis_does_not_answer_and_then_goes_on_and_keeps_house(workers, proxy, tmp_path: Path):
    lost = workers.enqueue(QUESTIONS[0])
    limits = {"EVA01_HOUSEKEEPING_S": "0.3", "EVA01_MODELS": MODEL}
    limits["EVA01_REDIS_TIMEOUT_S"] = str(TIMEOUT_OF_PROCESSES_S)
    with serving(through(proxy.port), tmp_path, EVA01_BLOBS=workers.settings.blobs, **limits) as web:
        ask = partial(
            web.http.post,
            "/api/jobs",
            files={"file": ("a.png", PNG)},
            data={"question": "What?", "model": MODEL},
        )
        before = ask()
        proxy.swallow()
        assert workers.client.delete(names.interactive_queue(MODEL)), "the tickets are lost"
        for response in (web.http.get("/ready"), ask(), web.http.get("/api/status")):
            assert response.status_code in (200, 503), response.text
            assert "Redis does not answer" in response.text
        assert web.http.get("/health").status_code == 200
        proxy.let_through()
        wait_until(lambda: web.http.get("/ready").status_code == 200, "web is ready")
        after = ask()
        assert (before.status_code, after.status_code) == (202, 202)
        wait_until(lambda: workers.queue.depth(MODEL).waiting == 3, "housekeeping replaces the tickets")
    workers.start_worker(EVA01_ANSWER_CACHE="true").wait_until_ready()
    for job_id in (lost.id, before.json()["id"], after.json()["id"]):
        wait_until(lambda: workers.store.get_job(job_id).state is JobState.SUCCEEDED, "it is answered")  # noqa: B023


# A worker: its waits for tickets, its slots, its heartbeat


def start(workers: WorkerProcesses, proxy: Proxy, takes_s: float = 0.1, **env: Any) -> Running:
    known: dict[str, Any] = {"EVA01_LEASE_S": "2", "EVA01_REDIS_TIMEOUT_S": str(TIMEOUT_OF_PROCESSES_S)}
    return workers.start_worker(takes_s, REDIS_URL=through(proxy.port), **known, **env).wait_until_ready()


def trouble(worker: Running) -> str:
    return str(json.loads(plain.get(f"{worker.url}/ready").text)["trouble"])


def test_a_worker_that_waits_for_a_ticket_says_so_and_then_answers_what_came_meanwhile(workers, proxy):
    worker = start(workers, proxy)
    proxy.swallow()
    jobs = [workers.enqueue(question) for question in QUESTIONS[:2]]
    worker.wait_until_it_says("Redis is away (Timeout")
    wait_until(lambda: trouble(worker) == "Redis does not answer.", "others hear of it")
    assert (worker.answers_200("/health"), worker.answers_200("/ready")) == (True, False)
    # What is taken by a wait whose reply nobody heard is lost, and its ticket replaced.
    proxy.let_through()
    worker.wait_until_ready()
    worker.wait_until_it_says("Redis is back")
    workers.queue.add_tickets(MODEL, workers.queue.balance(MODEL).missing)
    assert workers.wait_for_answers(jobs) == ANSWERS[:2]
    assert {workers.store.get_job(job.id).attempts for job in jobs} == {1}


def test_an_answer_is_written_when_packets_come_through_again(workers, proxy):
    worker = start(workers, proxy, takes_s=1)
    job = workers.enqueue(QUESTIONS[0])
    wait_until(lambda: workers.state(job) is JobState.RUNNING, "it runs")
    proxy.swallow()
    worker.wait_until_it_says("Batch 1:")
    worker.wait_until_it_says("Redis is away (Timeout")
    proxy.let_through()
    assert workers.wait_for_answers([job]) == ANSWERS[:1]
    wait_until(lambda: workers.held() == 0, "its ticket is let go of")
    worker.wait_until_ready()


def test_what_a_cut_off_worker_holds_is_answered_by_another(workers, proxy):
    cut_off = start(workers, proxy, takes_s=60)
    job = workers.enqueue(QUESTIONS[0])
    wait_until(lambda: workers.state(job) is JobState.RUNNING, "it runs")
    proxy.swallow()
    workers.start_worker(EVA01_LEASE_S="2").wait_until_ready()
    assert workers.wait_for_answers([job]) == ANSWERS[:1]
    assert cut_off.process.popen.poll() is None


def test_a_worker_that_is_cut_off_stops_when_it_is_told_to(workers, proxy):
    worker = start(workers, proxy, takes_s=60, EVA01_DRAIN_S="0.2")
    job = workers.enqueue(QUESTIONS[0])
    wait_until(lambda: workers.state(job) is JobState.RUNNING, "it runs")
    proxy.swallow()
    worker.process.send(signal.SIGTERM)
    assert worker.exit_code() in (0, 1), worker.process.output()
    workers.start_worker(EVA01_LEASE_S="2").wait_until_ready()
    assert workers.wait_for_answers([job]) == ANSWERS[:1]
