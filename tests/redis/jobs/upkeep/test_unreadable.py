"""Records that cannot be read: all others can, and what waits behind them is answered."""

import json
import logging
from typing import Any

import pytest
from prometheus_client import REGISTRY

from jobs import flow
from jobs.contract import names
from jobs.contract.catalog import NANO, OCR
from jobs.contract.codes import Code
from jobs.contract.errors import NotFound, Unreadable
from jobs.contract.models import JobState, Result, WorkerInfo, WorkerState, new_id, utc_now
from jobs.storage.fleet import Fleet
from jobs.upkeep.reconciler import Reconciler
from tests.backend import MODEL, Backend, sha256_of

pytestmark = pytest.mark.redis

#: A field of a job's record → a value that it cannot have; None: it is missing.
BROKEN_JOBS: dict[str, tuple[str, Any]] = {
    "an unknown state": ("state", "exploded"),
    "options that are no JSON": ("options", "{"),
    "options that are a list": ("options", "[1]"),
    "usage that is a list": ("usage", "[1]"),
    "usage in words": ("usage", '{"visual_tokens":"many"}'),
    "deep usage": ("usage", "[" * 100_000),
    "no file": ("file", None),
    "a time that is none": ("created_at", "yesterday"),
    "an end that is none": ("finished_at", "2026-01-01"),
    "attempts in words": ("attempts", "many"),
    "a width without end": ("width", "1e999"),
    "an error that is a text": ("error", '"x"'),
    "an error without a code": ("error", '{"message":"x"}'),
    "an image that is a path": ("images", "../../etc/passwd"),
    "bytes that are no text": ("state", b"\xf0\x28"),
}
BROKEN_BATCHES: dict[str, tuple[str, Any]] = {
    "an unknown state": ("state", "x"),
    "a count in words": ("count:queued", "many"),
    "a time that is none": ("created_at", "x"),
    "no model": ("model", None),
    "marks that are no JSON": ("marks", "{"),
    "options that are a text": ("options", '"x"'),
    "bytes that are no text": ("created_at", b"\xff"),
}


def counted(kind: str) -> float:
    return REGISTRY.get_sample_value("eva01_unreadable_records_total", {"kind": kind}) or 0


def damage(backend: Backend, key: str, field: str, value: Any) -> None:
    if value is None:
        backend.client.hdel(key, field)
    else:
        backend.client.hset(key, field, value)


def replaced(backend: Backend, key: str) -> None:
    """Something else is kept under a key."""
    backend.client.delete(key)
    backend.client.set(key, "x")


def answered_batch(backend: Backend) -> tuple[str, str, str]:
    """A batch and its two jobs, which have answers."""
    batch = backend.batch(b"1", b"2")
    backend.answer_all()
    one, other = backend.store.results(batch.id)
    return batch.id, one.id, other.id


# One job


@pytest.mark.parametrize(("field", "value"), BROKEN_JOBS.values(), ids=BROKEN_JOBS)
def test_a_job_that_cannot_be_read_is_passed_over_and_is_a_row_that_says_so(backend, field, value):
    batch_id, lost, whole = answered_batch(backend)
    damage(backend, names.job_key(lost), field, value)
    before = counted("job")
    assert [job.id for job in backend.store.page(batch_id)[0]] == [whole]
    assert [job.id for job in backend.stores.feed.changed(batch_id)[0]] == [whole]
    assert [job.id for job in backend.store.get_jobs([lost, whole])] == [whole]
    assert counted("job") == before + 3
    with pytest.raises(Unreadable) as said:
        backend.store.get_job(lost)
    assert (said.value.code, lost in said.value.message) == (Code.UNREADABLE_RECORD, True)
    row, other = backend.store.rows(batch_id)
    assert (other["id"], other["answer"]) == (whole, "A red circle.")
    assert row["id"] == lost
    # A row needs no options, and opens no image.
    if field not in ("options", "images"):
        assert (row["id"], row["state"], row["error"]["code"]) == (lost, "failed", "unreadable_record")
        assert (row["question"], row["model"], row["answer"]) == ("q", MODEL, None)


def test_another_thing_in_place_of_a_job_is_the_same(backend):
    batch_id, lost, whole = answered_batch(backend)
    replaced(backend, names.job_key(lost))
    assert [job.id for job in backend.store.page(batch_id)[0]] == [whole]
    assert [(row["id"], row["state"]) for row in backend.store.rows(batch_id)] == [
        (lost, "failed"),
        (whole, "succeeded"),
    ]
    with pytest.raises(Unreadable):
        backend.store.get_shown_job(lost)
    assert backend.store.known_answer([sha256_of(b"1")], "5eed") is None
    assert backend.store.finished_singles([lost, whole]) == [whole]
    assert backend.client.get(names.job_key(lost)) == "x"


def test_a_job_that_is_not_there_is_not_one_that_cannot_be_read(backend):
    with pytest.raises(NotFound):
        backend.store.get_job(new_id())


def test_it_is_said_once_and_without_values(backend, caplog):
    batch_id, lost, _ = answered_batch(backend)
    damage(backend, names.job_key(lost), "options", '{"max_new_tokens":"my secret"}')
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            backend.store.page(batch_id)
    (line,) = [record.getMessage() for record in caplog.records if "cannot be read" in record.message]
    assert names.job_key(lost) in line
    assert "options.max_new_tokens" in line
    assert "my secret" not in caplog.text


# A batch


@pytest.mark.parametrize(("field", "value"), BROKEN_BATCHES.values(), ids=BROKEN_BATCHES)
def test_a_batch_that_cannot_be_read_is_passed_over_and_can_be_deleted(backend, field, value):
    lost, whole = backend.batch(b"1"), backend.batch(b"2")
    damage(backend, names.batch_key(lost.id), field, value)
    found, _ = backend.stores.batch_list.page()
    assert [batch.id for batch in found] == [whole.id]
    with pytest.raises(Unreadable):
        backend.store.get_batch(lost.id)
    if field != "model":
        flow.delete_batch(backend.stores, lost.id)
        with pytest.raises(NotFound):
            backend.store.get_batch(lost.id)


def test_another_thing_in_place_of_a_batch_is_the_same(backend):
    lost, whole = backend.batch(b"1"), backend.batch(b"2")
    replaced(backend, names.batch_key(lost.id))
    assert [batch.id for batch in backend.stores.batch_list.page()[0]] == [whole.id]
    with pytest.raises(Unreadable):
        backend.store.get_batch(lost.id)
    backend.clock.now_s += 365 * 24 * 3600
    assert backend.retention.run_once().batches == 0
    assert backend.store.get_batch(whole.id)


def test_a_rate_that_cannot_be_read_is_no_rate(backend):
    batch_id, *_ = answered_batch(backend)
    backend.client.lpush(names.batch_finishes_key(batch_id), "soon")
    replaced(backend, names.finishes_key(MODEL))
    assert backend.store.get_batch(batch_id).rate_per_s is None
    assert backend.store.rate_per_s(MODEL) is None


@pytest.mark.parametrize("field", ["succeeded:999999999", "succeeded:x", "start", "step_s"])
def test_a_timeline_that_cannot_be_read_is_said(backend, field):
    batch_id, *_ = answered_batch(backend)
    batch = backend.store.get_batch(batch_id)
    backend.client.hset(names.batch_timeline_key(batch_id), "paused:3", "7")
    assert sum(backend.stores.feed.timeline(batch).succeeded) == 2
    backend.client.hset(names.batch_timeline_key(batch_id), field, "1" if "9" in field else "x")
    with pytest.raises(Unreadable):
        backend.stores.feed.timeline(batch)


# What waits


def waiting(**fields: str) -> dict[str, str]:
    sha256 = sha256_of(b"1")
    known = {"state": "queued", "model": MODEL, "file": "x", "question": "q", "images": sha256}
    return {**known, **fields}


LOST: dict[str, dict[str, str] | str | None] = {
    "missing": None,
    "another type": "x",
    "half": {"state": "queued", "model": MODEL},
    "without a state": {"file": "x"},
    "without a model": {"state": "queued", "file": "x"},
    "of another model": waiting(model="other"),
    "of an image that is a path": waiting(images="../../../../etc/passwd"),
    "with attempts in words": waiting(attempts="many"),
    "with options that are no JSON": waiting(options="{"),
    "with a state that is unknown": waiting(state="exploded"),
    "of a batch that there is not": waiting(batch_id=new_id()),
}


@pytest.mark.parametrize("record", LOST.values(), ids=LOST)
def test_a_single_job_that_cannot_be_read_ends_and_the_next_is_given(backend, record):
    lost = "0" * 12 + "7" + "0" * 19
    key = names.job_key(lost)
    if isinstance(record, str):
        backend.client.set(key, record)
    elif record:
        backend.client.hset(key, mapping=record)
    backend.client.zadd(names.singles_key(MODEL), {lost: 0})
    good = backend.add(None, b"2")
    taken = backend.take()
    assert taken is not None
    assert taken.id == good.id
    backend.finish(taken)
    assert backend.take() is None
    assert backend.client.hlen(names.running_key(MODEL)) == 0
    assert backend.client.zcard(names.singles_key(MODEL)) == 0
    if isinstance(record, dict):
        state, error = backend.client.hmget(key, "state", "error")
        assert state in ("failed", "exploded")
        assert state == "exploded" or json.loads(error)["code"] == "unreadable_record"


@pytest.mark.parametrize("how", ["missing", "another type", "with options that are no JSON"])
def test_a_batchs_job_that_cannot_be_read_counts_as_failed_and_the_others_are_answered(backend, how):
    record = LOST[how]
    batch = backend.batch(b"1", b"2")
    other = backend.batch(b"3")
    lost = next(backend.store.results(batch.id)).id
    backend.client.delete(names.job_key(lost))
    if isinstance(record, str):
        backend.client.set(names.job_key(lost), record)
    elif record:
        backend.client.hset(names.job_key(lost), mapping={**record, "batch_id": batch.id})
    backend.answer_all()
    counts = backend.store.get_batch(batch.id).counts
    assert (counts[JobState.SUCCEEDED], counts[JobState.FAILED], sum(counts.values())) == (1, 1, 2)
    assert backend.store.get_batch(other.id).counts[JobState.SUCCEEDED] == 1
    assert backend.client.zrange(names.batch_state_key(batch.id, "failed"), 0, -1) == [lost]
    balance = backend.queue.balance(MODEL)
    assert (balance.queued, balance.running) == (0, 0)


@pytest.mark.parametrize("part", ["", ":jobs", ":changes", ":timeline", ":finishes", ":jobs:running"])
def test_a_batch_of_which_a_part_is_something_else_holds_up_nobody(backend, part):
    batch, other = backend.batch(b"1", b"2"), backend.batch(b"3", b"4")
    replaced(backend, f"{names.batch_key(batch.id)}{part}")
    backend.answer_all()
    assert backend.store.get_batch(other.id).counts[JobState.SUCCEEDED] == 2
    assert backend.store.take(MODEL, "one more") is None
    assert backend.client.zcard(names.turns_key(MODEL)) == 0
    assert backend.client.hlen(names.running_key(MODEL)) == 0
    assert Reconciler(backend.store, backend.queue).look(MODEL).taken_back == 0


@pytest.mark.parametrize("field", ["count:queued", "last_change", "pending", "sequence", "first_started_at"])
def test_a_batch_with_a_field_that_is_nonsense_holds_up_nobody(backend, field):
    batch, other = backend.batch(b"1", b"2"), backend.batch(b"3", b"4")
    backend.client.hset(names.batch_key(batch.id), field, "x")
    backend.answer_all()
    assert backend.store.get_batch(other.id).counts[JobState.SUCCEEDED] == 2
    assert {job.state for job in backend.store.results(batch.id)} == {JobState.SUCCEEDED}


def test_a_running_job_that_becomes_something_else_is_let_go_of(backend):
    backend.add(None, b"1")
    job = backend.take()
    assert job is not None
    replaced(backend, names.job_key(job.id))
    with pytest.raises(NotFound):
        backend.store.finish(job.id, Result(answer="A red circle."))
    assert backend.store.cancelled([job.id]) == {job.id}


def test_what_an_image_leads_to_may_be_something_else(backend):
    sha256 = sha256_of(b"1")
    batch = backend.batch(b"1")
    for key in (names.image_answers_key(sha256), names.image_uses_key(sha256)):
        replaced(backend, key)
    assert backend.store.known_answer([sha256], "5eed") is None
    backend.answer_all()
    assert backend.store.get_batch(batch.id).counts[JobState.SUCCEEDED] == 1
    other = backend.batch(b"2")
    for one in (batch, other):
        flow.delete_batch(backend.stores, one.id)
    assert backend.remove_all().batches == 2


def test_queues_that_are_something_else_are_empty_to_those_who_look(backend):
    backend.add(None, b"1")
    replaced(backend, names.interactive_queue(MODEL))
    replaced(backend, names.turns_key(MODEL))
    depth = backend.queue.depth(MODEL)
    assert (depth.interactive, depth.bulk, depth.held) == (0, 0, 0)
    backend.client.zadd(names.singles_key(MODEL), {"no id": -1})
    assert backend.queue.depth(MODEL).oldest_wait_s is None


# The fleet


def test_workers_and_models_that_cannot_be_read_are_passed_over(backend):
    fleet = Fleet(backend.client)
    fields = {"id": "one", "model": "nano", "slots": 8, "device": "cpu", "started_at": utc_now()}
    worker = WorkerInfo(state=WorkerState.READY, start_s=2.0, **fields)
    fleet.beat(worker, NANO, 60)
    for name, text in (("two", "{"), ("three", "7"), ("four", '{"state":"paused"}')):
        backend.client.set(names.worker_key(name), text)
        backend.client.zadd(names.WORKERS, {name: 1})
    backend.client.hset(names.MODELS, mapping={"a": "{", "b": "[]", "c": OCR.model_dump_json()})
    backend.client.hset(names.STARTS, "a", "soon")
    assert fleet.workers() == [worker]
    assert fleet.models() == {"nano": NANO}
    assert [*fleet.cards()] == ["nano"]
    assert fleet.starts_s() == {"nano": 2.0}
    for key in (names.WORKERS, names.MODELS, names.STARTS):
        replaced(backend, key)
    assert (fleet.workers(), fleet.models(), fleet.starts_s()) == ([], {}, {})


def test_a_worker_of_a_later_version_is_a_worker(backend):
    fleet = Fleet(backend.client)
    text = json.dumps({"id": "one", "model": "nano", "state": "ready", "slots": 8, "device": "cpu"})
    later = json.loads(text) | {"started_at": "2026-01-01T00:00:00Z", "zone": "eu"}
    backend.client.set(names.worker_key("one"), json.dumps(later))
    backend.client.zadd(names.WORKERS, {"one": 1})
    backend.client.hset(names.MODELS, "nano", json.dumps(NANO.model_dump(mode="json") | {"zone": "eu"}))
    assert [worker.id for worker in fleet.workers()] == ["one"]
    assert fleet.models() == {"nano": NANO}
