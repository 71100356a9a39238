"""A worker whose model another server has: both as real processes."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from jobs.contract.models import Job, JobState, Options
from jobs.contract.saying.pieces import Piece
from jobs.storage.wire import Wire
from tests.processes import Process, accepts_connections, free_port, wait_until
from tests.servers.openai_server import APART, BREAK, BUSY, DIE, EMPTY, FILTER, LONG, REFUSE, SLOW, THINK
from tests.stubs.processes import ANSWERS, MODEL, QUESTIONS, ROOT, SHA256, Running, WorkerProcesses

pytestmark = [pytest.mark.redis, pytest.mark.process, pytest.mark.timeout(300)]


class Server:
    """A server's process, which is started anew by hand, at one address; `with` it, it is ended."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.processes: list[Process] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, **env: str) -> "Server":
        command = [sys.executable, "-m", "tests.servers.openai_server", str(self.port), MODEL]
        name = f"server-{self.port}-{len(self.processes)}"
        self.processes.append(Process.start(name, command, {"PYTHONPATH": str(ROOT), **env}, self.folder))
        wait_until(lambda: accepts_connections(self.port), "the server listens")
        return self

    @property
    def has_ended(self) -> bool:
        return self.processes[-1].popen.poll() is not None

    def seen(self) -> dict[str, Any]:
        seen: dict[str, Any] = httpx.get(f"{self.url}/seen", timeout=30).json()
        return seen

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.end()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        yield server


def start(workers: WorkerProcesses, *servers: Server, **env: str) -> Running:
    """A worker that asks these servers."""
    urls = ",".join(server.url for server in servers)
    known = {"EVA01_OPENAI_URL": urls, "EVA01_OPENAI_LOOK_S": "0.3", "EVA01_LEASE_S": "4"}
    return workers.run([sys.executable, "-m", "worker", "--model", f"openai:{MODEL}"], **known | env)


def error_of(workers: WorkerProcesses, job: Job) -> str:
    error = workers.store.get_job(job.id).error
    return error.code if error else ""


def test_jobs_are_answered_with_the_image_as_it_came(workers, server):
    start(workers, server.start()).wait_until_ready()
    jobs = [workers.enqueue(question) for question in QUESTIONS]
    assert workers.wait_for_answers(jobs) == ANSWERS
    first = server.seen()["requests"][0]
    assert first["images"] == [{"sha256": SHA256, "format": "PNG"}]
    assert first["stream"] is True
    done = workers.store.get_job(jobs[0].id)
    assert (done.finish_reason, done.width, done.height) == ("stop", 480, 320)
    assert (done.usage.prompt_tokens, done.usage.output_tokens) == (40, 4)
    assert done.confidence == pytest.approx(0.6065, abs=1e-4)


def test_what_a_server_says_is_told_while_it_says_it(workers, server):
    start(workers, server.start()).wait_until_ready()
    line = Wire(workers.client).listen("ear", 0.05)
    assert next(line) is None
    asked = Job(file="a.png", question=SLOW, model=MODEL, images=(SHA256,), listener="ear")
    job, _ = workers.store.create_job(asked)
    pieces: list[Piece] = []
    while sum(bool(piece.text) for piece in pieces) < 3:
        new = next(line)
        pieces += new or []
    assert workers.state(job) is JobState.RUNNING
    said = "".join(piece.text or "" for piece in pieces)
    assert [piece.start for piece in pieces[:2]] == [0, len(pieces[0].text or "")]
    assert said == SLOW * (len(said) // len(SLOW))
    line.close()


def test_what_a_servers_model_thought_is_kept_apart(workers, server):
    start(workers, server.start()).wait_until_ready()
    line = Wire(workers.client).listen("ear", 0.05)
    assert next(line) is None
    asked = {"model": MODEL, "images": (SHA256,), "listener": "ear"}
    jobs = [
        workers.store.create_job(Job(file="a.png", question=question, **asked))[0]
        for question in (THINK, APART)
    ]
    assert workers.wait_for_answers(jobs) == ["A circle."] * 2
    done = [workers.store.get_job(job.id) for job in jobs]
    assert [job.reasoning for job in done] == ["It is red."] * 2
    assert [job.public()["reasoning"] for job in done] == ["It is red."] * 2
    pieces: list[Piece] = []
    while sum(len(piece.text or "") for piece in pieces) < 2 * len("It is red.A circle."):
        new = next(line)
        pieces += new or []
    line.close()
    for job in jobs:
        of_it = [piece for piece in pieces if piece.job_id == job.id and piece.text]
        said = [
            "".join(piece.text or "" for piece in of_it if piece.is_thought == is_it)
            for is_it in (True, False)
        ]
        assert said == ["It is red.", "A circle."]


def test_what_a_server_refuses_fails_alone_with_its_reason(workers, server):
    start(workers, server.start(), EVA01_OPENAI_TRIES="2").wait_until_ready()
    questions = [REFUSE, LONG, FILTER, EMPTY, BREAK, QUESTIONS[0]]
    jobs = [workers.enqueue(question) for question in questions]
    assert workers.wait_for_answers(jobs) == [None] * 5 + ANSWERS[:1]
    codes = [error_of(workers, job) for job in jobs]
    wanted = ["engine_failed", "prompt_too_long", "content_filter", "empty_answer", "engine_failed", ""]
    assert codes == wanted
    refused = workers.store.get_job(jobs[0].id).error.message
    assert "The image cannot be read" in refused
    assert "/srv" not in refused


def test_who_is_put_off_waits_and_is_answered(workers, server):
    start(workers, server.start()).wait_until_ready()
    job = workers.enqueue(BUSY)
    assert workers.wait_for_answers([job]) == [f"(480, 320) {BUSY}"]
    assert len(server.seen()["requests"]) == 3


def test_a_cancelled_job_closes_its_request(workers, server):
    start(workers, server.start()).wait_until_ready()
    job = workers.enqueue(SLOW)
    wait_until(lambda: server.seen()["under_way"] == 1, "it is asked")
    workers.store.cancel(job.id)
    wait_until(lambda: server.seen()["closed"] == 1, "its connection is closed")
    assert workers.state(job) is JobState.CANCELLED


def test_an_answer_that_takes_too_long_fails_and_closes_its_request(workers, server):
    start(workers, server.start(), EVA01_JOB_TIMEOUT_S="1").wait_until_ready()
    job = workers.enqueue(SLOW)
    assert workers.wait_for_answers([job]) == [None]
    assert error_of(workers, job) == "deadline_exceeded"
    wait_until(lambda: server.seen()["closed"] == 1, "its connection is closed")


def test_an_image_that_kills_servers_is_found_and_the_others_are_answered(workers, server):
    start(workers, server.start()).wait_until_ready()
    culprit, *others = [workers.enqueue(question) for question in (DIE, *QUESTIONS)]

    def are_finished() -> bool:
        if server.has_ended:
            server.start()
        return all(workers.state(job).is_finished for job in (culprit, *others))

    wait_until(are_finished, "all are finished", every_s=0.1)
    assert workers.wait_for_answers([culprit, *others]) == [None, *ANSWERS]
    assert error_of(workers, culprit) == "poison"
    assert len(server.processes) == 4, "one at first, and one for each time that it was killed"


def test_nothing_is_taken_while_the_server_is_away_and_all_goes_on_by_itself(workers, server):
    worker = start(workers, server.start()).wait_until_ready()
    server.processes[-1].send(signal.SIGKILL)
    server.processes[-1].wait()
    first = workers.enqueue(QUESTIONS[0])
    wait_until(lambda: not worker.answers_200("/ready"), "it is not ready")
    wait_until(lambda: workers.state(first) is JobState.QUEUED and not workers.held(), "it is given back")
    wait_until(lambda: workers.queue.depth(MODEL).waiting == 1, "its ticket is where an autoscaler counts it")
    assert workers.store.redis.hlen("eva01:starts") == 0, "how long it waits for a server is no start's time"
    jobs = [first, *(workers.enqueue(question) for question in QUESTIONS[1:])]
    assert "is away" in httpx.get(f"{worker.url}/ready", timeout=30).json()["trouble"]
    server.start()
    assert workers.wait_for_answers(jobs) == ANSWERS
    assert {workers.store.get_job(job.id).crashes for job in jobs} == {0}


def test_several_servers_share_the_jobs_and_one_is_enough(workers, server, tmp_path):
    with Server(tmp_path) as other:
        start(workers, server.start(), other.start(), EVA01_SLOTS="4").wait_until_ready()
        slow = [workers.enqueue(f"{SLOW} {n}") for n in range(4)]
        wait_until(lambda: all(one.seen()["under_way"] == 2 for one in (server, other)), "each has two")
        for job in slow:
            workers.store.cancel(job.id)
        other.processes[-1].send(signal.SIGKILL)
        jobs = [workers.enqueue(question) for question in QUESTIONS]
        assert workers.wait_for_answers(jobs) == ANSWERS


def test_a_worker_that_stops_gives_back_what_it_cannot_finish(workers, server):
    worker = start(workers, server.start(), EVA01_DRAIN_S="1").wait_until_ready()
    job = workers.enqueue(SLOW)
    wait_until(lambda: server.seen()["under_way"] == 1, "it is asked")
    worker.process.send(signal.SIGTERM)
    assert worker.exit_code() == 0
    workers.assert_nothing_is_lost([job])
    assert workers.store.get_job(job.id).crashes == 0


def test_what_a_server_does_not_know_is_left_out(workers, server):
    start(workers, server.start(UNKNOWN="temperature,logprobs,max_tokens")).wait_until_ready()
    jobs = [workers.enqueue(question) for question in QUESTIONS[:6]]
    assert workers.wait_for_answers(jobs) == ANSWERS[:6]
    last = server.seen()["requests"][-1]
    assert "temperature" not in last
    assert last["max_completion_tokens"] == 512


def test_a_worker_without_the_right_key_says_so_and_ends(workers, server):
    worker = start(workers, server.start(KEY="right"), EVA01_OPENAI_KEY="wrong-key")
    assert worker.exit_code() == 2
    assert "EVA01_OPENAI_KEY" in worker.process.output()
    assert "wrong-key" not in worker.process.output()


def test_options_are_passed_on(workers, server):
    start(workers, server.start()).wait_until_ready()
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    options = Options.model_validate({"max_new_tokens": 7, "response_format": wanted, "top_logprobs": 2})
    jobs = []
    for question in ("json", "half", "other"):
        job = Job(file="a.png", question=question, model=MODEL, images=(SHA256,), options=options)
        jobs.append(workers.store.create_job(job)[0])
    assert workers.wait_for_answers(jobs) == ['{"a": 1}', None, None]
    assert [error_of(workers, job) for job in jobs] == ["", "incomplete_answer", "incomplete_answer"]
    ended = [workers.store.get_job(job.id) for job in jobs]
    assert [job.finish_reason for job in ended] == ["stop", "length", "stop"]
    assert all(job.usage and job.usage.output_tokens for job in ended)
    asked = server.seen()["requests"][0]
    assert (asked["max_tokens"], asked["top_logprobs"]) == (7, 2)
    assert asked["response_format"] == wanted
