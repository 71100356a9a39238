"""Jobs about several images in a slot, on a real server: one answer about all of them, in their order."""

import threading

import pytest

from jobs.contract import names
from jobs.contract.models import JobState, Look, Note, Options
from jobs.contract.saying.lines import unpacked
from tests.files.drawing import Scene
from tests.files.tiffs import Directory, page, written
from tests.processes import wait_until
from tests.stubs.engine import POISON
from tests.stubs.slot import READY_IMAGES

pytestmark = pytest.mark.redis

#: Each tells itself by its width.
ONE, TWO, THREE = (
    Scene("white", (("red", "circle"),)).encode(width=width, height=80) for width in (100, 200, 300)
)
PAGES = written([Directory(page(number)) for number in (1, 2)])
ALL = "(100, 80) (200, 80) (300, 80) what?"


def test_one_answer_is_about_all_images_in_their_order(viewer):
    job = viewer.answer(viewer.job_about(ONE, TWO, THREE))
    assert (job.state, job.answer, job.usage.visual_tokens) == (JobState.SUCCEEDED, ALL, 600)
    assert (job.width, job.height) == (100, 80)
    assert job.looks == tuple(Look(width=width, height=80) for width in (100, 200, 300))
    assert job.lines is None, "a line stands on one image, and which is not known"
    assert [*viewer.journal.results(None, [job.id])] == [job]
    turned = viewer.answer(viewer.job_about(THREE, ONE))
    assert turned.answer == "(300, 80) (100, 80) what?"


def test_a_job_about_one_image_says_nothing_of_several(viewer):
    job = viewer.answer(viewer.job(ONE))
    assert (job.answer, job.looks, job.files) == ("(100, 80) what?", (), ())
    assert not {"looks", "files"} & set(viewer.store.redis.hgetall(names.job_key(job.id)))


def test_the_same_image_may_stand_twice(viewer):
    assert viewer.answer(viewer.job_about(ONE, TWO, ONE)).answer == "(100, 80) (200, 80) (100, 80) what?"


def test_each_image_has_a_thumbnail(viewer):
    job = viewer.answer(viewer.job_about(ONE, TWO, THREE))
    assert all(viewer.blobs.has(names.thumbnail_path(image)) for image in job.images)


def test_an_earlier_answer_is_about_the_same_images_in_the_same_order(viewer):
    first = viewer.answer(viewer.job_about(ONE, TWO))
    again = viewer.answer(viewer.job_about(ONE, TWO))
    assert (again.cached, again.answer, again.looks) == (True, first.answer, first.looks)
    for others in ((TWO, ONE), (ONE,), (ONE, TWO, TWO), (ONE, THREE)):
        assert not viewer.answer(viewer.job_about(*others)).cached
    assert not viewer.answer(viewer.job_about(ONE, TWO, options=Options(max_new_tokens=7))).cached


@pytest.mark.parametrize("kind", ["viewer", "reader"])
def test_an_image_that_cannot_be_read_is_named_and_the_others_are_known(kind, request):
    slot = request.getfixturevalue(kind)
    job = slot.answer(slot.job_about(ONE, TWO[:60], THREE))
    assert (job.state, job.error.code) == (JobState.FAILED, "truncated_image")
    assert job.error.message.startswith("Image 2 of 3, 2.png: ")
    assert job.looks == (Look(width=100, height=80),)


def test_an_image_that_is_gone_and_one_of_which_nothing_is_seen_are_named(viewer):
    gone = viewer.job_about(ONE, TWO)
    viewer.blobs.delete_images([gone.images[1]])
    gone = viewer.answer(gone)
    assert (gone.error.code, gone.error.message[:21]) == ("image_not_found", "Image 2 of 2, 2.png: ")
    viewer.engine.blind_width = 300
    blind = viewer.answer(viewer.job_about(ONE, THREE))
    assert blind.error.message == "Image 2 of 2, 2.png: nothing can be seen"


def test_a_failure_on_all_images_together_names_none_of_them(viewer):
    job = viewer.answer(viewer.job_about(ONE, TWO, question=POISON))
    assert (job.error.code, job.error.message[:6]) == ("engine_failed", "The mo")
    assert len(job.looks) == 2


def test_of_a_file_with_pages_among_several_the_first_is_looked_at_and_the_note_says_whose(viewer):
    job = viewer.answer(viewer.job_about(ONE, PAGES, TWO))
    assert (job.answer, job.notes) == ("(100, 80) (101, 80) (200, 80) what?", (Note.FIRST_PAGE,))
    assert [look.notes for look in job.looks] == [(), (Note.FIRST_PAGE,), ()]


def test_an_engine_that_reads_pages_reads_all_of_all_images_one_after_the_other(reader):
    job = reader.answer(reader.job_about(ONE, PAGES, TWO))
    assert job.answer == "(100, 80) what?\n\n(101, 80) what?\n\n(102, 80) what?\n\n(200, 80) what?"
    assert (reader.engine.batches, job.usage.pages) == ([["what?"]] * 4, 4)
    assert [(place.page, place.right) for place in unpacked(job.lines)] == [
        (1, 100),
        (2, 101),
        (3, 102),
        (4, 200),
    ]
    assert [(look.width, look.pages) for look in job.looks] == [(100, None), (101, 2), (200, None)]
    assert reader.engine.seen == [(100, 80), (101, 80), (102, 80), (200, 80)]


def test_no_more_images_are_ready_than_there_is_room_for_and_who_waits_can_be_cancelled(viewer):
    first, second, third = (viewer.job_about(*some) for some in ((ONE, TWO, THREE), (TWO, ONE), (THREE, TWO)))
    assert READY_IMAGES < 3 + 2
    threads = [viewer.hold_on_device(first)]
    for job, ticket in ((second, "second"), (third, "third")):
        threads.append(threading.Thread(target=viewer.answer, args=(job, ticket), daemon=True))
        threads[-1].start()
        waiting = len(threads) - 1
        wait_until(lambda: len(viewer.answering.ready._line) == waiting, "it waits", every_s=0.005)  # noqa: B023
    assert len(viewer.engine.seen) == 3
    kept = (viewer.preparation._files, viewer.preparation._decoded, viewer.preparation._seen)
    assert not any(one._shared for one in kept), "the device has all that it needs"
    viewer.store.cancel(second.id)
    wait_until(lambda: len(viewer.answering.ready._line) == 1, "the cancelled one leaves", every_s=0.005)
    assert len(viewer.engine.seen) == 3
    viewer.engine.may_go_on.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    answers = [viewer.store.get_job(job.id).answer for job in (first, second, third)]
    assert answers == [ALL, None, "(300, 80) (200, 80) what?"]


def test_a_job_with_more_images_than_there_is_room_for_is_answered_alone(viewer):
    job = viewer.answer(viewer.job_about(*[ONE, TWO] * READY_IMAGES))
    assert len(job.looks) == 2 * READY_IMAGES
