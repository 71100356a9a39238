"""PDFs on the page: chosen, asked about page by page or together, and their text beside the answer."""

import pytest
from playwright.sync_api import expect

from tests import pdfs
from tests.browser.images import RED_CIRCLE
from tests.browser.pages import AskPage
from tests.pdfs import GREEN, RED, Page

TEXT = "Invoice 2026-118\n<b>42 EUR</b>"


@pytest.fixture
def letter(tmp_path):
    """Two pages, of which the first holds text."""
    path = tmp_path / "letter.pdf"
    path.write_bytes(pdfs.document(Page(RED, TEXT), Page(GREEN)))
    return path


def test_a_pdf_has_a_result_for_each_page_and_its_text_beside_it(page, letter):
    asking = AskPage(page).open()
    expect(page.locator("#paging")).to_be_hidden()
    asking.choose([letter]).expect_count(1)
    expect(page.locator("#paging")).to_be_visible()
    batch = asking.ask()
    batch.wait_until_done().expect_found("2 images")
    batch.tile("letter.pdf#2").click()
    viewer = page.locator("#viewer")
    expect(viewer.locator("#viewer-facts")).to_contain_text("417 × 209 pixels")
    # No browser shows a PDF as a picture: what a worker has made of the page stands in.
    expect(viewer.locator("#viewer-image")).to_have_js_property("naturalWidth", 417)
    expect(viewer.locator("#viewer-pdf")).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    expect(viewer.locator("#viewer-pdf")).to_be_visible()
    viewer.locator("#viewer-pdf summary").click()
    expect(viewer.locator("#viewer-pdf-text")).to_have_text(TEXT, use_inner_text=True)


def test_pages_are_asked_about_together_at_another_resolution(page, letter):
    asking = AskPage(page).open().choose([letter]).expect_count(1)
    page.locator("#paging").get_by_label("all pages together").check()
    page.locator("#dpi").fill("72")
    batch = asking.ask()
    batch.wait_until_done().expect_found("1 image")
    expect(page.get_by_test_id("batch-dpi")).to_have_text("72 dpi")
    expect(page.get_by_test_id("batch-pages")).to_have_text("all together")


def test_other_images_leave_no_choice(page, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(RED_CIRCLE.encode())
    AskPage(page).open().choose([path]).expect_count(1)
    expect(page.locator("#paging")).to_be_hidden()
