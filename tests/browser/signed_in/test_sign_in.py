"""Signing in and out; sessions that are fixed, stolen or over: in a real browser, with a real provider."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests import plain
from tests.browser.images import drawn
from tests.browser.pages import AskPage, BatchPage, tab_to
from tests.browser.signing import ADMIN_KEY, COOKIE, end_everywhere, key_of, sign_in, token_in
from tests.browser.test_accessibility import Findings


@pytest.fixture
def page(new_browser: Callable[..., BrowserContext]) -> Page:
    """A page of somebody who is not signed in."""
    return new_browser().new_page()


def test_somebody_signs_in_by_the_keyboard_and_sees_who_they_are(page, guarded):
    page.goto("/history")
    expect(page.locator("#key")).to_be_visible()
    page.locator("#key").fill("eva01_wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("problem")).to_contain_text("none of this server's")
    expect(page.locator("#key")).to_have_value("")
    tab_to(page, "#key")
    page.keyboard.type(key_of(guarded))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("who")).to_contain_text("anna")
    assert page.url == f"{guarded.url}/history"
    assert page.evaluate("document.cookie") == "", "no script can read the session"


def test_what_was_shown_is_not_shown_again_after_sign_out(page, guarded):
    key = key_of(guarded, note="something that only admins see")
    assert key
    sign_in(page, ADMIN_KEY, "/admin/keys")
    expect(page.get_by_text("something that only admins see").first).to_be_visible()
    page.evaluate("localStorage.setItem('left', 'behind')")
    page.get_by_test_id("sign-out").click()
    expect(page.locator("#sign-in-title")).to_be_visible()
    assert page.evaluate("localStorage.getItem('left')") is None
    page.go_back()
    expect(page.locator("#sign-in-title")).to_be_visible()
    expect(page.get_by_text("something that only admins see")).to_have_count(0)
    page.go_forward()
    expect(page.get_by_text("something that only admins see")).to_have_count(0)


def test_somebody_signs_in_at_the_provider_and_out_again(page, guarded, provider):
    page.goto("/history?search=cats")
    page.get_by_test_id("provider").click()
    page.locator('input[name="sub"]').fill("anna")
    page.get_by_role("button", name="Authorize").click()
    expect(page.get_by_test_id("who")).to_contain_text("anna@painters.example")
    assert page.url == f"{guarded.url}/history?search=cats"
    page.get_by_test_id("sign-out").click()
    page.goto("/history")
    expect(page.locator("#sign-in-title")).to_be_visible()


def test_who_declines_there_is_told_so_here(page, provider):
    page.goto("/sign-in")
    page.get_by_test_id("provider").click()
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_test_id("problem")).to_contain_text("access_denied")


def test_without_scripts_all_of_it_works(new_browser, guarded):
    page = new_browser(java_script_enabled=False).new_page()
    sign_in(page, key_of(guarded))
    page.get_by_test_id("who").click()
    page.get_by_test_id("everywhere").click()
    expect(page.locator("#sign-in-title")).to_be_visible()
    page.goto("/history")
    expect(page.locator("#sign-in-title")).to_be_visible()


def test_a_session_that_was_planted_does_not_become_somebodys(new_browser, guarded):
    mallory, anna = new_browser(), new_browser()
    sign_in(mallory.new_page(), key_of(guarded, owner="mallory"))
    planted = token_in(mallory)
    anna.add_cookies([{"name": COOKIE, "value": planted, "url": guarded.url}])
    page = anna.new_page()
    page.goto("/account")
    expect(page.get_by_test_id("owner")).to_have_text("mallory")
    page.get_by_test_id("sign-out").click()
    sign_in(page, key_of(guarded))
    assert token_in(anna) != planted
    stolen = mallory.new_page()
    stolen.goto("/history")
    expect(stolen.locator("#sign-in-title")).to_be_visible()


def test_a_session_that_was_stolen_ends_everywhere(new_browser, guarded):
    anna, thief = new_browser(), new_browser()
    sign_in(anna.new_page(), key_of(guarded))
    thief.add_cookies([{"name": COOKIE, "value": token_in(anna), "url": guarded.url}])
    page = thief.new_page()
    page.goto("/history")
    expect(page.get_by_test_id("who")).to_contain_text("anna")
    end_everywhere(anna)
    assert page.evaluate("async () => (await fetch('/api/batches')).status") == 401
    page.reload()
    expect(page.locator("#sign-in-title")).to_be_visible()
    expect(page.get_by_test_id("problem")).to_contain_text("session is over")


def test_what_was_chosen_and_typed_outlives_a_session(new_browser, guarded, tmp_path):
    context, key = new_browser(), key_of(guarded)
    page = context.new_page()
    sign_in(page, key, "/")
    ask = AskPage(page).open().choose(drawn(2, seed=91).write(tmp_path)).expect_count(2)
    page.get_by_test_id("question").fill("What is it?")
    end_everywhere(context)
    page.get_by_test_id("send").press("Enter")
    expect(page.locator("#session-over")).to_be_visible()
    ask.expect_count(2)
    expect(page.get_by_test_id("question")).to_have_value("What is it?")
    with context.expect_page() as opened:
        page.locator("#session-over a").click()
    opened.value.locator("#key").fill(key)
    opened.value.keyboard.press("Enter")
    expect(opened.value.get_by_test_id("owner")).to_have_text("anna")
    opened.value.close()
    page.bring_to_front()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator("#session-over")).to_be_hidden()
    batch = ask.ask("What is it?")
    batch.expect_found("2 images")


def test_an_upload_goes_on_after_one_has_signed_in_again(new_browser, guarded, tmp_path):
    context, key = new_browser(), key_of(guarded)
    page = context.new_page()
    sign_in(page, key, "/")
    ask = AskPage(page).open().choose(drawn(3, seed=92).write(tmp_path)).expect_count(3)
    held: list[Route] = []
    page.route("**/api/batches/*/known", lambda route: held.append(route), times=1)
    with page.expect_request("**/api/batches/*/known"):
        batch = ask.ask()
    expect(batch.dock).to_be_visible()
    end_everywhere(context)
    for route in held:
        route.continue_()
    expect(page.locator("#session-over")).to_be_visible()
    again = context.new_page()
    sign_in(again, key)
    again.close()
    page.bring_to_front()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator("#session-over")).to_be_hidden()
    batch.expect_found("3 images")


def test_who_may_only_look_sees_no_button_that_changes_something(new_browser, guarded):
    user = {"Authorization": f"Bearer {key_of(guarded, owner='carl')}"}
    with plain.Client(base_url=guarded.url, headers=user) as http:
        batch = http.post("/api/batches", json={"model": "ocr", "name": "to be seen"}).json()["id"]
        http.post(f"/api/batches/{batch}/files", files={"files": ("no image.txt", b"x")})
    context = new_browser()
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    page = context.new_page()
    sign_in(page, key_of(guarded, owner="carl", role="read-only"), "/")
    row = page.locator("#history-list li").filter(has_text="to be seen")
    expect(row).to_be_visible()
    expect(row.locator("button")).to_have_count(0)
    expect(page.locator('.mast-nav a[href="/"]')).to_have_count(0)
    row.locator("a").click()
    BatchPage(page).expect_found("1 image")
    expect(page.locator("#failures")).to_be_visible()
    for name in ("delete", "share", "cancel", "close", "rename", "retry-all", "follow-up"):
        expect(page.locator(f"#{name}")).to_have_count(0)
    page.locator("#gallery .tile").first.click()
    page.keyboard.press("r")
    expect(page.locator("#viewer-file")).to_have_text("no image.txt")
    assert not errors


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_these_pages_have_no_barrier(new_browser, guarded, locale, color_scheme):
    page = new_browser(locale=locale, color_scheme=color_scheme).new_page()
    findings = Findings(page)
    page.goto("/sign-in")
    page.locator("#key").fill("eva01_wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("problem")).to_be_visible()
    findings.look("sign-in, a wrong key")
    sign_in(page, ADMIN_KEY, "/account")
    findings.look("account")
    page.goto("/admin/keys")
    page.locator("#key-owner").fill("anna")
    page.locator("#key-owner").press("Enter")
    expect(page.get_by_test_id("key-made")).to_be_visible()
    findings.look("a key was made")
    page.locator("#session-over").evaluate("notice => { notice.hidden = false; }")
    findings.look("session over")
    findings.assert_none()
