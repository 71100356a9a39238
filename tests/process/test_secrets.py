"""A whole run with marked secrets, in which all fails that can: no log and no client is told one."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from jobs.storage.connection.client import connect
from tests import plain
from tests.files.drawing import Scene
from tests.process.conftest import Stack
from tests.processes import (
    Process,
    accepts_connections,
    answers_200,
    free_port,
    python,
    redis_answers,
    wait_until,
)
from tests.servers.web_process import serving
from tests.stubs.processes import WorkerProcesses
from tests.tools import VALKEY

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]

IMAGE = Scene("white", (("red", "circle"),)).encode()
SECRETS = {
    "HF_TOKEN": "MARKED-token-of-hub",
    "AWS_ACCESS_KEY_ID": "MARKED-id-of-cloud",
    "AWS_SECRET_ACCESS_KEY": "MARKED-key-of-cloud",
    "AWS_SESSION_TOKEN": "MARKED-session-of-cloud",
    "AWS_REGION": "eu-central-1",
    "AWS_ALLOW_HTTP": "true",
    "EVA01_BLOBS": "s3://bucket-of-ours/within",
    "EVA01_BLOB_PATIENCE_S": "0.2",
}
PASSWORD = "MARKED-password-of-redis"


def start_redis(stack: Stack, password: str) -> Process:
    command = [VALKEY.needed(), "--port", str(stack.redis_port), "--bind", "127.0.0.1", "--save", ""]
    process = stack.start("redis", [*command, "--dir", str(stack.folder), "--requirepass", password])
    wait_until(lambda: redis_answers(stack.redis_port), "the server answers")
    return process


@pytest.fixture
def failing(empty_stack: Stack) -> Iterator[dict[str, str]]:
    """The environment of web and worker, with a bucket that takes no connections."""
    endpoint = f"http://127.0.0.1:{free_port()}"
    address = f"redis://:{PASSWORD}@127.0.0.1:{empty_stack.redis_port}/0"
    yield {**SECRETS, "AWS_ENDPOINT": endpoint, "REDIS_URL": address}


def test_no_secret_is_told_and_no_client_hears_of_a_place_of_ours(
    empty_stack: Stack, failing: dict[str, str]
) -> None:
    redis = start_redis(empty_stack, PASSWORD)
    empty_stack.start("web", python("web"), **failing)
    port = free_port()
    empty_stack.start("worker", python("worker", "--model", "nano"), **failing, EVA01_WORKER_PORT=str(port))
    heard: list[httpx.Response] = []

    with empty_stack.client() as client:
        wait_until(lambda: accepts_connections(empty_stack.web_port), "web listens")

        def hear(method: str, path: str, **more: Any) -> httpx.Response:
            heard.append(client.request(method, path, **more))
            return heard[-1]

        def ask_everything() -> None:
            hear("GET", "/ready")
            hear("GET", "/api/status")
            hear("GET", "/api/models")
            hear("GET", "/")
            batch = hear("POST", "/api/batches", json={"question": "What?", "model": "nano"})
            if batch.status_code == 201:
                hear("POST", f"/api/batches/{batch.json()['id']}/images", files={"files": ("a.png", IMAGE)})
                hear("GET", f"/api/batches/{batch.json()['id']}/results")
                hear("POST", f"/api/batches/{batch.json()['id']}/share", json={})
            hear(
                "POST", "/analyze", files={"file": ("a.png", IMAGE)}, data={"question": "?", "model": "nano"}
            )
            heard.append(plain.get(f"http://127.0.0.1:{port}/ready"))

        wait_until(lambda: answers_200(f"http://127.0.0.1:{port}/ready"), "the worker is ready")
        ask_everything()
        assert {answer.status_code for answer in heard} >= {200, 503}
        with connect(failing["REDIS_URL"]) as admin:
            admin.config_set("requirepass", "another-password")
            admin.client_kill_filter(skipme=False)
        ask_everything()
        redis.send(signal.SIGKILL)
        redis.wait()
        ask_everything()

    empty_stack.end()
    logs = "".join(process.output() for process in empty_stack.processes)
    answers = "".join(f"{answer.headers} {answer.text}" for answer in heard)
    assert re.findall("MARKED[^ ]*|another-password", logs + answers) == []
    assert "The blob store s3://bucket-of-ours/within does not answer" in logs
    for place in ("bucket-of-ours", str(empty_stack.folder), failing["AWS_ENDPOINT"]):
        assert place not in answers, place
    # As a number: the ids of so many requests have some five digits in common with it now and then.
    assert not re.search(rf"\b{empty_stack.redis_port}\b", answers)


def test_a_bad_start_does_not_tell_what_it_was_started_with(empty_stack: Stack) -> None:
    for name, env in {
        "key": {"EVA01_ADMIN_KEY": "MARKED"},
        "redis": {"REDIS_URL": "redis://:MARKED@one two"},
        "sentinels": {"REDIS_URL": "redis+sentinel://:MARKED@one/?sentinel_password=MARKED"},
        "blobs": {"EVA01_BLOBS": "ftp://me:MARKED@bucket"},
    }.items():
        web = empty_stack.start(f"web-{name}", python("web"), **env)
        assert web.wait() == 2
        assert "MARKED" not in web.output()
        assert len(web.output().splitlines()) == 1, web.output()


def lines_of(process: Process) -> list[dict[str, str]]:
    """What a process has said, a JSON object a line and nothing else."""
    return [json.loads(line) for line in process.output().splitlines()]


def test_real_work_leaves_no_secret_question_answer_file_or_link_in_any_line(
    workers: WorkerProcesses, tmp_path: Path
) -> None:
    key = "MARKED-key-of-an-admin-with-enough-characters"
    own = {"EVA01_LOG": "json", "EVA01_BLOBS": workers.settings.blobs, "EVA01_ADMIN_KEY": key}
    worker = workers.start_worker(EVA01_LOG="json").wait_until_ready()
    with serving(workers.settings.redis_url, tmp_path, **own) as web:
        web.http.headers["Authorization"] = f"Bearer {key}"

        def ask(question: str, image: bytes) -> tuple[str, str]:
            made = {"question": question, "model": "stub", "name": "MARKED-name"}
            batch = web.http.post("/api/batches", json=made).json()["id"]
            files = {"files": ("MARKED-file.png", image)}
            (sent,) = web.http.post(f"/api/batches/{batch}/files", files=files).json()["files"]
            web.http.post(f"/api/batches/{batch}/close")
            wait_until(lambda: web.http.get(f"/api/batches/{batch}").json()["is_done"], "it is done")
            return batch, sent["job_id"]

        batch, job = ask("MARKED question?", IMAGE)
        failed, _ = ask("poison MARKED question?", IMAGE)
        ask("MARKED question?", IMAGE[: len(IMAGE) - 20])
        answer = web.http.get(f"/api/jobs/{job}").json()["answer"]
        url = web.http.post(f"/api/batches/{batch}/share", json={}).json()["url"]
        token = url.rpartition("/")[2]
        web.http.get(url)
        web.http.get(f"/api/shared/{token}/batches/{batch}/results.csv")
        web.http.get("/api/batches", headers={"Authorization": "Bearer MARKED-guess"})
        web.http.post(f"/api/batches/{failed}/retry")
        web.http.get("/", headers={"X-Request-Id": "MARKED id"})
        named = web.http.get(f"/api/batches/{batch}", headers={"X-Request-Id": "trace-7"})
        # Others know of an answer before the line about it is written.
        worker.wait_until_it_says(f"Job {job}: answered")
        workers.processes[0].send(signal.SIGKILL)
        web.http.get(f"/api/batches/{batch}", headers={"X-Request-Id": "without-redis"})
        web.http.get(url)
    workers.end()
    assert (answer, named.headers["X-Request-Id"]) == ("(480, 320) MARKED question?", "trace-7")
    of_web, of_worker = lines_of(web.process), lines_of(worker.process)
    for line in [*of_web, *of_worker]:
        assert "MARKED" not in str(line)
        assert token not in str(line)
    (answered,) = [line for line in of_worker if line.get("job_id") == job and "answered" in line["event"]]
    assert (answered["batch_id"], answered["owner"]) == (batch, "admin")
    (poisoned,) = [line for line in of_worker if "one image failed" in line["event"]][:1]
    assert poisoned["batch_id"] == failed
    (refused,) = [line for line in of_web if line.get("request_id") == "without-redis"]
    assert (refused["batch_id"], refused["owner"]) == (batch, "admin")
