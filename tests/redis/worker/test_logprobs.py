"""How likely each token of an answer was is kept beside the answer, and Redis knows nothing of it."""

from dataclasses import replace
from typing import Any

import pytest

from jobs.contract import names
from jobs.contract.codes import Code
from jobs.contract.errors import Unavailable
from jobs.contract.models import Batch, Job, JobState, Options
from tests.stubs.slot import MAX_LOGPROBS_BYTES, MODEL, PNG, Slot

pytestmark = pytest.mark.redis

ASKED = Options(top_logprobs=2)
WORDS = ["(480,", "320)", "what?"]


def kept(slot: Slot, job: Job) -> Any:
    """What is kept of a job's tokens, if it has an answer."""
    return slot.journal.logprobs(job.batch_id, {job.id: job.answer}).get(job.id)


def away(*_: object) -> None:
    raise Unavailable("The blob store does not answer.", code=Code.BLOB_STORE_UNAVAILABLE)


def folder(slot: Slot) -> list[str]:
    return [path for path in slot.blobs.list("") if "logprobs" in path]


def test_they_are_in_the_journal_and_not_in_redis(slot, redis_client):
    job = slot.answer(slot.job(options=ASKED))
    assert [token["token"] for token in kept(slot, job)] == WORDS
    first = {"token": "(480,", "logprob": -0.5, "bytes": [*b"(480,"]}
    assert kept(slot, job)[0] == {**first, "top_logprobs": [first, first]}
    batch = slot.store.create_batch(Batch(model=MODEL, options=ASKED))
    batched = slot.answer(slot.job(options=ASKED, batch_id=batch.id))
    assert kept(slot, batched) == kept(slot, job)
    assert sorted(folder(slot)) == [
        f"batches/{batch.id}/logprobs/{batched.id}.json",
        f"logprobs/{job.id}.json",
    ]
    record = redis_client.hgetall(names.job_key(job.id))
    assert [name for name, value in record.items() if "logprob" in name + value] == ["options"]


def test_who_does_not_ask_gets_none_and_nothing_is_kept(slot):
    job = slot.answer(slot.job())
    assert job.state is JobState.SUCCEEDED
    assert (kept(slot, job), folder(slot)) == (None, [])


def test_a_job_about_several_images_has_those_of_its_one_answer(slot):
    job = slot.answer(slot.job_about(PNG, PNG, options=ASKED))
    assert [token["token"] for token in kept(slot, job)] == (job.answer or "").split(" ")


def test_an_answer_with_more_than_may_be_kept_fails_and_none_is_cut(slot):
    options = Options(top_logprobs=20)
    job = slot.answer(slot.job(question="what? " * 10, options=options))
    assert (job.state, job.answer, job.error.code) == (JobState.FAILED, None, "too_many_logprobs")
    assert f"{MAX_LOGPROBS_BYTES:,} (EVA01_MAX_LOGPROBS_BYTES)" in job.error.message
    assert folder(slot) == []


def test_an_answer_whose_tokens_cannot_be_kept_is_none_and_may_be_asked_for_again(slot, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(slot.blobs, "put", away)
        job = slot.answer(slot.job(options=ASKED))
    assert (job.state, job.error.code) == (JobState.FAILED, "blob_store_unavailable")
    assert slot.store.retry(job.id)
    job = slot.answer(job, "another")
    assert [token["token"] for token in kept(slot, job)] == WORDS


def test_what_was_cancelled_on_the_device_leaves_nothing(slot):
    job = slot.job(options=ASKED)
    thread = slot.hold_on_device(job)
    slot.store.cancel(job.id)
    slot.engine.may_go_on.set()
    thread.join(30)
    assert (slot.store.get_job(job.id).state, folder(slot)) == (JobState.CANCELLED, [])


def test_an_answer_of_a_worker_that_was_too_late_is_not_taken_for_the_jobs(slot):
    job = slot.answer(slot.job(options=ASKED))
    slot.journal.note_logprobs(job, "another answer", b"[]")
    assert kept(slot, job) is None


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"answer":1}', b'{"answer":"(480, 320) what?","content":{}}']
)
def test_what_cannot_be_read_is_passed_over(slot, text):
    job = slot.answer(slot.job(options=ASKED))
    slot.blobs.put(names.logprobs_path(None, job.id), text)
    assert kept(slot, job) is None


# An answer that is known


def test_an_answer_without_them_is_not_reused_for_who_asks_for_them(slot):
    slot.answer(slot.job())
    asked = slot.answer(slot.job(options=ASKED))
    assert (asked.cached, len(kept(slot, asked))) == (False, 3)
    more = slot.answer(slot.job(options=Options(top_logprobs=3)))
    assert (more.cached, len(kept(slot, more)[0]["top_logprobs"])) == (False, 3)
    assert slot.answer(slot.job()).cached


def test_an_answer_that_is_known_comes_with_a_copy_that_outlives_the_first(slot):
    batch = slot.store.create_batch(Batch(model=MODEL, options=ASKED))
    first = slot.answer(slot.job(options=ASKED, batch_id=batch.id))
    again = slot.answer(slot.job(options=ASKED))
    assert (again.cached, kept(slot, again)) == (True, kept(slot, first))
    slot.journal.forget_batch(batch.id)
    assert kept(slot, first) is None
    assert [token["token"] for token in kept(slot, again)] == WORDS


def test_an_answer_of_which_they_are_lost_is_asked_for_again(slot):
    first = slot.answer(slot.job(options=ASKED))
    slot.blobs.delete([names.logprobs_path(None, first.id)])
    again = slot.answer(slot.job(options=ASKED))
    assert (again.cached, len(kept(slot, again))) == (False, 3)


def test_without_the_blob_store_an_answer_is_not_taken_over(slot, monkeypatch):
    slot.answer(slot.job(options=ASKED))
    monkeypatch.setattr(slot.journal, "logprobs", away)
    assert not slot.answer(slot.job(options=ASKED)).cached


def test_forgetting_single_jobs_forgets_their_tokens(slot):
    job = slot.answer(slot.job(options=ASKED))
    slot.journal.forget_jobs([job.id])
    assert folder(slot) == []


def test_a_smaller_limit_fails_what_was_let_in_before(slot):
    slot.answering = replace(slot.answering, logprobs=replace(slot.logprobs, max_bytes=10))
    assert slot.answer(slot.job(options=ASKED)).error.code == "too_many_logprobs"
