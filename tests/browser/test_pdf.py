"""PDFs on the page: chosen, asked about page by page or together, and their text beside the answer."""

import pytest
from playwright.sync_api import expect

from tests.browser.given import LETTER_WIDTHS, make_letters
from tests.browser.images import RED_CIRCLE
from tests.browser.pages import AskPage, BatchPage, tab_to
from tests.files import pdfs
from tests.files.pdfs import GREEN, RED, Page

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


def test_a_pdf_is_a_file_with_a_sheet_in_place_of_its_picture(page, letter, tmp_path):
    asking = AskPage(page).open()
    expect(page.get_by_test_id("drop")).to_contain_text("HEIC and PDF")
    asking.choose([letter]).expect_count(1)
    expect(page.locator("#checks")).to_contain_text("1 file loaded")
    expect(page.locator("#count-label")).to_have_text("Files")
    expect(page.get_by_test_id("send")).to_have_text("Ask 1 file")
    expect(page.locator("#preview .preview-sheet")).to_be_visible()
    width = page.locator("#dpi").evaluate("box => box.offsetWidth / box.parentElement.offsetWidth")
    assert width < 0.5
    path = tmp_path / "a.png"
    path.write_bytes(RED_CIRCLE.encode())
    asking.choose([path]).expect_count(2)
    expect(page.locator("#checks")).to_contain_text("2 files loaded")
    expect(page.locator("#preview img")).to_have_count(1)
    page.locator("#clear").click()
    asking.choose([path]).expect_count(1)
    expect(page.locator("#checks")).to_contain_text("1 image loaded")
    expect(page.locator("#count-label")).to_have_text("Images")


@pytest.mark.browser_context_args(locale="zh-CN")
def test_a_pdf_is_a_file_in_chinese_too(page, letter):
    AskPage(page).open().choose([letter]).expect_count(1)
    expect(page.locator("#checks")).to_contain_text("已装载 1 个文件")
    expect(page.get_by_test_id("drop")).to_contain_text("HEIC 和 PDF")


def test_a_document_says_how_many_pages_it_has_while_it_waits(page, stack, hold_worker):
    with hold_worker():
        batch = BatchPage(page).open(make_letters(stack))
        expect(batch.tile("long.pdf").locator(".tile-note")).to_have_text("3 pages")
        expect(batch.tile("short.pdf").locator(".tile-note")).to_be_hidden()
        expect(batch.tile("long.pdf").locator(".pager")).to_be_hidden()


def test_other_images_leave_no_choice(page, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(RED_CIRCLE.encode())
    AskPage(page).open().choose([path]).expect_count(1)
    expect(page.locator("#paging")).to_be_hidden()


def test_a_document_that_is_one_job_is_turned_page_by_page(page, letters_batch):
    batch = BatchPage(page).open(letters_batch, 2)
    tile = batch.tile("long.pdf")
    picture = tile.locator(".tile-picture img")
    expect(tile).to_contain_text("3 pages")
    expect(batch.tile("short.pdf").locator(".pager")).to_be_hidden()
    pager = tile.get_by_role("group", name="Pages of this file")
    expect(pager).to_have_text("1 / 3")
    pager.get_by_role("button", name="Next page of this file").click()
    expect(pager).to_have_text("2 / 3")
    expect(picture).to_have_js_property("naturalWidth", LETTER_WIDTHS[1])
    expect(page.locator("#found-spoken")).to_have_text("Page 2 of 3")
    batch.show_table()
    row = page.locator("#rows .result-row", has_text="long.pdf")
    expect(row.locator(".row-file")).to_contain_text("3 pages")


def test_the_large_view_shows_each_page_of_a_document_by_the_keyboard(page, letters_batch):
    BatchPage(page).open(letters_batch, 2)
    tab_to(page, "#results a[data-index]")
    page.keyboard.press("Enter")
    expect(page.locator("#viewer-file")).to_have_text("long.pdf")
    pager, image = page.locator("#viewer-pager"), page.locator("#viewer-image")
    for place, width in enumerate(LETTER_WIDTHS, 1):
        expect(pager).to_have_text(f"{place} / 3")
        expect(image).to_have_js_property("naturalWidth", width)
        page.keyboard.press(".")
    expect(pager).to_have_text("1 / 3")
    page.keyboard.press(",")
    expect(image).to_have_js_property("naturalWidth", LETTER_WIDTHS[2])
    expect(page.locator("#viewer-facts")).to_contain_text("Pages read3")
    expect(page.get_by_label("A further question about this file")).to_be_visible()
    page.locator("#viewer-pdf summary").click()
    expect(page.locator("#viewer-pdf-text")).to_have_text(
        "Page 1\n\nOne\n\nPage 2\n\nTwo", use_inner_text=True
    )


@pytest.mark.browser_context_args(locale="zh-CN")
def test_the_pages_of_a_document_are_turned_in_chinese(page, letters_batch):
    BatchPage(page).open(letters_batch)
    tile = BatchPage(page).tile("long.pdf")
    tile.get_by_role("button", name="此文件的下一页").click()
    expect(page.locator("#found-spoken")).to_have_text("第 2 页，共 3 页")
    expect(tile).to_contain_text("3 页")
