"""Without JavaScript: the form asks, and the batch's page answers."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.images import DESCRIBE, drawn

pytestmark = pytest.mark.browser_context_args(java_script_enabled=False)


def test_images_are_asked_about_and_their_answers_read(page, tmp_path):
    some = drawn(3, seed=51)
    page.goto("/")
    page.get_by_test_id("files").set_input_files(some.write(tmp_path))
    page.get_by_test_id("question").fill(DESCRIBE)
    page.get_by_role("radio", name="nano").check()
    page.get_by_test_id("send").click()
    # The page reloads itself until all are answered.
    for path, answer in some.answers.items():
        expect(page.get_by_role("row").filter(has_text=path)).to_contain_text(answer)


def test_fields_are_lines_of_text_and_a_wrong_one_is_said(page, tmp_path):
    files = drawn(1, seed=52).write(tmp_path)
    for fields in ("count:integre!", "count:integer!\nbackground:white|black"):
        page.goto("/")
        page.get_by_test_id("files").set_input_files(files)
        page.get_by_test_id("question").fill("What is drawn here?")
        page.get_by_label("Fields, a line each").fill(fields)
        page.get_by_role("radio", name="nano").check()
        page.get_by_test_id("send").click()
        if "integre" in fields:
            expect(page.get_by_test_id("problem")).to_contain_text("'integre' is no type")
            expect(page.get_by_label("Fields, a line each")).to_have_value(fields)
    expect(page.locator(".plain-answer")).to_have_text(re.compile(r'^\s*\{"count": ?-?\d+, ?"background"'))


def test_nothing_chosen_is_said_and_what_was_typed_is_still_there(page):
    page.goto("/")
    page.get_by_test_id("question").fill("What is this?")
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("problem")).to_contain_text("No image was chosen")
    expect(page.get_by_test_id("question")).to_have_value("What is this?")


def test_batches_are_listed_searched_and_filtered(page, mixed_batch):
    page.goto("/history")
    page.locator("#history-search").fill("trip")
    page.get_by_role("button", name="Search").click()
    page.locator(f'a[href="/batches/{mixed_batch}"]').click()
    page.get_by_role("link", name="Failed 2").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody tr").filter(has_text="notes.png")).to_contain_text("not an image")


def test_answers_that_are_cut_short_say_so(page, cut_batch):
    page.goto(f"/batches/{cut_batch}")
    # Playwright finds no text in a <noscript>, but elements.
    expect(page.locator("noscript .notice")).to_contain_text("Answers that are cut short: 4.")
    for file, chips in (("0000.png", ["Answered", "Cut short"]), ("0003.png", ["Answered"])):
        expect(page.get_by_role("row").filter(has_text=file).locator(".chip")).to_have_text(chips)


def test_language_and_dark_mode_are_switched(page):
    page.goto("/")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("button", name="English")).to_be_visible()
    page.locator("#theme button").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
