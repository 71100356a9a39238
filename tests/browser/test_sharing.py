"""A link for others: it shows one batch, and changes nothing."""

import pytest
from playwright.sync_api import BrowserContext, BrowserType, Page, expect

from tests import plain
from tests.browser.conftest import PATIENCE_MS
from tests.browser.pages import BatchPage, expect_picture, press, tab_to

#: Test ids of controls that only the owner of a batch has.
_ACTS = (
    *("rename", "share", "delete", "close", "cancel", "retry-all", "ask-cut-again"),
    *("viewer-retry", "viewer-more", "follow-up"),
)


@pytest.fixture
def link(page: Page, mixed_batch: str) -> str:
    """The address of a share link, made on the page."""
    BatchPage(page).open(mixed_batch, answers=14)
    page.locator("#share").click()
    page.locator("#share-days").fill("3")
    # By the keyboard: the dialog grows when it has the list of links.
    press(page.locator("#share-days"), "Enter")
    expect(page.locator("#share-until")).to_contain_text("It works until")
    return page.locator("#share-link").input_value()


@pytest.fixture
def stranger(new_context) -> Page:
    """A page in a browser context of its own."""
    context: BrowserContext = new_context()
    return context.new_page()


def test_a_shared_batch_is_read_by_somebody_else(link, stranger, mixed_files):
    calls = []
    stranger.on("request", lambda request: calls.append(request))
    stranger.goto(link)
    batch = BatchPage(stranger).expect_found("14 images")
    expect(stranger.locator(".batch-head")).to_contain_text("Shared, read only")
    assert mixed_files.answers.items() <= batch.answers().items()
    stranger.locator("#as-gallery").click()
    path, answer = next(iter(mixed_files.answers.items()))
    batch.tile(path).click()
    expect(stranger.locator("#viewer-answer")).to_have_text(answer)
    expect_picture(stranger.locator("#viewer-image"))
    assert {call.method for call in calls} == {"GET"}
    private = [call.url for call in calls if "/api/" in call.url and "/api/shared/" not in call.url]
    assert private == []
    token = link.rsplit("/", 1)[1]
    referers = [call.all_headers().get("referer", "") for call in calls]
    assert any(referers), "else this test looks at nothing"
    assert [referer for referer in referers if token in referer] == []


def test_a_shared_batch_has_nothing_to_change_it_with(link, stranger):
    stranger.goto(link)
    BatchPage(stranger).expect_found("14 images")
    for act in _ACTS:
        expect(stranger.locator(f"#{act}")).to_have_count(0)


def test_a_shared_batch_shows_what_is_cut_short_and_cannot_ask_again(page, cut_batch, stranger):
    BatchPage(page).open(cut_batch, answers=5)
    page.locator("#share").click()
    press(page.locator("#share-days"), "Enter")
    expect(page.locator("#share-until")).to_contain_text("It works until")
    stranger.goto(page.locator("#share-link").input_value())
    batch = BatchPage(stranger).expect_found("5 images")
    expect(stranger.locator("#cut-short-title")).to_have_text("4 answers are cut short")
    stranger.locator("#states button", has_text="Cut short").click()
    batch.expect_found("4 of 5 images")
    batch.tile("0000.png").locator("a").click()
    expect(stranger.locator("#viewer-cut")).to_contain_text("This answer is cut short")
    for act in _ACTS:
        expect(stranger.locator(f"#{act}")).to_have_count(0)


def test_a_shared_batch_is_downloaded(link, stranger):
    stranger.goto(link)
    BatchPage(stranger).expect_found("14 images")
    with stranger.expect_download() as coming:
        stranger.locator('a[download][href$="results.csv"]').click()
    assert coming.value.path().read_text("utf-8-sig").count("succeeded") == 12


def test_an_altered_link_shows_nothing(link, stranger, mixed_files):
    place = link.index("/shared/") + len("/shared/") + 8
    altered = link[:place] + ("a" if link[place] != "a" else "b") + link[place + 1 :]
    response = stranger.goto(altered)
    assert response.status == 404
    expect(stranger.locator("h1")).to_have_text("There is nothing here")
    assert "trip" not in stranger.content()


def revoke_all(stack, batch_id: str) -> None:
    assert plain.delete(f"{stack.url}/api/batches/{batch_id}/shares").json()["revoked"]


def expect_ended(page: Page) -> None:
    """Wait until the page says that the link has ended, and shows nothing of the batch."""
    expect(page.locator(".serial").filter(has_text="410 · share_expired")).to_be_visible()
    expect(page.locator("[data-batch-id]")).to_have_count(0)
    assert "trip" not in page.content()


def is_picture_shown(page: Page) -> bool:
    return bool(page.evaluate("() => (document.querySelector('img')?.naturalWidth ?? 0) > 0"))


def test_links_are_listed_and_revoked_with_the_keyboard_alone(link, page, stranger, mixed_batch):
    stranger.goto(link)
    BatchPage(stranger).expect_found("14 images")
    page.locator("#share-note").fill("for the printer")
    page.keyboard.press("Enter")
    row = page.locator("#shares-list li").filter(has_text="for the printer")
    expect(row).to_contain_text("Not used yet.")
    others = page.locator("#shares-list li[data-state=works]").filter(has_not_text="for the printer")
    before = others.count()
    assert before >= 1
    page.locator("#share-link").focus()
    tab_to(page, "#shares-list li:first-child button")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("Revoked at")
    expect(page.locator("#shares-title")).to_be_focused()
    expect(others).to_have_count(before)
    stranger.reload()
    BatchPage(stranger).expect_found("14 images")
    tab_to(page, "#shares-revoke")
    page.keyboard.press("Enter")
    expect(page.locator("#shares-list li[data-state=works]")).to_have_count(0)
    expect(page.locator("#shares-revoke")).to_be_hidden()
    stranger.reload()
    expect_ended(stranger)


def test_the_list_of_links_speaks_chinese(page, link, mixed_batch):
    page.keyboard.press("Escape")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh")
    BatchPage(page).expect_found("14")
    page.locator("#share").click()
    expect(page.locator("#shares-list li").first).to_contain_text("有效期至")
    expect(page.locator("#shares-list button").first).to_have_text("撤销")


def test_a_page_that_is_open_ends_with_its_link(link, stranger, stack, mixed_batch):
    stranger.goto(link)
    BatchPage(stranger).expect_found("14 images")
    revoke_all(stack, mixed_batch)
    expect_ended(stranger)


def read_and_leave(page: Page, link: str, path: str, elsewhere: str) -> None:
    """See the batch, its pictures, and one of them as a page; then go elsewhere."""
    page.goto(link)
    batch = BatchPage(page).expect_found("14 images")
    batch.tile(path).click()
    expect_picture(page.locator("#viewer-image"))
    picture = page.locator("#viewer-image").evaluate("image => image.src")
    page.goto(picture)
    assert is_picture_shown(page)
    page.goto(elsewhere)


def test_going_back_to_a_revoked_link_shows_nothing(link, stranger, stack, mixed_batch, mixed_files):
    path = next(iter(mixed_files.answers))
    read_and_leave(stranger, link, path, f"{stack.url}/history")
    revoke_all(stack, mixed_batch)
    stranger.go_back(wait_until="commit")
    expect(stranger.locator("body")).to_contain_text("share_expired")
    assert not is_picture_shown(stranger), "the picture as a page"
    stranger.go_back()
    expect_ended(stranger)
    stranger.reload()
    expect_ended(stranger)


def test_a_page_that_the_browser_kept_as_it_was_shows_nothing_either(
    browser_type: BrowserType, browser_type_launch_args, stack, link, mixed_batch
):
    """Playwright switches that cache off; people's browsers have it.

    Chromium keeps a `no-store` page there as well, unless its scripts were answered with `no-store`.
    """
    off = ["--disable-back-forward-cache"]
    browser = browser_type.launch(**browser_type_launch_args, ignore_default_args=off)
    try:
        page = browser.new_page(locale="en-US")
        page.set_default_timeout(PATIENCE_MS)
        page.route("**/api/shared/**", lambda route: route.abort())
        page.goto(link)
        expect(page.locator("#trouble")).to_be_visible()
        page.goto(f"{stack.url}/static/images/mark.svg")
        revoke_all(stack, mixed_batch)
        page.evaluate("() => history.back()")
        expect_ended(page)
    finally:
        browser.close()
