"""Resolutions that jobs ask for, in a slot: what is seen at which, what is known already, what is refused."""

import threading
from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from jobs.contract.asking.pixels import PixelRange
from jobs.contract.models import JobState, Options
from tests.files.drawing import Scene
from tests.processes import wait_until
from tests.stubs.slot import READY_IMAGES

pytestmark = pytest.mark.redis

RANGE = PixelRange(least=10_000, default=40_000, most=160_000)
#: 400 × 400; the stub engine sees as many of its rows as `max_pixels` allow.
IMAGE, OTHER = (
    Scene("white", ((color, "circle"),)).encode(width=400, height=400) for color in ("red", "blue")
)


def at(pixels: int | None) -> dict[str, Options]:
    return {"options": Options(max_pixels=pixels)}


@pytest.fixture
def choosing(viewer):
    """A slot whose engine lets jobs choose."""
    viewer.engine.max_pixels = RANGE
    viewer.answering = replace(viewer.answering, cache=viewer.cache())
    return viewer


def test_the_engine_sees_an_image_at_the_pixels_that_were_asked_for(choosing):
    assert choosing.answer(choosing.job(IMAGE, **at(20_000))).answer == "(400, 50) what?"
    assert choosing.answer(choosing.job(IMAGE, **at(80_000))).answer == "(400, 200) what?"
    several = choosing.answer(choosing.job_about(IMAGE, OTHER, **at(20_000)))
    assert several.answer == "(400, 50) (400, 50) what?"


def test_an_image_is_decoded_with_as_many_pixels_as_are_asked_for(choosing):
    choosing.engine.max_pixels = PixelRange(least=1, default=1_000_000, most=9_000_000)
    large = BytesIO()
    Image.new("RGB", (4000, 3000), "white").save(large, "JPEG")
    usual = choosing.answer(choosing.job(large.getvalue()))
    sharp = choosing.answer(choosing.job(large.getvalue(), **at(9_000_000)))
    assert choosing.engine.seen[0][0] < 4000 == choosing.engine.seen[1][0]
    assert (usual.width, usual.height) == (sharp.width, sharp.height) == (4000, 3000)


def test_questions_about_one_image_at_the_same_time_see_it_each_at_its_own_pixels(choosing):
    first = choosing.job(IMAGE, **at(20_000))
    thread = choosing.hold_on_device(first)
    second = choosing.job(IMAGE, **at(40_000))
    other = threading.Thread(target=choosing.answer, args=(second, "other"), daemon=True)
    other.start()
    wait_until(lambda: len(choosing.engine.seen) == 2, "both are seen", every_s=0.005)
    choosing.engine.may_go_on.set()
    for one in (thread, other):
        one.join(30)
    answers = [choosing.store.get_job(job.id).answer for job in (first, second)]
    assert answers == ["(400, 50) what?", "(400, 100) what?"]


def test_another_resolution_is_another_answer_and_the_usual_one_may_be_said(choosing):
    assert not choosing.answer(choosing.job(IMAGE)).cached
    assert not choosing.answer(choosing.job(IMAGE, **at(20_000))).cached
    assert choosing.answer(choosing.job(IMAGE, **at(20_000))).answer == "(400, 50) what?"
    assert choosing.answer(choosing.job(IMAGE, **at(20_000))).cached
    assert choosing.answer(choosing.job(IMAGE, **at(RANGE.default))).cached
    assert not choosing.answer(choosing.job(IMAGE, **at(RANGE.most))).cached


@pytest.mark.parametrize("pixels", [RANGE.least - 1, RANGE.most + 1])
def test_a_worker_refuses_what_it_does_not_read_at_and_never_answers_at_less(choosing, pixels):
    job = choosing.answer(choosing.job(IMAGE, **at(pixels)))
    assert (job.state, job.error.code) == (JobState.FAILED, "resolution_out_of_range")
    assert f"max_pixels is {pixels:,}; stub takes 10,000 to 160,000" in job.error.message
    assert not choosing.engine.seen


@pytest.mark.parametrize("kind", ["viewer", "reader"])
def test_a_worker_that_lets_nobody_choose_refuses_any(kind, request):
    slot = request.getfixturevalue(kind)
    job = slot.answer(slot.job(IMAGE, **at(40_000)))
    assert (job.error.code, slot.engine.seen) == ("resolution_fixed", [])


def test_an_image_of_many_pixels_takes_the_room_of_several(choosing):
    assert RANGE.weight(RANGE.most) == READY_IMAGES
    thread = choosing.hold_on_device(choosing.job(IMAGE, **at(RANGE.most)))
    second = choosing.job(OTHER, **at(RANGE.default + 1))
    other = threading.Thread(target=choosing.answer, args=(second, "other"), daemon=True)
    other.start()
    wait_until(lambda: len(choosing.answering.ready._line) == 1, "it waits", every_s=0.005)
    usual = threading.Thread(target=choosing.answer, args=(choosing.job(OTHER), "usual"), daemon=True)
    usual.start()
    wait_until(lambda: len(choosing.engine.seen) == 2, "a usual one does not wait", every_s=0.005)
    choosing.engine.may_go_on.set()
    for one in (thread, other, usual):
        one.join(30)
    assert choosing.store.get_job(second.id).answer == "(400, 100) what?"
