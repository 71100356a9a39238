"""A link for others: it shows one batch, and changes nothing."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.pages import BatchPage

#: What only the owner of a batch may do.
_ACTS = (
    *("rename", "share", "delete", "close", "cancel", "retry-all", "ask-cut-again"),
    *("viewer-retry", "viewer-more", "follow-up"),
)


@pytest.fixture
def link(page: Page, mixed_batch: str) -> str:
    """The address that the page makes for others."""
    BatchPage(page).open(mixed_batch, answers=14)
    page.locator("#share").click()
    page.locator("#share-days").fill("3")
    page.get_by_role("button", name="Make a link").click()
    expect(page.locator("#share-until")).to_contain_text("It works until")
    return page.locator("#share-link").input_value()


@pytest.fixture
def stranger(new_context) -> Page:
    """A page of somebody else."""
    context: BrowserContext = new_context()
    return context.new_page()


def test_a_shared_batch_is_read_by_somebody_else(link, stranger, mixed_files):
    calls = []
    stranger.on("request", lambda request: calls.append(request))
    stranger.goto(link)
    batch = BatchPage(stranger).expect_found("14 images")
    expect(stranger.locator(".batch-head")).to_contain_text("Shared, read only")
    assert {path: batch.answers()[path] for path in mixed_files.answers} == mixed_files.answers
    stranger.locator("#as-gallery").click()
    path, answer = next(iter(mixed_files.answers.items()))
    batch.tile(path).click()
    expect(stranger.locator("#viewer-answer")).to_have_text(answer)
    stranger.wait_for_function("() => document.querySelector('#viewer-image').naturalWidth > 0")
    assert {call.method for call in calls} == {"GET"}
    private = [call.url for call in calls if "/api/" in call.url and "/api/shared/" not in call.url]
    assert private == []


def test_a_shared_batch_has_nothing_to_change_it_with(link, stranger):
    stranger.goto(link)
    BatchPage(stranger).expect_found("14 images")
    for act in _ACTS:
        expect(stranger.locator(f"#{act}")).to_have_count(0)


def test_a_shared_batch_shows_what_is_cut_short_and_cannot_ask_again(page, cut_batch, stranger):
    BatchPage(page).open(cut_batch, answers=5)
    page.locator("#share").click()
    page.get_by_role("button", name="Make a link").click()
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
