"""Pages of PDFs in a slot, on a real server: drawn as is asked for, and their text kept."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from jobs.contract import names
from jobs.contract.asking.pages import Pages
from jobs.contract.models import Job, JobState, Note, Options
from tests.files import pdfs
from tests.files.pdfs import BLUE, GREEN, RED, Page
from tests.processes import wait_until
from tests.stubs.slot import Slot

pytestmark = pytest.mark.redis
THREE = pdfs.document(Page(RED, "One"), Page(GREEN, "Two", (100, 200)), Page(BLUE, "", (300, 100)))
PDF: dict[str, Any] = {"media_types": ("application/pdf",), "pages": 3}


def told(slot: Slot, **fields: Any) -> Job:
    return slot.answer(slot.job(THREE, **{**PDF, **fields}))


def texts(slot: Slot) -> set[str]:
    return {path.rpartition("/")[2] for path in slot.blobs.list("texts")}


def test_each_page_is_drawn_at_the_usual_resolution(viewer):
    sizes = [told(viewer, page=number).answer for number in (1, 2, 3)]
    assert sizes == ["(417, 209) what?", "(209, 417) what?", "(625, 209) what?"]


def test_who_asks_at_another_resolution_gets_another_answer(viewer):
    usual, fine = told(viewer, page=1), told(viewer, page=1, options=Options(dpi=72))
    assert (usual.answer, fine.answer) == ("(417, 209) what?", "(200, 100) what?")
    assert (fine.cached, fine.width, fine.height) == (False, 200, 100)
    same = told(viewer, page=1, options=Options(dpi=150))
    assert (same.answer, same.cached) == (usual.answer, True)


def test_pages_together_are_one_question_to_a_model(viewer):
    job = told(viewer, options=Options(pages=Pages.TOGETHER, dpi=72))
    assert job.answer == "(200, 100) (100, 200) (300, 100) what?"
    assert job.usage
    assert (job.notes, job.usage.pages, job.width) == ((), 3, 200)
    first = told(viewer, options=Options(dpi=72))
    assert (first.answer, first.notes) == ("(200, 100) what?", (Note.FIRST_PAGE,))


def test_pages_of_several_files_are_together_in_their_order(viewer):
    options = Options(pages=Pages.TOGETHER, dpi=72)
    job = viewer.answer(viewer.job_about(pdfs.document(Page(sides=(50, 60))), THREE, options=options))
    assert job.answer == "(50, 60) (200, 100) (100, 200) (300, 100) what?"
    assert [look.pages for look in job.looks] == [None, 3]


def test_an_engine_that_reads_whole_files_reads_all_pages_or_one(reader):
    assert told(reader, options=Options(dpi=72)).answer == (
        "(200, 100) what?\n\n(100, 200) what?\n\n(300, 100) what?"
    )
    each = Options(dpi=72, pages=Pages.EACH)
    assert told(reader, page=2, options=each).answer == "(100, 200) what?"


def test_the_text_of_pages_that_were_drawn_is_kept_and_goes_with_the_image(reader):
    job = told(reader)
    assert texts(reader) == {"1.txt", "2.txt"}
    assert job.image
    assert reader.blobs.get(names.text_path(job.image, 2)) == b"Two"
    reader.blobs.delete_images([job.image])
    assert texts(reader) == set()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (pdfs.encrypted(b"x"), "pdf_password"),
        (pdfs.bomb(), "pdf_too_costly"),
        (THREE[:300], "truncated_image"),
        (pdfs.document(Page(sides=(14173, 14173))), "too_many_pixels"),
        (pdfs.many_pages(201), "too_many_pages"),
    ],
)
def test_what_cannot_be_drawn_fails_its_job_and_no_other(viewer, data, code):
    job = viewer.answer(viewer.job(data))
    assert (job.state, job.error and job.error.code) == (JobState.FAILED, code)
    assert viewer.answer(viewer.job()).state is JobState.SUCCEEDED


def test_a_page_whose_reader_is_killed_fails_its_job_and_no_other(viewer):
    job = viewer.job(pdfs.endless())
    with ThreadPoolExecutor(1) as threads:
        ended = threads.submit(viewer.answer, job)
        wait_until(pdfs.readers, "a process draws the page")
        for reader in pdfs.readers():
            reader.kill()
        job = ended.result(60)
    assert (job.state, job.error and job.error.code) == (JobState.FAILED, "pdf_too_costly")
    assert viewer.answer(viewer.job(pdfs.document())).state is JobState.SUCCEEDED
    assert not pdfs.readers()


def test_a_page_that_is_too_large_is_named(viewer):
    data = pdfs.document(Page(), Page(sides=(14173, 14173)))
    job = viewer.answer(viewer.job(data, page=2, pages=2))
    assert job.error
    assert job.error.message.startswith("Page 2 of 2: At 150 dpi:")
    assert viewer.answer(viewer.job(data, page=1, pages=2)).state is JobState.SUCCEEDED
