"""A slot on a real server: every job ends with an answer, a reason, or back in the queue."""

import threading
from io import BytesIO

import pytest
from PIL import Image
from prometheus_client import REGISTRY

from jobs.contract import names
from jobs.contract.models import Batch, JobState, Note, Options, Result
from jobs.storage.store.jobs import Came
from tests.processes import wait_until
from tests.stubs.engine import LOSE_DEVICE, POISON, UNASKED
from tests.stubs.slot import MODEL, PNG
from tests.variants.others import animated
from worker.device.base import GivenBack

pytestmark = pytest.mark.redis


def test_a_job_is_answered_with_its_size_and_usage(slot):
    job = slot.answer(slot.job())
    assert (job.state, job.answer, job.error) == (JobState.SUCCEEDED, "(480, 320) what?", None)
    assert (job.width, job.height, job.usage.visual_tokens, job.attempts) == (480, 320, 480, 1)
    assert job.started_at <= job.finished_at


def test_lines_stand_in_pixels_of_the_image_as_it_was_sent_and_the_journal_knows(slot):
    job = slot.answer(slot.job())
    wanted = [{"text": "(480, 320) what?", "box": [0, 0, 480, 320], "confidence": 1.0}]
    assert job.public(with_lines=True)["lines"] == wanted
    (noted,) = slot.journal.results(None, [job.id])
    assert noted.public(with_lines=True)["lines"] == wanted
    again = slot.answer(slot.job(), "another ticket")
    assert (again.cached, again.public(with_lines=True)["lines"]) == (True, wanted)


def test_lines_of_an_image_that_was_scaled_down_stand_in_pixels_of_the_original(slot):
    large = BytesIO()
    Image.new("RGB", (6000, 4500), "white").save(large, "JPEG")
    job = slot.answer(slot.job(large.getvalue()))
    assert slot.engine.seen[-1] != (6000, 4500)
    assert job.public(with_lines=True)["lines"][0]["box"] == [0, 0, 6000, 4500]


@pytest.mark.parametrize(
    ("most", "reason", "words"), [(2, "length", "(480, 320)"), (3, "stop", "(480, 320) what?")]
)
def test_a_job_says_why_its_answer_ends_and_its_batch_how_many_were_cut(slot, most, reason, words):
    batch = slot.store.create_batch(Batch(model=MODEL))
    before = {end: answers(end) for end in ("stop", "length")}
    job = slot.answer(slot.job(batch_id=batch.id, options=Options(max_new_tokens=most)))
    assert (job.answer, job.finish_reason, job.public()["finish_reason"]) == (words, reason, reason)
    assert next(slot.journal.results(batch.id, [job.id])).finish_reason == reason
    assert slot.store.get_batch(batch.id).cut_short == (reason == "length")
    assert {end: answers(end) - was for end, was in before.items()} == {
        "stop": reason == "stop",
        "length": reason == "length",
    }


def answers(reason: str) -> float:
    """How many were counted that end for this reason."""
    return REGISTRY.get_sample_value("eva01_answers_total", {"model": MODEL, "finish_reason": reason}) or 0.0


def test_a_failed_job_has_no_reason_why_its_answer_ends(slot):
    before = answers("stop"), answers("length")
    assert slot.answer(slot.job(b"nothing")).finish_reason is None
    assert (answers("stop"), answers("length")) == before


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (PNG[:200], "truncated_image"),
        (b"<svg/>", "unsupported_format"),
        (b"", "empty_file"),
        (None, "image_not_found"),
    ],
)
def test_a_bad_image_fails_its_own_job_with_a_reason(slot, data, code):
    job = slot.answer(slot.job(data))
    assert (job.state, job.error.code, job.answer) == (JobState.FAILED, code, None)
    assert slot.answer(slot.job()).state is JobState.SUCCEEDED


def test_what_is_to_be_known_of_an_image_is_kept_with_its_answer(slot):
    animation = animated("GIF")
    for question, is_cached in (("what?", False), ("what?", True), ("else?", False)):
        job = slot.answer(slot.job(animation, question))
        assert (job.state, job.notes, job.cached) == (JobState.SUCCEEDED, (Note.FIRST_FRAME,), is_cached)
        assert job.public()["notes"] == ["first_frame"]


def test_a_failure_on_an_incomplete_image_says_that_it_is(slot):
    job = slot.answer(slot.job(PNG[: len(PNG) * 9 // 10], POISON))
    assert (job.state, job.notes) == (JobState.FAILED, (Note.IMAGE_INCOMPLETE,))


def test_a_model_that_fails_on_an_image_says_so_and_the_size_is_known(slot):
    job = slot.answer(slot.job(question=POISON))
    assert (job.state, job.error.code, job.width) == (JobState.FAILED, "engine_failed", 480)


def test_a_cancelled_job_is_not_begun(slot):
    job = slot.job()
    slot.store.cancel(job.id)
    assert slot.answer(job).state is JobState.CANCELLED
    assert slot.engine.batches == []


def test_a_job_cancelled_while_it_runs_stays_cancelled(slot):
    job = slot.job()
    thread = slot.hold_on_device(job)
    slot.store.cancel(job.id)
    slot.engine.may_go_on.set()
    thread.join(60)
    job = slot.store.get_job(job.id)
    assert (job.state, job.answer) == (JobState.CANCELLED, None)


def test_a_ticket_that_comes_twice_makes_no_second_answer(slot):
    batch = slot.store.create_batch(Batch(model=MODEL))
    job = slot.job(batch_id=batch.id)
    first = slot.answer(job)
    assert slot.answer(job) == slot.answer(job, is_redelivered=True) == first
    assert len(slot.engine.batches) == 1
    assert slot.store.get_batch(batch.id).counts[JobState.SUCCEEDED] == 1


def test_the_ticket_of_a_dead_worker_answers_the_job_that_it_held(slot):
    held, waiting = slot.job(question="held"), slot.job(question="waiting")
    slot.store.take(MODEL, "ticket")
    assert slot.answer(waiting, "another ticket").state is JobState.SUCCEEDED
    assert slot.store.get_job(held.id).state is JobState.RUNNING, "it may still be another worker's"
    job = slot.answer(held, is_redelivered=True)
    assert (job.state, job.attempts, job.crashes) == (JobState.SUCCEEDED, 2, 1)


def test_a_job_that_took_its_workers_down_is_quarantined_untouched(slot):
    job = slot.job()
    slot.store.take(MODEL, "ticket")
    slot.store.take(MODEL, "ticket", Came.REDELIVERED)
    slot.store.begin(job.id)
    job = slot.answer(job, is_redelivered=True)
    assert (job.state, job.error.code, job.crashes, job.attempts) == (JobState.FAILED, "poison", 2, 2)
    assert slot.engine.batches == []


def test_a_ticket_without_a_job_is_let_go(slot):
    slot.answering.answer("ticket", is_redelivered=False)


def test_an_image_has_a_thumbnail_before_its_answer_is_there(slot):
    job = slot.job()
    thread = slot.hold_on_device(job)
    path = names.thumbnail_path(job.image)
    wait_until(lambda: slot.blobs.has(path), "the thumbnail is there")
    assert slot.store.get_job(job.id).state is JobState.RUNNING
    slot.engine.may_go_on.set()
    thread.join(60)
    with Image.open(BytesIO(slot.blobs.get(path))) as small:
        assert (small.format, small.size) == ("WEBP", (64, 43))


def test_two_questions_about_one_image_at_the_same_time_share_its_preparation(slot):
    jobs = [slot.job(question=question) for question in ("which?", "whose?", "why?")]
    stages = ("fetch", "decode", "see", "thumbnail", "prepare")
    before = [timed(stage) for stage in stages]
    threads = [slot.hold_on_device(jobs[0])]
    for job in jobs[1:]:
        threads.append(threading.Thread(target=slot.answer, args=(job, job.id), daemon=True))
        threads[-1].start()
    wait_until(lambda: len(slot.batcher._waiting) == 2, "they wait for the device")
    slot.engine.may_go_on.set()
    for thread in threads:
        thread.join(60)
    answered = [slot.store.get_job(job.id) for job in jobs]
    assert [job.answer for job in answered] == [f"(480, 320) {job.question}" for job in jobs]
    assert {(job.width, job.height, job.cached) for job in answered} == {(480, 320, False)}
    assert slot.engine.seen == [(480, 320)]
    assert [timed(stage) - was for stage, was in zip(stages, before, strict=True)] == [1, 1, 1, 1, 3]
    slot.answer(slot.job(question="and later?"))
    assert len(slot.engine.seen) == 2, "it is not kept"


def test_an_image_that_the_engine_cannot_see_fails_with_its_size(slot):
    slot.engine.blind_width = 480
    job = slot.answer(slot.job())
    assert (job.state, job.error.code, job.width) == (JobState.FAILED, "engine_failed", 480)


@pytest.mark.parametrize(("most", "reason"), [(2, "length"), (3, "stop")])
def test_an_answer_that_is_found_late_not_to_be_what_was_asked_for_is_none(slot, most, reason):
    batch = slot.store.create_batch(Batch(model=MODEL))
    before = answers("length")
    asked = slot.job(question=UNASKED, batch_id=batch.id, options=Options(max_new_tokens=most))
    job = slot.answer(asked)
    assert (job.state, job.error.code, job.answer) == (JobState.FAILED, "incomplete_answer", None)
    # What was said in its place took its time, and says whether more tokens would help.
    assert job.reasoning == "Hm."
    assert (job.finish_reason, job.usage.visual_tokens, job.usage.device_s is None) == (reason, 480, False)
    assert next(slot.journal.results(batch.id, [job.id])) == job
    assert (slot.store.get_batch(batch.id).cut_short, answers("length") - before) == (reason == "length",) * 2
    several = slot.answer(slot.job_about(PNG, PNG, question=UNASKED))
    assert several.error.code == "incomplete_answer"


def timed(stage: str) -> float:
    """The number of measurements of a stage."""
    labels = {"model": MODEL, "stage": stage}
    return REGISTRY.get_sample_value("eva01_stage_seconds_count", labels) or 0.0


def test_an_image_that_cannot_be_read_has_no_thumbnail(slot):
    job = slot.answer(slot.job(PNG[:200]))
    assert not slot.blobs.has(names.thumbnail_path(job.image))


def test_a_thumbnail_that_cannot_be_kept_fails_no_job(slot, tmp_path, caplog):
    (tmp_path / "thumbs").write_text("a file where the folder should be")
    assert slot.answer(slot.job()).state is JobState.SUCCEEDED
    assert "has no thumbnail" in caplog.text


def test_a_result_is_noted_in_the_journal(slot):
    answered, refused = slot.answer(slot.job()), slot.answer(slot.job(b"nothing"))
    assert list(slot.journal.results(None, [answered.id, refused.id])) == [answered, refused]


def test_an_answer_that_comes_second_changes_nothing(slot):
    job = slot.job()
    thread = slot.hold_on_device(job)
    slot.store.finish(job.id, Result(answer="the other worker's"))
    slot.engine.may_go_on.set()
    thread.join(60)
    answered = slot.store.get_job(job.id)
    assert answered.answer == "the other worker's"
    assert list(slot.journal.results(None, [job.id])) == [answered], "it may be its own"


def test_a_broken_device_gives_the_job_back(slot):
    job = slot.job(question=LOSE_DEVICE)
    with pytest.raises(GivenBack):
        slot.answer(job)
    job = slot.store.get_job(job.id)
    assert (job.state, job.started_at, job.error) == (JobState.QUEUED, None, None)


def test_what_was_done_is_counted(slot):
    def count(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, {"model": MODEL, **labels}) or 0.0

    before = {state: count("eva01_jobs_total", state=state) for state in ("running", "succeeded", "failed")}
    stages = ("fetch", "decode", "see", "prepare", "generate", "store")
    timed = {stage: count("eva01_stage_seconds_count", stage=stage) for stage in stages}
    tokens = count("eva01_visual_tokens_total")
    slot.answer(slot.job())
    slot.answer(slot.job(b"nothing"))
    after = {state: count("eva01_jobs_total", state=state) - was for state, was in before.items()}
    assert after == {"running": 2, "succeeded": 1, "failed": 1}
    assert {stage: count("eva01_stage_seconds_count", stage=stage) - was for stage, was in timed.items()} == {
        "fetch": 2,
        "decode": 2,
        "see": 1,
        "prepare": 1,
        "generate": 1,
        "store": 2,
    }
    assert count("eva01_visual_tokens_total") - tokens == 480


def test_a_slot_waits_for_a_redis_whose_memory_is_full(slot, redis_client, caplog):
    job = slot.job(batch_id=slot.store.create_batch(Batch(model=MODEL)).id)
    thread = threading.Thread(target=slot.answer, args=(job,), daemon=True)
    redis_client.config_set("maxmemory", "1")
    try:
        thread.start()
        wait_until(lambda: "Redis refuses" in caplog.text, "the slot says why it waits", every_s=0.005)
    finally:
        redis_client.config_set("maxmemory", "0")
    thread.join(60)
    assert slot.store.get_job(job.id).answer == "(480, 320) what?"


def cancellations(phase: str) -> float:
    labels = {"model": MODEL, "phase": phase}
    return REGISTRY.get_sample_value("eva01_cancellations_total", labels) or 0.0


def test_a_job_cancelled_while_it_waits_for_the_device_never_reaches_it(slot):
    before = cancellations("held"), cancellations("device")
    on_device, waiting = slot.job(question="on the device"), slot.job(question="waiting")
    threads = [
        slot.hold_on_device(on_device),
        threading.Thread(target=slot.answer, args=(waiting, "another ticket"), daemon=True),
    ]
    threads[1].start()
    wait_until(lambda: slot.batcher._waiting, "it waits for the device")
    for job in (on_device, waiting):
        slot.store.cancel(job.id)
    slot.engine.may_go_on.set()
    for thread in threads:
        thread.join(60)
    assert slot.engine.batches == [["on the device"]]
    assert {slot.store.get_job(job.id).state for job in (on_device, waiting)} == {JobState.CANCELLED}
    assert (cancellations("held"), cancellations("device")) == (before[0] + 1, before[1] + 1)


def test_a_job_of_a_batch_leaves_the_cores_to_a_single_question_in_hand(slot):
    batch = slot.store.create_batch(Batch(model=MODEL))
    single, of_batch = slot.job(), slot.job(question="and?", batch_id=batch.id)
    slot.precedence._most_s = 600
    asking = slot.hold_on_device(single)
    waiting = threading.Thread(target=slot.answer, args=(of_batch, "another ticket"), daemon=True)
    waiting.start()
    wait_until(lambda: slot.precedence._changed._waiters, "it waits before its image is decoded")
    slot.engine.may_go_on.set()
    asking.join(30)
    waiting.join(30)
    states = [slot.store.get_job(job.id).state for job in (single, of_batch)]
    assert states == [JobState.SUCCEEDED, JobState.SUCCEEDED]
