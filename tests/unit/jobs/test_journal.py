"""The journal: notes are read back in order; unreadable ones are skipped."""

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest

from jobs.contract import names
from jobs.contract.errors import Unavailable
from jobs.contract.models import Batch, BatchState, Job, JobError, JobState, Usage, new_id
from jobs.storage.files.blobs import BlobStore
from jobs.storage.files.journal import Journal
from tests.processes import wait_until

SHA = "ab" * 32
HOSTILE = 'a/"b"\n<script>,=1+1 名前 🖼️\u2028.png'


@pytest.fixture(params=["folder", "memory"])
def blobs(request, tmp_path) -> BlobStore:
    url = (tmp_path / "blobs").as_uri() if request.param == "folder" else "memory:///"
    return BlobStore(url, patience_s=0)


@pytest.fixture
def journal(blobs) -> Journal:
    return Journal(blobs)


def batch_of(**fields) -> Batch:
    return Batch(model="nano", question="What?", **fields)


def job_of(batch: Batch | None, file: str = "a.png", **fields) -> Job:
    common = {"batch_id": batch and batch.id, "file": file, "question": "What?", "model": "nano"}
    return Job.model_validate(common | {"images": (SHA,)} | fields)


def a_millisecond_passes() -> None:
    """Sleep for a millisecond, so that the next id sorts after the last."""
    before = new_id()[:12]
    wait_until(lambda: new_id()[:12] > before, "the clock goes on")


def files(jobs) -> list[str]:
    return [job.file for job in jobs]


def test_a_batch_comes_back_as_it_was_noted_last_without_its_counters(journal):
    batch = batch_of(name=HOSTILE)
    journal.note_batch(batch.model_copy(update={"rate_per_s": 2.0}))
    assert list(journal.batches()) == [batch]
    closed = batch.model_copy(update={"state": BatchState.CLOSED, "closed_at": datetime.now(UTC)})
    journal.note_batch(closed)
    assert list(journal.batches()) == [closed]


def test_jobs_come_back_whole_and_in_the_order_they_came(journal):
    batch = batch_of()
    refused = job_of(
        batch,
        "r",
        images=(),
        is_refused=True,
        state=JobState.FAILED,
        error=JobError(code="not_an_image", message="No."),
    )
    parts = [
        [job_of(batch, HOSTILE), refused],
        [job_of(batch, "c")],
        [job_of(batch, f"{n}") for n in range(50)],
    ]
    for part in parts:
        journal.note_jobs(batch.id, part)
        a_millisecond_passes()
    assert list(journal.jobs(batch.id)) == [job for part in parts for job in part]


def test_a_request_without_jobs_leaves_nothing(journal, blobs):
    journal.note_jobs(new_id(), [])
    assert list(blobs.list("batches")) == []


def test_answers_come_back_as_they_are_asked_for(journal):
    batch = batch_of()
    usage = Usage(visual_tokens=7, confidence=0.5)
    done = [job_of(batch, f"{n}", state="succeeded", answer=HOSTILE, usage=usage) for n in range(100)]
    for job in done:
        journal.note_result(job)
    assert set(journal.answered(batch.id)) == {job.id for job in done}
    wanted = [done[5], done[3], done[90]]
    assert list(journal.results(batch.id, [wanted[0].id, new_id(), wanted[1].id, wanted[2].id])) == wanted


def test_a_job_that_runs_again_is_not_noted_as_finished(journal):
    journal.note_result(job_of(None, state="queued"))
    assert list(journal.answered(None)) == []


def test_single_jobs_are_kept_apart_from_batches(journal):
    batch, alone = batch_of(), job_of(None, state="succeeded", answer="red")
    journal.note_jobs(batch.id, [job_of(batch)])
    journal.note_jobs(None, [alone])
    journal.note_result(alone)
    assert list(journal.jobs(None)) == [alone]
    assert list(journal.answered(None)) == [alone.id]
    assert list(journal.results(None, [alone.id])) == [alone]


def test_what_belongs_to_a_moment_is_not_noted(journal):
    held = job_of(None, ticket="t", queued_at=datetime.now(UTC))
    journal.note_jobs(None, [held])
    (noted,) = journal.jobs(None)
    assert (noted.ticket, noted.queued_at) == (None, None)


def test_an_answer_that_is_dropped_is_gone_and_the_others_stay(journal):
    jobs = [job_of(None, f"{n}", state="failed") for n in range(3)]
    journal.note_result(jobs[0])
    journal.note_result(jobs[1])
    journal.drop_results([jobs[2], jobs[1]])
    assert list(journal.answered(None)) == [jobs[0].id]


def test_forgetting_leaves_what_belongs_to_others(journal, blobs):
    kept, gone, alone = batch_of(), batch_of(), job_of(None, state="failed")
    for batch in (kept, gone):
        journal.note_batch(batch)
        journal.note_jobs(batch.id, [job_of(batch)])
        journal.note_result(job_of(batch, state="failed"))
    journal.note_jobs(None, [alone])
    journal.note_result(alone)
    blobs.put_image(SHA, b"pixels")
    journal.forget_batch(gone.id)
    journal.forget_jobs([alone.id])
    paths = set(blobs.list(""))
    assert {path.split("/")[1] for path in paths if path.startswith("batches")} == {kept.id}
    assert len(paths) == 4
    assert names.image_path(SHA) in paths
    assert blobs.list_folders("batches") == [names.batch_folder(kept.id)]


def test_since_leaves_out_what_was_accepted_before(journal, blobs):
    batch, now = batch_of(), datetime.now(UTC)
    journal.note_batch(batch)
    journal.note_jobs(batch.id, [job_of(batch, "new")])
    an_hour_ago = f"{int((now.timestamp() - 3600) * 1000):012x}" + new_id()[12:]
    old = names.manifest_path(batch.id, an_hour_ago)
    blobs.put(old, job_of(batch, "old").model_dump_json().encode())
    assert files(journal.jobs(batch.id)) == ["old", "new"]
    assert files(journal.jobs(batch.id, now - timedelta(minutes=1))) == ["new"]
    assert files(journal.jobs(batch.id, now + timedelta(minutes=1))) == []


def test_since_leaves_out_batches_that_had_ended_before(journal):
    now = datetime.now(UTC)
    ended, still_open = batch_of(state="closed", closed_at=now - timedelta(days=1)), batch_of()
    journal.note_batch(ended)
    journal.note_batch(still_open)
    assert list(journal.batches(now - timedelta(hours=1))) == [still_open]
    assert len(list(journal.batches())) == 2


def test_a_torn_record_is_named_and_passed_over(journal, blobs, caplog):
    batch = batch_of()
    whole, torn = job_of(batch, "whole"), job_of(batch, "torn")
    text = whole.model_dump_json() + "\n" + torn.model_dump_json()
    blobs.put(names.manifest_path(batch.id, "0" * 32), text[:-20].encode())
    blobs.put(names.manifest_path(batch.id, "1" * 32), b"")
    blobs.put(names.batch_path(batch.id), b"\xff\x00")
    with caplog.at_level(logging.WARNING):
        assert list(journal.jobs(batch.id)) == [whole]
        assert list(journal.batches()) == []
    assert names.manifest_path(batch.id, "0" * 32) in caplog.text
    assert names.batch_path(batch.id) in caplog.text


def test_records_of_a_newer_version_are_read_without_what_is_unknown(journal, blobs):
    batch = batch_of()
    job = job_of(batch)
    newer = json.loads(job.model_dump_json()) | {
        "colour": 1,
        "options": {"max_new_tokens": 5, "style": "terse"},
    }
    blobs.put(names.manifest_path(batch.id, new_id()), json.dumps(newer).encode())
    (read,) = journal.jobs(batch.id)
    assert (read.id, read.options.max_new_tokens) == (job.id, 5)


def test_a_store_that_is_away_is_said(tmp_path):
    (tmp_path / "batches").write_text("a file where the folder should be")
    journal = Journal(BlobStore(tmp_path.as_uri(), patience_s=0))
    with pytest.raises(Unavailable):
        journal.note_batch(batch_of())
