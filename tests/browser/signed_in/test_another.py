"""Somebody else signs in in the same browser: pages of whoever was there before do nothing more."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import httpx
import pytest
from playwright.sync_api import BrowserContext, Dialog, Error, Page, Route, expect

from jobs.contract.models import new_id
from tests import plain
from tests.browser.images import drawn
from tests.browser.pages import AskPage
from tests.browser.signing import key_of, sign_in
from tests.process.conftest import Stack
from tests.processes import wait_until

BATCH = "a batch that is anna's alone"


@dataclass
class Shared:
    """A browser that anna and ben share; anna has signed in first, and has a batch."""

    context: BrowserContext
    guarded: Stack
    annas: httpx.Client
    bens: httpx.Client
    batch: str

    def page_of_anna(self, path: str) -> Page:
        """A page that anna has left open."""
        page = self.context.new_page()
        page.goto(path)
        expect(page.get_by_test_id("who")).to_contain_text("anna")
        return page

    def let_ben_sign_in(self) -> None:
        """On another tab, where anna has signed out."""
        other = self.context.new_page()
        other.goto("/account")
        other.get_by_test_id("sign-out").click()
        expect(other.locator("#sign-in-title")).to_be_visible()
        sign_in(other, self.bens.headers["Authorization"].removeprefix("Bearer "))
        other.close()

    def expect_left(self, page: Page) -> None:
        """The page is ben's first one, and shows nothing of anna's."""
        expect(page.get_by_test_id("who")).to_contain_text("ben")
        expect(page.get_by_text(BATCH)).to_have_count(0)
        assert page.url == f"{self.guarded.url}/"


@pytest.fixture
def shared(new_browser: Callable[..., BrowserContext], guarded: Stack) -> Iterator[Shared]:
    keys = [key_of(guarded, owner=owner) for owner in (f"anna-{new_id()}", f"ben-{new_id()}")]
    annas, bens = (
        plain.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {key}"}) for key in keys
    )
    with annas, bens:
        batch = annas.post("/api/batches", json={"model": "ocr", "name": BATCH}).json()["id"]
        context = new_browser()
        sign_in(context.new_page(), keys[0])
        yield Shared(context, guarded, annas, bens, batch)


@pytest.mark.parametrize(
    "come_back",
    [
        "dispatchEvent(new Event('focus'))",
        # As browsers say it that keep such pages; Chromium does not, once a cookie differs.
        """["pagehide", "pageshow"].forEach((name) =>
             dispatchEvent(new PageTransitionEvent(name, { persisted: true })))""",
    ],
    ids=["focus", "pageshow"],
)
def test_a_page_is_left_when_one_comes_back_to_it(shared, come_back):
    # Nothing on this page asks again by itself.
    page = shared.page_of_anna("/account")
    shared.let_ben_sign_in()
    page.evaluate(come_back)
    shared.expect_left(page)


def test_a_page_is_left_with_the_next_answer_that_it_hears(shared):
    page = shared.page_of_anna(f"/batches/{shared.batch}")
    expect(page.get_by_text(BATCH).first).to_be_visible()
    shared.let_ben_sign_in()
    # It asks now, also when it has heard that nobody was signed in: then it would ask no more by itself.
    # Where it has asked once more already, it may be leaving just then.
    with suppress(Error):
        page.evaluate("dispatchEvent(new Event('online'))")
    shared.expect_left(page)


def test_nothing_that_one_has_chosen_becomes_anothers(shared, tmp_path):
    page = shared.context.new_page()
    AskPage(page).open().choose(drawn(2, seed=93).write(tmp_path)).expect_count(2)
    page.get_by_test_id("question").fill("What is it?")
    # The page shall hear of it by what it sends itself.
    page.route(
        "**/api/**", lambda route: route.abort() if route.request.method == "GET" else route.continue_()
    )
    shared.let_ben_sign_in()
    with page.expect_response(lambda response: response.request.method == "POST") as heard:
        page.get_by_test_id("send").press("Enter")
    assert heard.value.status == 409
    shared.expect_left(page)
    assert shared.bens.get("/api/batches").json()["batches"] == []


def test_an_upload_ends_without_a_question_and_nothing_of_it_becomes_anothers(shared, tmp_path):
    page = shared.context.new_page()
    asked: list[str] = []

    def say_yes(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", say_yes)
    ask = AskPage(page).open().choose(drawn(3, seed=94).write(tmp_path)).expect_count(3)
    held: list[Route] = []
    page.route("**/api/batches/*/known", lambda route: held.append(route), times=1)
    with page.expect_request("**/api/batches/*/known"):
        batch = ask.ask()
    expect(batch.dock).to_be_visible()
    shared.let_ben_sign_in()
    for route in held:
        with suppress(Error):
            route.continue_()
    shared.expect_left(page)
    assert asked == []
    assert shared.bens.get("/api/batches").json()["batches"] == []
    hers = shared.annas.get("/api/batches").json()["batches"]
    assert sorted(batch["total"] for batch in hers) == [0, 0]
    expect(page.locator("#dock")).to_be_hidden()


def test_what_the_browser_remembers_of_one_is_not_shown_to_another(shared):
    """Also where nobody has signed out, so that it was not told to forget."""
    page = shared.page_of_anna("/")
    page.evaluate("""async () => {
      const { rememberQuestion } = await import("/static/js/ask/recent.js");
      const { remember } = await import("/static/js/upload/remembered.js");
      rememberQuestion("Is this anna's?");
      remember({ batchId: "0".repeat(32), name: "an upload of anna's", files: 2, done: 1 });
    }""")
    for key, is_kept in ((shared.annas, True), (shared.bens, False)):
        shared.context.clear_cookies()
        sign_in(page, key.headers["Authorization"].removeprefix("Bearer "), "/")
        # Not by Playwright's own waiting, which the page's policy on scripts forbids.
        theirs = "localStorage.getItem('eva01.for') === document.body.dataset.for"
        wait_until(partial(page.evaluate, theirs), "the page knows for whom it is")
        expect(page.get_by_text("Is this anna's?")).to_have_count(int(is_kept))
        assert ("anna's" in page.evaluate("JSON.stringify(localStorage)")) is is_kept
