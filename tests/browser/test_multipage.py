"""Files of several pages: sent as one file, shown as a result for each page."""

import io

import pytest
from playwright.sync_api import expect

from jobs.contract.models import Note, Result
from jobs.storage.connection.client import connect
from jobs.storage.store import JobStore
from tests.browser.given import make_batch
from tests.browser.pages import AskPage, BatchPage
from tests.browser.test_upload import Sent
from tests.files.drawing import Scene

SCENES = [Scene("white", ((color, shape),)) for color, shape in (("red", "circle"), ("blue", "square"))]
ANSWERS = {"scan.tif": SCENES[0].description, "scan.tif#2": SCENES[1].description}


@pytest.fixture
def scan(tmp_path):
    """A scan of two pages with a shape on each."""
    first, *others = [scene.draw(width=width) for scene, width in zip(SCENES, (300, 250), strict=True)]
    file = io.BytesIO()
    first.save(file, "TIFF", compression="tiff_lzw", save_all=True, append_images=others)
    path = tmp_path / "scan.tif"
    path.write_bytes(file.getvalue())
    return path


def test_each_page_has_its_answer_its_picture_and_its_number(page, scan):
    batch = AskPage(page).open().choose([scan]).expect_count(1).ask()
    batch.wait_until_done().expect_found("2 images")
    batch.tile("scan.tif#2").click()
    viewer = page.locator("#viewer")
    expect(viewer.locator("#viewer-answer")).to_have_text(ANSWERS["scan.tif#2"])
    expect(viewer.locator("#viewer-facts")).to_contain_text("Page2")
    # No browser that is tested here shows a TIFF: what a worker has made of the page stands in.
    for width in (250, 300):
        expect(viewer.locator("#viewer-image")).to_have_js_property("naturalWidth", width)
        expect(viewer.locator("#viewer-nopicture")).to_be_hidden()
        page.keyboard.press("ArrowLeft")
    expect(viewer.locator("#viewer-file")).to_have_text("scan.tif")
    page.keyboard.press("Escape")
    assert batch.answers() == ANSWERS


def test_a_file_of_pages_that_is_known_is_not_sent_again_and_counts_once(page, scan):
    AskPage(page).open().choose([scan]).expect_count(1).ask().wait_until_done()
    sent = Sent(page)
    batch: BatchPage = AskPage(page).open().choose([scan]).expect_count(1).ask()
    batch.wait_until_done().expect_found("2 images")
    assert sent.names == []
    assert batch.answers() == ANSWERS


def test_the_large_view_says_what_to_know_of_an_image(page, stack, hold_worker, scan):
    with hold_worker():
        batch_id = make_batch(stack, "half looked at", {"scan.tif": scan.read_bytes()})
        store = JobStore(connect(f"redis://127.0.0.1:{stack.redis_port}/0"))
        (job, _), _ = store.page(batch_id)
        store.finish(job.id, Result(answer="A first page.", notes=(Note.FIRST_PAGE,)))
    BatchPage(page).open(batch_id).tile("A first page.").click()
    expect(page.locator("#viewer-notes")).to_have_text(
        "A file of several pages: only the first was looked at."
    )
    page.keyboard.press("ArrowRight")
    expect(page.locator("#viewer-answer")).to_have_text(ANSWERS["scan.tif#2"])
    expect(page.locator("#viewer-notes")).to_be_hidden()
