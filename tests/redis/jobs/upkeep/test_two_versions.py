"""Another version writes beside this one: what it knows besides is carried along, and never shown."""

import json
from typing import Any

import pytest

from jobs import flow
from jobs.contract import names
from jobs.contract.models import Batch, Job, JobError, JobState, Result, Usage
from jobs.storage.store.records import job_record
from jobs.upkeep.restore import Restore
from tests.backend import MODEL, Backend
from web.export.lines import csv_lines, jsonl
from web.export.table import Table

pytestmark = pytest.mark.redis

#: What a job of tomorrow's version has besides, as Redis keeps it.
TOMORROW: dict[Any, Any] = {"region": "eu", "priority": "7", "boxes": "[[1, 2]]"}
TOMORROW_OF_BATCH: dict[Any, Any] = {"project": "team-a", "tags": '["x"]'}


def written_by_tomorrow(backend: Backend, batch: Batch, job: Job) -> None:
    """Tomorrow's version has made the batch and the job."""
    backend.client.hset(names.batch_key(batch.id), mapping=TOMORROW_OF_BATCH)
    options = json.dumps({"max_new_tokens": 9, "temperature": 0.5})
    backend.client.hset(names.job_key(job.id), mapping={**TOMORROW, "options": options})
    backend.blobs.delete(backend.blobs.list(names.manifest_folder(batch.id)))
    backend.journal.note_batch(backend.store.get_batch(batch.id))
    backend.journal.note_jobs(batch.id, [backend.store.get_job(job.id)])


def kept_of(backend: Backend, key: str, fields: dict[Any, Any]) -> dict[Any, Any]:
    return dict(zip(fields, backend.client.hmget(key, list(fields)), strict=True))


def assert_all_is_kept(backend: Backend, batch_id: str, job_id: str) -> None:
    assert kept_of(backend, names.job_key(job_id), TOMORROW) == TOMORROW
    assert kept_of(backend, names.batch_key(batch_id), TOMORROW_OF_BATCH) == TOMORROW_OF_BATCH
    options = backend.client.hget(names.job_key(job_id), "options")
    assert json.loads(str(options)) == {"max_new_tokens": 9, "temperature": 0.5}


def test_a_job_of_tomorrow_is_taken_answered_retried_exported_and_restored_with_all_it_has(backend):
    batch = backend.batch(b"1")
    (job,) = backend.store.results(batch.id)
    written_by_tomorrow(backend, batch, job)

    taken = backend.take()
    assert taken is not None
    failed = Result(error=JobError.model_validate({"code": "engine_failed", "message": "x", "node": "n1"}))
    assert backend.store.finish(taken.id, failed)
    backend.journal.note_result(backend.store.get_job(job.id))
    flow.retry_job(backend.stores, job.id)
    assert_all_is_kept(backend, batch.id, job.id)

    taken = backend.take()
    assert taken is not None
    usage = Usage.model_validate({"output_tokens": 3, "watts": 7})
    assert backend.store.finish(taken.id, Result(answer="A red circle.", usage=usage))
    backend.journal.note_result(backend.store.get_job(job.id))
    flow.rename_batch(backend.stores, batch.id, "renamed")
    flow.close_batch(backend.stores, batch.id)
    assert_all_is_kept(backend, batch.id, job.id)

    rows = list(backend.store.rows(batch.id))
    assert rows == [backend.store.get_job(job.id).public()]
    text = "".join([*jsonl(rows), *csv_lines(rows, Table())])
    assert "A red circle." in text
    assert not [word for word in (*TOMORROW, "watts", "node", "temperature") if word in text]
    public = backend.store.get_batch(batch.id).public()
    assert not set(TOMORROW_OF_BATCH) & set(public)

    backend.client.flushall()
    *_, restored = Restore(backend.store, backend.journal).run()
    assert (restored.batches, restored.finished) == (1, 1)
    assert_all_is_kept(backend, batch.id, job.id)
    back = backend.store.get_job(job.id)
    assert (back.state, back.answer) == (JobState.SUCCEEDED, "A red circle.")
    assert json.loads(backend.client.hget(names.job_key(job.id), "usage"))["watts"] == 7
    assert backend.store.get_batch(batch.id).name == "renamed"


def test_a_job_of_tomorrow_that_has_no_answer_is_restored_with_all_it_has(backend):
    batch = backend.batch(b"1")
    (job,) = backend.store.results(batch.id)
    written_by_tomorrow(backend, batch, job)
    backend.client.flushall()
    *_, restored = Restore(backend.store, backend.journal).run()
    assert restored.queued == 1
    assert_all_is_kept(backend, batch.id, job.id)
    assert backend.take() == backend.store.get_job(job.id)


def test_what_the_journal_of_tomorrow_has_as_an_object_is_json_in_a_record(backend):
    made = Job.model_validate(
        {"file": "a", "question": "q", "model": MODEL, "boxes": [[1, 2]], "is_new": True}
    )
    record = job_record(made)
    assert (record["boxes"], record["is_new"]) == ("[[1, 2]]", "1")


def test_a_batch_of_today_has_nothing_that_this_version_does_not_know(backend):
    batch = backend.batch(b"1", b"2", b"3")
    backend.answer_all()
    backend.batch(b"4")
    flow.cancel_batch(backend.stores, batch.id)
    flow.retry_batch(backend.stores, batch.id)
    backend.store.settle_some(batch.id, 10)
    flow.rename_batch(backend.stores, batch.id, "again")
    assert backend.store.get_batch(batch.id).model_extra == {}
    assert {str(job.model_extra) for job in backend.store.results(batch.id)} == {"{}"}
    open_one = backend.batch(b"5")
    flow.cancel_batch(backend.stores, open_one.id)
    assert backend.store.get_batch(open_one.id).model_extra == {}


# The journal


def test_what_cannot_be_read_in_the_journal_is_passed_over_and_the_rest_is_restored(backend, caplog):
    lost, whole = backend.batch(b"1"), backend.batch(b"2", b"3")
    backend.answer_all()
    single = backend.add(None, b"4")
    backend.blobs.put(names.batch_path(lost.id), b"{" * 100_000)
    part = f"{names.manifest_folder(whole.id)}/{'0' * 32}.jsonl"
    backend.blobs.put(part, b'7\n"x"\n[]\n\xff\xfe\n{"file":"x"}\nnull')
    backend.blobs.put(names.manifest_path(None, "0" * 32), b"")
    backend.blobs.put(names.manifest_path(None, "1" * 32), b"[[" * 50_000)
    backend.blobs.put(names.answer_path(whole.id, "0" * 32), b'{"state":"exploded"}')
    backend.client.flushall()
    *_, restored = Restore(backend.store, backend.journal).run()
    assert (restored.batches, restored.finished, restored.queued) == (1, 2, 1)
    assert backend.store.get_batch(whole.id).counts[JobState.SUCCEEDED] == 2
    assert backend.store.get_job(single.id).state is JobState.QUEUED
    assert backend.journal.passed_over >= 9
    said = [record for record in caplog.records if "cannot be read" in record.getMessage()]
    assert 1 <= len(said) <= 3


def test_what_redis_has_and_cannot_be_read_is_left_alone_by_a_restore(backend):
    lost, whole = backend.batch(b"1"), backend.batch(b"2", b"3")
    backend.answer_all()
    one, _ = backend.store.results(whole.id)
    backend.client.hset(names.job_key(one.id), "options", "{")
    backend.client.hset(names.batch_key(lost.id), "state", "x")
    *_, restored = Restore(backend.store, backend.journal).run()
    assert (restored.batches, restored.finished, restored.queued) == (0, 0, 0)
    assert backend.client.hget(names.job_key(one.id), "options") == "{"
