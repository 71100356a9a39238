"""Keys, and browsers in which somebody signs in and out, as people do it on the pages."""

from playwright.sync_api import BrowserContext, Page, expect

from tests import plain
from tests.process.conftest import Stack

ADMIN_KEY = "eva01_the-key-of-the-admin-of-these-tests"
COOKIE = "eva01_session"


def key_of(guarded: Stack, **fields: str) -> str:
    """The text of a new key, made by the admin at the page for it."""
    with plain.Client(base_url=guarded.url) as http:
        http.post("/sign-in", data={"key": ADMIN_KEY})
        made = http.post("/admin/keys", data={"owner": "anna", **fields}).text
    return made.split('data-testid="key-made"')[0].rsplit('value="', 1)[1].split('"')[0]


def sign_in(page: Page, key: str, path: str = "/history") -> None:
    """Ask for a page, be led to sign-in, paste the key."""
    page.goto(path)
    page.locator("#key").fill(key)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("who")).to_be_visible()


def token_in(context: BrowserContext) -> str:
    return next(cookie["value"] for cookie in context.cookies() if cookie["name"] == COOKIE)


def end_everywhere(context: BrowserContext) -> None:
    """End all sessions of whoever is signed in there, from another tab."""
    other = context.new_page()
    other.goto("/account")
    other.get_by_test_id("everywhere").click()
    expect(other.locator("#sign-in-title")).to_be_visible()
    other.close()
