"""The pages of admins and of usage: on a telephone, in both languages, with the keyboard."""

import pytest
from playwright.sync_api import expect

from tests import plain
from tests.browser.images import drawn
from tests.browser.pages import tab_to
from tests.browser.signing import ADMIN_KEY, key_of, sign_in
from tests.browser.test_accessibility import Findings

#: What has to be seen of each of them.
PAGES = {
    "/admin/keys": "tr[data-key]",
    "/usage": "[data-testid=usage-days] td",
    "/admin/audit": ".audit-table td",
}


@pytest.fixture(scope="module")
def annas_key(guarded) -> str:
    """The key of an owner who has asked about three images."""
    key = key_of(guarded, owner="anna.of-the-usage", note="a note " * 20)
    with plain.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {key}"}) as http:
        batch = http.post("/api/batches", json={"model": "ocr", "name": "counted"}).json()["id"]
        parts = [("files", (path, content)) for path, content in drawn(3, seed=95).files.items()]
        http.post(f"/api/batches/{batch}/files", files=parts).raise_for_status()
        http.post(f"/api/batches/{batch}/share", json={"days": 1}).raise_for_status()
    return key


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_on_a_telephone_no_page_of_admins_is_wider_than_it(new_browser, annas_key, locale):
    page = new_browser(locale=locale, viewport={"width": 390, "height": 844}).new_page()
    findings = Findings(page)
    sign_in(page, ADMIN_KEY, "/admin/keys")
    for path, seen in PAGES.items():
        page.goto(path)
        first = page.locator(seen).first
        expect(first).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390, path
        beyond = page.locator("main table td:visible, main table button:visible").evaluate_all(
            "cells => cells.filter((cell) => cell.getBoundingClientRect().right > innerWidth).length"
        )
        assert beyond == 0, f"{path}: parts of the table are out of sight"
        findings.look(path)
    findings.assert_none()


def test_a_key_is_rotated_once_it_is_said_how_long_the_old_one_stays_valid(new_browser, guarded):
    old = key_of(guarded, owner="ben")
    page = new_browser().new_page()
    sign_in(page, ADMIN_KEY, "/admin/keys")
    row = page.locator(f'tr[data-key="{old[:14]}"]')
    dialog = page.locator(f"#rotate-{old[:14]}")
    expect(dialog).to_be_hidden()
    row.get_by_role("button", name="Rotate").click()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Keep").click()
    expect(dialog).to_be_hidden()
    row.get_by_role("button", name="Rotate").focus()
    page.keyboard.press("Enter")
    expect(dialog.locator("input")).to_be_focused()
    page.keyboard.type("12")
    tab_to(page, f"#rotate-{old[:14]} .button--primary", most=3)
    page.keyboard.press("Enter")
    expect(page.locator(".notice--good")).to_contain_text(f"{old[:14]}… stays valid until")
    new = page.get_by_test_id("key-made").input_value()
    with plain.Client(base_url=guarded.url) as http:
        for key in (old, new):
            assert http.get("/api/me", headers={"Authorization": f"Bearer {key}"}).json()["owner"] == "ben"


def test_everybody_sees_what_their_owner_has_taken_and_admins_that_of_all(new_browser, annas_key):
    page = new_browser().new_page()
    sign_in(page, annas_key)
    page.get_by_role("link", name="Usage", exact=True).click()
    sums = page.get_by_test_id("usage-sums")
    expect(sums.locator("tbody tr")).to_have_count(1)
    expect(sums.locator("tbody tr td").nth(0)).to_have_text("anna.of-the-usage")
    expect(sums.locator("tbody tr td").nth(2)).to_have_text("3")
    expect(page.locator("#usage-owner")).to_have_count(0)
    with page.expect_download() as downloaded:
        page.get_by_role("link", name="Download as CSV").click()
    assert "anna.of-the-usage" in downloaded.value.path().read_text()
    page.locator("#usage-to").fill("2020-01-01")
    page.locator("#usage-from").fill("2020-01-01")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Nothing was taken in this time.")).to_be_visible()


def test_admins_go_from_keys_to_usage_to_the_trail_and_back(new_browser, annas_key):
    page = new_browser().new_page()
    sign_in(page, ADMIN_KEY, "/admin/keys")
    tabs = page.get_by_role("navigation", name="Admin")
    tabs.get_by_role("link", name="Usage").click()
    page.locator("#usage-owner").fill("anna.of-the-usage")
    page.locator("#usage-owner").press("Enter")
    expect(page.get_by_test_id("usage-sums").locator("tbody tr")).to_have_count(1)
    tabs.get_by_role("link", name="Audit trail").click()
    expect(page.locator('[data-action="share.add"]').first).to_have_text("Link made")
    tabs.get_by_role("link", name="Keys").click()
    expect(page.locator("#make-title")).to_be_visible()
