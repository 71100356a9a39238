"""The answer cache: the same image and recipe get the earlier answer, without the device."""

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest
import redis
from prometheus_client import REGISTRY

from jobs.contract import names
from jobs.contract.asking.chat import Role, Turn
from jobs.contract.asking.fields import AnswerField, format_of
from jobs.contract.asking.response_format import FormatType, ResponseFormat
from jobs.contract.models import Batch, Job, JobState, Options, Result
from jobs.storage.store.jobs import Came
from tests.files.drawing import Scene
from tests.processes import wait_until
from tests.stubs.engine import POISON
from tests.stubs.processes import ANSWERS, QUESTIONS, SHA256
from tests.stubs.processes import MODEL as STUB
from tests.stubs.slot import MAX_NEW_TOKENS, MODEL, PNG, Slot
from worker.job.prompt import told

pytestmark = pytest.mark.redis

OTHER = Scene("black", (("blue", "square"),)).encode()


def ask(slot: Slot, data: bytes = PNG, question: str = "what?", **fields) -> Job:
    return slot.answer(slot.job(data, question, **fields))


def with_cache(slot: Slot, **cache) -> None:
    """Give the slot a cache with other settings."""
    slot.answering = replace(slot.answering, cache=slot.cache(**cache))


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"model": MODEL, **labels}) or 0.0


# Hits


def test_who_asks_the_same_gets_the_same_and_the_engine_is_not_asked(slot):
    first, second = ask(slot), ask(slot)
    assert (first.cached, second.cached) == (False, True)
    assert first.usage
    assert second.usage == first.usage.model_copy(update={"device_s": None}), "it took nothing of the device"
    same = ("state", "answer", "finish_reason", "width", "height", "error", "recipe", "attempts")
    assert [getattr(second, name) for name in same] == [getattr(first, name) for name in same]
    assert slot.engine.batches == [["what?"]]
    assert list(slot.journal.results(None, [second.id])) == [second]


def with_prompt(slot: Slot, prompt: str) -> None:
    slot.answering = replace(slot.answering, cache=slot.cache(prompt=prompt), prompt=prompt)


def test_what_is_told_around_a_question_makes_another_answer_and_the_record_keeps_the_question(slot):
    with_prompt(slot, "Be brief. {question} In one word.")
    first, second = ask(slot), ask(slot)
    assert (first.question, first.cached, second.cached) == ("what?", False, True)
    assert slot.engine.batches == [["Be brief. what? In one word."]]
    with_prompt(slot, "Be long. {question}")
    assert not ask(slot).cached
    with_prompt(slot, "{question}")
    assert not ask(slot).cached
    assert ask(slot, question="Be long. what?").cached, "the model is told the same"
    assert [one for batch in slot.engine.batches for one in batch][1:] == ["Be long. what?", "what?"]


def test_in_a_chat_it_is_told_around_what_is_asked_last(slot):
    turns = tuple(
        Turn(role=role, parts=parts)
        for role, parts in (
            (Role.SYSTEM, ("Speak.",)),
            (Role.USER, (None, "What?")),
            (Role.ASSISTANT, ("A dog.",)),
            (Role.USER, ("Which", "breed?")),
        )
    )
    job = slot.job(options=Options(chat=turns))
    _, options = told("Say {question} now", job)
    assert options.chat
    assert [turn.parts for turn in options.chat] == [
        *(turn.parts for turn in turns[:3]),
        ("Say Which", "breed? now"),
    ]
    shown = job.options.model_copy(update={"chat": (Turn(role=Role.USER, parts=(None,)),)})
    _, options = told("Say {question} now", job.model_copy(update={"options": shown}))
    assert options.chat == (Turn(role=Role.USER, parts=(None, "Say  now")),)
    with_prompt(slot, "Say {question}")
    first = slot.answer(job)
    with_prompt(slot, "Tell {question}")
    assert not slot.answer(slot.job(options=Options(chat=turns))).cached
    assert first.options.chat == turns


def test_what_is_known_is_neither_fetched_nor_decoded_nor_prepared(slot):
    earlier = ask(slot)
    slot.blobs.delete_images([earlier.image])
    again = Job(file="b.png", question=earlier.question, model=MODEL, images=(earlier.image,))
    job, _ = slot.store.create_job(again)
    stages = ("fetch", "decode", "see", "prepare", "thumbnail")
    before = [count("eva01_stage_seconds_count", stage=stage) for stage in stages]
    assert slot.answer(job).cached
    assert [count("eva01_stage_seconds_count", stage=stage) for stage in stages] == before


def test_options_count_as_they_take_effect(slot):
    ask(slot)
    assert ask(slot, options=Options(max_new_tokens=MAX_NEW_TOKENS)).cached


def test_a_cut_answer_is_known_as_cut_and_given_to_nobody_who_may_have_a_longer_one(slot):
    short, long = Options(max_new_tokens=2), Options(max_new_tokens=3)
    cut = ask(slot, options=short)
    assert (cut.answer, cut.finish_reason) == ("(480, 320)", "length")
    whole = ask(slot, options=long)
    assert (whole.answer, whole.finish_reason, whole.cached) == ("(480, 320) what?", "stop", False)
    for options, earlier in ((short, cut), (long, whole)):
        again = ask(slot, options=options)
        assert (again.answer, again.finish_reason, again.cached) == (
            earlier.answer,
            earlier.finish_reason,
            True,
        )
    assert ask(slot).answer == whole.answer, "as long as the worker's settings allow"


def test_a_cut_answer_that_is_known_counts_in_its_batch(slot):
    options = Options(max_new_tokens=2)
    ask(slot, options=options)
    batch = slot.store.create_batch(Batch(model=MODEL, options=options))
    assert ask(slot, options=options, batch_id=batch.id).cached
    assert slot.store.get_batch(batch.id).cut_short == 1


def test_an_answer_of_which_nobody_noted_whether_it_is_whole_is_asked_for_again(slot, redis_client):
    earlier = ask(slot)
    redis_client.hdel(names.job_key(earlier.id), "finish_reason")
    again = ask(slot)
    assert (again.cached, again.finish_reason) == (False, "stop")


def test_a_suspect_may_have_an_answer_that_is_known(slot):
    ask(slot)
    job = slot.job()
    slot.store.take(MODEL, "ticket")
    slot.store.take(MODEL, "ticket", Came.REDELIVERED)
    job = slot.answer(job, is_redelivered=True)
    assert (job.cached, job.crashes) == (True, 1)


def test_hits_and_misses_are_counted_and_tokens_are_those_that_ran(slot):
    outcomes = {outcome: count("eva01_answer_cache_total", outcome=outcome) for outcome in ("hit", "miss")}
    tokens, answered = count("eva01_visual_tokens_total"), count("eva01_jobs_total", state="succeeded")
    for _ in range(3):
        ask(slot)
    assert count("eva01_answer_cache_total", outcome="hit") == outcomes["hit"] + 2
    assert count("eva01_answer_cache_total", outcome="miss") == outcomes["miss"] + 1
    assert count("eva01_visual_tokens_total") == tokens + 480
    assert count("eva01_jobs_total", state="succeeded") == answered + 3


# Misses


def asking_for(*fields: str) -> Options:
    return Options(response_format=format_of([AnswerField(name=name) for name in fields]))


@pytest.mark.parametrize(
    "other",
    [
        {"question": "which?"},
        {"data": OTHER},
        {"options": Options(max_new_tokens=7)},
        {"options": asking_for("kind")},
        {"options": Options(response_format=ResponseFormat(type=FormatType.JSON_OBJECT))},
    ],
)
def test_who_asks_anything_else_is_answered_by_the_engine(slot, other):
    ask(slot)
    assert not ask(slot, **other).cached
    assert len(slot.engine.batches) == 2


def test_an_answer_under_one_schema_is_no_answer_under_another(slot):
    kind, total = asking_for("kind"), asking_for("total")
    assert not ask(slot, options=kind).cached
    again, other = ask(slot, options=kind), ask(slot, options=total)
    assert (again.cached, other.cached) == (True, False)
    assert len(slot.engine.batches) == 2


def test_the_order_in_which_a_schema_names_things_is_that_of_its_answers(slot):
    """A model fills one field after the other: what it says of the second depends on the first."""

    def of(*names: str) -> Options:
        schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
        return Options(response_format=ResponseFormat.of_schema(schema))

    assert not ask(slot, options=of("total", "kind")).cached
    assert not ask(slot, options=of("kind", "total")).cached


def test_other_weights_have_answers_of_their_own_and_the_first_are_known_still(slot):
    ask(slot)
    with_cache(slot, identity="other weights")
    assert [ask(slot).cached, ask(slot).cached] == [False, True]
    with_cache(slot)
    assert ask(slot).cached
    assert len(slot.engine.batches) == 2


def test_another_model_has_answers_of_its_own(slot):
    job = slot.job()
    other = job.model_copy(update={"model": "other"})
    assert slot.cache().recipe(job) != slot.cache().recipe(other)


def test_with_the_setting_off_nothing_is_found_and_nothing_noted(slot):
    before = count("eva01_answer_cache_total", outcome="miss")
    with_cache(slot, is_on=False)
    assert [ask(slot).cached, ask(slot).cached] == [False, False]
    assert count("eva01_answer_cache_total", outcome="miss") == before
    with_cache(slot)
    assert [ask(slot).cached, ask(slot).cached] == [False, True]
    with_cache(slot, is_on=False)
    assert not ask(slot).cached


def test_a_failure_is_never_found_and_runs_again_when_it_is_retried(slot):
    failed = [ask(slot, question=POISON), ask(slot, question=POISON), ask(slot, b"no image")]
    assert [(job.state, job.recipe) for job in failed] == [(JobState.FAILED, None)] * 3
    slot.store.retry(failed[0].id)
    assert slot.answer(failed[0]).state is JobState.FAILED
    assert len(slot.engine.batches) == 3


# Ends


def test_an_answer_is_forgotten_with_the_batch_that_has_it(slot):
    batch = slot.store.create_batch(Batch(model=MODEL))
    first = ask(slot, batch_id=batch.id)
    slot.store.mark_removed(batch.id)
    second = ask(slot)
    assert not second.cached
    slot.store.remove_jobs(batch.id, 10)
    assert ask(slot).cached, "the later one has it now"
    assert slot.store.cancelled([first.id]) == {first.id}


def test_an_answer_outlives_the_first_batch_that_had_it(slot):
    batch = slot.store.create_batch(Batch(model=MODEL))
    ask(slot, batch_id=batch.id)
    later = ask(slot)
    slot.store.remove_jobs(batch.id, 10)
    assert slot.store.known_answer(later.images, later.recipe) == later
    slot.store.remove_job(later.id)
    assert not slot.store.redis.exists(names.image_answers_key(later.images[0]))
    assert not ask(slot).cached


def test_a_job_that_is_cancelled_while_its_answer_is_looked_up_stays_so(slot, monkeypatch):
    ask(slot)
    job, find = slot.job(), slot.answering.cache.find

    def cancel_and_find(wanted: Job) -> Result | None:
        slot.store.cancel(wanted.id)
        return find(wanted)

    monkeypatch.setattr(slot.answering.cache, "find", cancel_and_find)
    job = slot.answer(job)
    assert (job.state, job.answer, job.recipe, job.cached) == (JobState.CANCELLED, None, None, False)


def test_an_answer_that_comes_too_late_is_not_noted(slot):
    job = slot.job()
    thread = slot.hold_on_device(job)
    slot.store.cancel(job.id)
    slot.engine.may_go_on.set()
    thread.join(60)
    assert not slot.store.redis.exists(names.image_answers_key(job.image))


def test_a_slot_waits_for_a_redis_that_is_away_while_it_looks(slot, monkeypatch):
    ask(slot)
    is_back, asked = threading.Event(), threading.Event()
    known_answer = slot.store.known_answer

    def away(images: Sequence[str], recipe: str, owner: str | None) -> Job | None:
        asked.set()
        if not is_back.is_set():
            raise redis.ConnectionError("away")
        return known_answer(images, recipe, owner)

    monkeypatch.setattr(slot.store, "known_answer", away)
    job = slot.job()
    thread = threading.Thread(target=slot.answer, args=(job,), daemon=True)
    thread.start()
    assert asked.wait(60)
    is_back.set()
    thread.join(60)
    assert slot.store.get_job(job.id).cached


# With real processes


@pytest.mark.process
def test_a_batch_that_asks_what_another_has_asked_is_answered_without_the_engine(workers):
    worker = workers.start_worker(EVA01_ANSWER_CACHE="true").wait_until_ready()

    def answered() -> list[Job]:
        batch = workers.store.create_batch(Batch(model=STUB))
        for question in QUESTIONS:
            job = Job(
                batch_id=batch.id,
                file=f"{question}.png",
                question=question,
                model=STUB,
                images=(SHA256,),
            )
            workers.store.create_job(job)
        workers.store.close_batch(batch.id)
        wait_until(lambda: workers.store.get_batch(batch.id).is_done, "all are answered")
        return list(workers.store.results(batch.id))

    first, second = answered(), answered()
    assert [job.answer for job in first] == [job.answer for job in second] == ANSWERS
    assert ({job.cached for job in first}, {job.cached for job in second}) == ({False}, {True})
    worker.assert_it_says("1 images", len(QUESTIONS))
    worker.assert_it_says("answered from an earlier job", len(QUESTIONS))
