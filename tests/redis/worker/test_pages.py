"""The pages of a file in a slot, on a real server: one answer for all of them, or a job for each."""

import threading

import pytest
from prometheus_client import REGISTRY

from jobs.contract import names
from jobs.contract.models import Job, JobState, Note
from tests.files.tiffs import REDUCED, Directory, page, written
from tests.processes import wait_until
from tests.stubs.engine import POISON, SLOW
from tests.stubs.slot import MODEL, Slot
from worker.device.base import GivenBack

pytestmark = pytest.mark.redis
THREE = written([Directory(page(number)) for number in (1, 2, 3)])
ALL = "(101, 80) what?\n\n(102, 80) what?\n\n(103, 80) what?"


def stages(name: str) -> float:
    labels = {"model": MODEL, "stage": name}
    return REGISTRY.get_sample_value("eva01_stage_seconds_count", labels) or 0.0


def test_all_pages_are_read_one_after_the_other_for_one_answer(reader):
    fetched = stages("fetch")
    job = reader.answer(reader.job(THREE, pages=3))
    assert (job.state, job.answer, job.notes) == (JobState.SUCCEEDED, ALL, ())
    assert (job.width, job.height, job.usage.visual_tokens, job.usage.pages) == (101, 80, 306, 3)
    assert reader.engine.batches == [["what?"]] * 3
    assert stages("fetch") - fetched == 2, "for the first page, and once for all others"


def test_a_file_whose_pages_nobody_has_counted_is_read_whole(reader):
    assert reader.answer(reader.job(THREE)).answer == ALL


def test_one_page_is_read_alone_when_it_is_asked_about(reader):
    job = reader.answer(reader.job(THREE, page=2, pages=3))
    assert (job.answer, job.width, job.usage.pages) == ("(102, 80) what?", 102, None)


def test_a_job_about_a_page_is_about_no_other(viewer):
    job = viewer.answer(viewer.job(THREE, page=3, pages=3))
    assert (job.answer, job.notes) == ("(103, 80) what?", ())


def test_an_engine_that_looks_at_one_image_says_that_it_was_the_first_page(viewer):
    for pages in (3, None):
        job = viewer.answer(viewer.job(THREE, pages=pages))
        assert (job.answer, job.notes) == ("(101, 80) what?", (Note.FIRST_PAGE,))
    small = written([Directory(page(9), kind=REDUCED), Directory(page(1))])
    job = viewer.answer(viewer.job(small))
    assert (job.answer, job.notes) == ("(101, 80) what?", ())


def test_a_damaged_page_fails_the_job_and_is_named(reader):
    broken = written([Directory(page(1)), Directory(page(2), tags={273: 10**9}), Directory(page(3))])
    job = reader.answer(reader.job(broken, pages=3))
    assert (job.state, job.error.code, job.answer) == (JobState.FAILED, "truncated_image", None)
    assert job.error.message.startswith("Page 2 of 3: ")
    assert (job.width, job.height) == (101, 80)


def test_a_page_on_which_the_engine_fails_is_named(reader):
    reader.engine.blind_width = 103
    job = reader.answer(reader.job(THREE, pages=3))
    assert (job.state, job.error.code) == (JobState.FAILED, "engine_failed")
    assert job.error.message == "Page 3 of 3: nothing can be seen"
    job = reader.answer(reader.job(THREE, question=POISON, pages=3))
    assert job.error.message.startswith("Page 1 of 3: ")


def test_a_job_that_is_cancelled_between_two_pages_goes_no_further(reader):
    job = reader.job(THREE, pages=3)
    thread = reader.hold_on_device(job)
    reader.store.cancel(job.id)
    reader.engine.may_go_on.set()
    thread.join(60)
    assert not thread.is_alive()
    job = reader.store.get_job(job.id)
    assert (job.state, job.answer) == (JobState.CANCELLED, None)
    assert len(reader.engine.batches) == 1


def test_a_worker_that_stops_between_two_pages_gives_the_job_back_and_another_reads_all(reader, tmp_path):
    job = reader.job(THREE, pages=3)
    ended: list[Exception] = []

    def answer() -> None:
        with pytest.raises(GivenBack) as raised:
            reader.answer(job)
        ended.append(raised.value)

    reader.engine.may_go_on.clear()
    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    wait_until(lambda: reader.engine.batches, "the first page is on the device")
    reader.batcher.give_back()
    reader.engine.may_go_on.set()
    thread.join(60)
    assert ended
    assert reader.store.get_job(job.id).state is JobState.QUEUED
    other = Slot(reader.store.redis, tmp_path, reads_pages=True)
    assert other.answer(job, "another ticket").answer == ALL
    other.batcher.give_back()


def test_a_page_that_takes_too_long_is_named(redis_client, tmp_path):
    slot = Slot(redis_client, tmp_path, reads_pages=True, timeout_s=0.2)
    job = slot.answer(slot.job(THREE, question=SLOW, pages=3))
    assert job.error
    assert (job.error.code, job.error.message[:13]) == ("deadline_exceeded", "Page 1 of 3: ")
    slot.batcher.give_back()


def test_what_was_read_is_known_from_then_on_and_each_page_is_apart(reader):
    whole = reader.answer(reader.job(THREE, pages=3))
    again = reader.answer(reader.job(THREE, pages=3))
    assert whole.usage.device_s is not None
    as_known = whole.usage.model_copy(update={"device_s": None})
    assert (again.answer, again.cached, again.usage) == (ALL, True, as_known)
    second, third = (reader.answer(reader.job(THREE, page=number, pages=3)) for number in (2, 3))
    assert (second.answer, second.cached) == ("(102, 80) what?", False)
    assert (third.answer, third.cached) == ("(103, 80) what?", False)
    assert reader.answer(reader.job(THREE, page=2, pages=3)).cached


def test_each_page_has_a_thumbnail_of_its_own_and_all_go_with_the_image(viewer):
    jobs = [viewer.answer(viewer.job(THREE, page=number, pages=3)) for number in (1, 2, 3)]
    paths = [names.thumbnail_path(jobs[0].image, number) for number in (1, 2, 3)]
    assert len(set(paths)) == 3
    assert all(map(viewer.blobs.has, paths))
    viewer.blobs.delete_images([jobs[0].image])
    assert not any(map(viewer.blobs.has, [*paths, names.image_path(jobs[0].image)]))


def test_a_file_that_is_read_whole_has_a_thumbnail_of_each_page(reader):
    job = reader.answer(reader.job(THREE, pages=3))
    kept = [names.thumbnail_path(job.image, number) for number in (1, 2, 3)]
    assert sorted(reader.blobs.list("thumbs")) == sorted(kept)


def test_a_job_of_a_page_comes_back_from_its_record(reader):
    made = Job(file="a.tif#2", question="", model=MODEL, images=("0" * 64,), page=2, pages=3)
    job, _ = reader.store.create_job(made)
    assert (job.page, job.pages) == (2, 3)
    assert reader.store.get_job(job.id) == job
    reader.journal.note_jobs(None, [job])
    assert [*reader.journal.jobs(None)] == [job]
