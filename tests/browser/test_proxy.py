"""The page below a path, behind nginx: everything it asks for, and wherever it leads, is below that path."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from tests.browser.conftest import PATIENCE_MS
from tests.browser.images import DESCRIBE, drawn
from tests.browser.pages import AskPage, BatchPage, expect_picture, press
from tests.process.conftest import Stack
from tests.servers.nginx import Behind, serve_below_a_path


@pytest.fixture(scope="module")
def behind(stack: Stack) -> Behind:
    """The pages, once more, below /eva."""
    return serve_below_a_path(stack)


@pytest.fixture
def visitor(
    browser: Browser, browser_context_args: dict[str, Any], behind: Behind
) -> Iterator[Callable[..., Page]]:
    """Makes pages of new visitors, none of which may ask for anything that is elsewhere or not there."""
    strays: list[str] = []
    contexts: list[BrowserContext] = []

    def look_at(response: Response) -> None:
        is_ours = response.url.startswith((behind.url, "blob:", "data:"))
        if not is_ours or (response.status >= 400 and not response.url.endswith("/thumbnail")):
            strays.append(f"{response.status} {response.url}")

    def visitor(**how: Any) -> Page:
        context = browser.new_context(**{**browser_context_args, "base_url": None, **how})
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.on("response", look_at)
        context.on("weberror", lambda error: strays.append(str(error.error)))
        return context.new_page()

    yield visitor
    for context in contexts:
        context.close()
    assert not strays


def test_a_batch_is_asked_followed_shared_and_downloaded(visitor, behind, tmp_path):
    some = drawn(3, seed=65)
    page = visitor()
    page.goto(f"{behind.url}/")
    batch = AskPage(page).expect_models().choose(some.write(tmp_path)).expect_count(3).ask()
    batch.wait_until_done()
    assert page.url.startswith(f"{behind.url}/batches/")
    page.reload()
    batch.expect_found("3 images")
    assert batch.answers() == some.answers
    page.locator("#as-gallery").click()
    path, answer = next(iter(some.answers.items()))
    batch.tile(path).click()
    expect(page.locator("#viewer-answer")).to_have_text(answer)
    expect_picture(page.locator("#viewer-image"))
    page.keyboard.press("Escape")
    with page.expect_download() as coming:
        page.locator('a[download][href$="results.csv"]').click()
    assert coming.value.path().read_text("utf-8-sig").count("succeeded") == 3
    page.locator("#share").click()
    press(page.locator("#share-days"), "Enter")
    expect(page.locator("#share-until")).to_contain_text("It works until")
    link = page.locator("#share-link").input_value()
    assert link.startswith(f"{behind.url}/shared/")
    stranger = visitor()
    stranger.goto(link)
    assert BatchPage(stranger).expect_found("3 images").answers() == some.answers


def test_history_switches_and_the_api_are_below_it_too(visitor, behind, tmp_path):
    page = visitor()
    page.goto(f"{behind.url}/")
    ask = AskPage(page).expect_models().choose(drawn(1, seed=66).write(tmp_path)).expect_count(1)
    ask.ask("What is it, below a path?").wait_until_done()
    page.get_by_role("link", name="History").click()
    row = page.locator("#history-list li").filter(has_text="below a path").first
    row.locator("a").click()
    BatchPage(page).expect_found("1 image")
    page.locator("#theme button").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("button", name="English")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.url.startswith(f"{behind.url}/batches/")
    assert {cookie["path"] for cookie in page.context.cookies()} == {"/eva"}
    page.get_by_role("link", name="API").first.click()
    expect(page.locator("#swagger-ui .info")).to_contain_text("EVA-01")
    page.goto(f"{behind.host}/eva")
    expect(page.get_by_test_id("send")).to_be_visible()


def test_answers_that_are_cut_are_asked_for_again_below_it(visitor, behind, cut_batch):
    page = visitor()
    page.goto(f"{behind.url}/batches/{cut_batch}")
    page.locator("#ask-cut-again").click()
    page.wait_for_url(lambda url: url.startswith(f"{behind.url}/batches/") and cut_batch not in url)
    BatchPage(page).wait_until_done().expect_found("4 images")


def test_it_works_without_scripts(visitor, behind, tmp_path):
    some = drawn(2, seed=67)
    page = visitor(java_script_enabled=False)
    page.goto(f"{behind.url}/")
    page.get_by_test_id("files").set_input_files(some.write(tmp_path))
    page.get_by_test_id("question").fill(DESCRIBE)
    page.get_by_role("radio", name="nano").check()
    page.get_by_test_id("send").click()
    for path, answer in some.answers.items():
        expect(page.get_by_role("row").filter(has_text=path)).to_contain_text(answer)
    page.goto(f"{behind.url}/history")
    page.locator("tbody a").first.click()
    assert page.url.startswith(f"{behind.url}/batches/")
