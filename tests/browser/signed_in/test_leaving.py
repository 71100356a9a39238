"""What was shown is not shown again once a session is over, by a browser that keeps pages and pictures."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, BrowserType, Page, expect

from tests import plain
from tests.browser.conftest import PATIENCE_MS
from tests.browser.images import RED_CIRCLE
from tests.browser.signing import ADMIN_KEY, key_of, sign_in
from tests.process.conftest import Stack

#: Private pages, and what one sees on each.
PAGES = {
    "/admin/keys": "#keys-title",
    "/admin/audit": ".audit-table",
    "/account": "#who-title",
    "/history": "h1",
}
NOTE = "a note that only admins see"


@pytest.fixture(scope="module")
def keeping(browser_type: BrowserType, browser_type_launch_args) -> Iterator[Browser]:
    """A browser that keeps pages as they were, as people's browsers do; Playwright switches that off."""
    off = ["--disable-back-forward-cache"]
    browser = browser_type.launch(**browser_type_launch_args, ignore_default_args=off)
    yield browser
    browser.close()


@pytest.fixture
def context(keeping: Browser, browser_context_args, guarded: Stack) -> Iterator[BrowserContext]:
    """That of the admin, who is signed in."""
    key_of(guarded, note=NOTE)
    context = keeping.new_context(**{**browser_context_args, "base_url": guarded.url})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    sign_in(page, ADMIN_KEY)
    page.close()
    yield context
    context.close()


def walk(page: Page) -> None:
    """Go through the private pages, and then to one that is not."""
    for path, seen in PAGES.items():
        page.goto(path)
        expect(page.locator(seen).first).to_be_visible()
    page.goto("/static/images/mark.svg")


def go_back(page: Page) -> None:
    """Back, as the button does; Playwright's own waits for what does not happen to a page that was kept."""
    page.evaluate("() => history.back()")


def expect_nothing_private(page: Page, guarded: Stack) -> None:
    """Go back through the private pages: each asks to sign in."""
    for path in reversed(PAGES):
        go_back(page)
        # The page before asked to sign in as well.
        expect(page).to_have_url(re.compile(f"/sign-in\\?next={path.replace('/', '(/|%2F)')}$"))
        expect(page.locator("#sign-in-title")).to_be_visible()
        expect(page.get_by_text(NOTE)).to_have_count(0)
        expect(page.locator("[data-testid=who]")).to_have_count(0)


def test_back_shows_nothing_after_sign_out_on_another_tab(context, guarded):
    page, other = context.new_page(), context.new_page()
    walk(page)
    other.goto("/account")
    other.get_by_test_id("sign-out").click()
    expect(other.locator("#sign-in-title")).to_be_visible()
    expect_nothing_private(page, guarded)


def test_back_shows_nothing_after_a_session_was_ended_from_elsewhere(context, guarded):
    page = context.new_page()
    walk(page)
    with plain.Client(base_url=guarded.url) as http:
        http.post("/sign-in", data={"key": ADMIN_KEY})
        http.post("/sign-out", data={"everywhere": "yes"})
    expect_nothing_private(page, guarded)


def test_back_shows_nothing_to_somebody_else_who_has_signed_in_meanwhile(context, guarded):
    page, other = context.new_page(), context.new_page()
    page.goto("/admin/keys")
    expect(page.get_by_text(NOTE).first).to_be_visible()
    page.goto("/static/images/mark.svg")
    other.goto("/account")
    other.get_by_test_id("sign-out").click()
    expect(other.locator("#sign-in-title")).to_be_visible()
    sign_in(other, key_of(guarded, owner="ben"))
    go_back(page)
    expect(page.get_by_test_id("who")).to_contain_text("ben")
    expect(page.get_by_text(NOTE)).to_have_count(0)


def test_back_shows_what_there_was_while_one_is_signed_in(context):
    page = context.new_page()
    page.goto("/admin/keys")
    page.locator("#key-owner").fill("typed before")
    page.goto("/static/images/mark.svg")
    go_back(page)
    expect(page.locator("#keys-title")).to_be_visible()
    expect(page.get_by_test_id("who")).to_contain_text("root")


@pytest.mark.parametrize("end", ["sign-out", "elsewhere"])
def test_no_picture_is_shown_from_what_the_browser_kept(context: BrowserContext, guarded: Stack, end: str):
    with plain.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {ADMIN_KEY}"}) as http:
        batch = http.post("/api/batches", json={"model": "ocr"}).json()["id"]
        sent = {"files": ("a.png", RED_CIRCLE.encode())}
        job = http.post(f"/api/batches/{batch}/files", files=sent).json()["files"][0]["job_id"]
    page, picture = context.new_page(), f"/api/jobs/{job}/image"
    page.goto("/history")
    assert is_shown(page, picture)
    leave(context, guarded, end)
    # A document shows again what it has, whatever the cache says: only another one asks.
    page.goto("/sign-in")
    assert not is_shown(page, picture)
    page.goto(picture)
    assert not page.evaluate("() => (document.querySelector('img')?.naturalWidth ?? 0) > 0")


def leave(context: BrowserContext, guarded: Stack, end: str) -> None:
    """End the session in this browser, or from another."""
    if end == "sign-out":
        page = context.new_page()
        page.goto("/account")
        page.get_by_test_id("sign-out").click()
        expect(page.locator("#sign-in-title")).to_be_visible()
        return
    with plain.Client(base_url=guarded.url) as http:
        http.post("/sign-in", data={"key": ADMIN_KEY})
        http.post("/sign-out", data={"everywhere": "yes"})


def is_shown(page: Page, picture: str) -> bool:
    """True when an element with that picture shows it."""
    show: Callable[..., bool] = page.evaluate
    return show(
        """(url) => new Promise((resolve) => {
          const image = new Image();
          image.addEventListener("load", () => resolve(true));
          image.addEventListener("error", () => resolve(false));
          image.src = url;
        })""",
        picture,
    )
