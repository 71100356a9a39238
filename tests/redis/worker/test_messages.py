"""Messages that are no tickets: a worker puts them aside and goes on."""

import base64
import json
import pickle
import time
from typing import Any

import pytest

from jobs.contract import names
from jobs.storage.tickets.queue import JobQueue
from tests import plain
from tests.processes import wait_until
from tests.stubs.processes import ANSWERS, MODEL, QUESTIONS, Running, WorkerProcesses

pytestmark = [pytest.mark.redis, pytest.mark.process]

QUEUE, HELD, ASIDE = names.interactive_queue(MODEL), names.held_key(MODEL), names.unreadable_key(MODEL)
LEASE: dict[str, Any] = {"EVA01_LEASE_S": "2"}


class Opens:
    """Opens a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.path, "w")


def message(body: bytes = b"[[],{},{}]", **headers: Any) -> dict[str, Any]:
    known = {"task": names.TASK_ANSWER, "id": "forged", **headers}
    return {
        "body": base64.b64encode(body).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": known,
        "properties": {
            "delivery_tag": f"forged-{time.time_ns()}",
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
            "body_encoding": "base64",
        },
    }


def forged(target: str) -> list[str]:
    """A message of each kind; those that would run something would make a file `target`."""
    run = pickle.dumps(Opens(target))
    yaml = f"!!python/object/apply:os.system ['touch {target}']".encode()
    made = [
        message(b"7"),
        message(b"{{{"),
        message(json.dumps([["a" * 5_000_000], {}, {}]).encode()),
        message(b'[[1],{"x":2},{}]'),
        message(b'[[],{},{"callbacks":[{"task":"eva01.answer","args":[],"kwargs":{},"options":{}}]}]'),
        message(task="os.system"),
        message(eta="2036-01-01T00:00:00+00:00"),
        message(expires="2020-01-01T00:00:00+00:00"),
        message(compression="application/x-bz2"),
        {**message(run), "content-type": "application/x-python-serialize", "content-encoding": "binary"},
        {**message(yaml), "content-type": "application/x-yaml"},
        {**message(), "headers": None},
        {**message(), "properties": {}},
        {**message(), "properties": {**message()["properties"], "delivery_tag": 7}},
    ]
    return ["7", "", "garbage", "[]", "null", "\x00\x01", *map(json.dumps, made)]


def counted(worker: Running) -> float:
    lines = plain.get(f"{worker.url}/metrics").text.splitlines()
    return sum(
        float(line.split()[-1]) for line in lines if line.startswith("eva01_unreadable_messages_total{")
    )


def test_no_message_ends_a_worker_and_jobs_go_on(workers: WorkerProcesses, tmp_path):
    worker = workers.start_worker(**LEASE).wait_until_ready()
    target = tmp_path / "made by a message"
    sent = forged(str(target))
    for bad in sent:
        workers.client.lpush(QUEUE, bad)
    jobs = [workers.enqueue(question) for question in QUESTIONS]
    assert workers.wait_for_answers(jobs) == ANSWERS
    wait_until(lambda: workers.client.llen(QUEUE) == 0, "all is read")
    wait_until(lambda: workers.held() == 0, "nothing is held")
    kept = workers.client.lrange(ASIDE, 0, -1)
    assert [*reversed(kept)] == [bad[:16_384] for bad in sent]
    assert counted(worker) == len(sent)
    assert worker.process.popen.poll() is None
    worker.assert_it_says("is no ticket")
    assert worker.times_said("Traceback") == 0, worker.process.output()
    assert worker.times_said("os.system") == 0
    assert not target.exists()


def test_only_the_newest_are_kept(workers: WorkerProcesses):
    worker = workers.start_worker(EVA01_MAX_UNREADABLE="3", **LEASE).wait_until_ready()
    for number in range(10):
        workers.client.lpush(QUEUE, f"bad {number}")
    newest = ["bad 9", "bad 8", "bad 7"]
    wait_until(lambda: workers.client.lrange(ASIDE, 0, -1) == newest, "the last three are kept")
    assert counted(worker) == 10


def test_a_second_ticket_of_a_number_that_is_held_is_none(workers: WorkerProcesses):
    worker = workers.start_worker(takes_s=3).wait_until_ready()
    job = workers.enqueue(QUESTIONS[0])
    wait_until(lambda: workers.client.hlen(HELD) == 1, "its ticket is held")
    (number,) = workers.client.hkeys(HELD)
    twin = message()
    twin["properties"]["delivery_tag"] = number
    workers.client.lpush(QUEUE, json.dumps(twin))
    wait_until(lambda: workers.client.llen(ASIDE) == 1, "the second is put aside")
    assert workers.client.hkeys(HELD) == [number]
    later = workers.enqueue(QUESTIONS[1])
    assert workers.wait_for_answers([job, later]) == ANSWERS[:2]
    wait_until(lambda: workers.held() == 0, "nothing is held")
    assert worker.times_said("Traceback") == 0, worker.process.output()


def test_what_is_held_and_no_ticket_is_put_aside_when_its_lease_runs_out(workers: WorkerProcesses):
    for number, held in (("one", "garbage"), ("two", "7")):
        workers.client.hset(HELD, number, held)
        workers.client.zadd(names.held_index_key(MODEL), {number: 1})
    worker = workers.start_worker(**LEASE).wait_until_ready()
    wait_until(lambda: workers.held() == 0, "nothing is held")
    wait_until(lambda: workers.client.llen(ASIDE) == 2, "both are put aside")
    assert workers.wait_for_answers([workers.enqueue(QUESTIONS[0])]) == ANSWERS[:1]
    assert worker.times_said("Traceback") == 0, worker.process.output()


def test_what_is_held_without_a_lease_is_given_back_or_put_aside(workers: WorkerProcesses):
    worker = workers.start_worker(**LEASE).wait_until_ready()
    job = workers.enqueue(QUESTIONS[0])
    assert workers.wait_for_answers([job]) == ANSWERS[:1]
    workers.client.hset(HELD, "\xff", "garbage")
    ticket = message()
    workers.client.hset(HELD, ticket["properties"]["delivery_tag"], json.dumps([ticket, "", QUEUE]))
    JobQueue(workers.store).drop_surplus(MODEL)
    wait_until(lambda: workers.held() == 0, "nothing is held")
    wait_until(lambda: workers.client.llen(ASIDE) == 1, "what is none is put aside")
    assert workers.wait_for_answers([workers.enqueue(QUESTIONS[1])]) == ANSWERS[1:2]
    assert worker.times_said("Traceback") == 0, worker.process.output()


def test_a_queue_of_another_type_makes_a_worker_wait_and_no_more(workers: WorkerProcesses):
    worker = workers.start_worker(**LEASE).wait_until_ready()
    workers.client.set(QUEUE, "in the way")
    worker.wait_until_it_says("WRONGTYPE")
    wait_until(lambda: not worker.answers_200("/ready"), "it says that it takes nothing")
    assert worker.answers_200("/health")
    workers.client.delete(QUEUE)
    assert workers.wait_for_answers([workers.enqueue(QUESTIONS[0])]) == ANSWERS[:1]
    worker.wait_until_ready()
    worker.assert_it_says("WRONGTYPE")
    assert worker.times_said("Traceback") == 0, worker.process.output()
