"""All batches: found again, renamed, deleted."""

import pytest
from playwright.sync_api import Page, expect

from tests import plain
from tests.browser.given import make_batch, wait_until_done
from tests.browser.images import drawn
from tests.browser.pages import press


@pytest.fixture
def batch_id(stack, request) -> str:
    """A batch with a name that no other has."""
    name = f"harvest {request.node.originalname}"
    batch_id = make_batch(stack, name, drawn(2, seed=41 + len(name)).files)
    wait_until_done(stack, batch_id)
    return batch_id


@pytest.fixture
def row(page: Page, batch_id: str):
    """The batch's row, found by its name."""
    page.goto("/history?search=HARVEST")
    row = page.locator("#history-list li").filter(has=page.locator(f'a[href="/batches/{batch_id}"]'))
    expect(row).to_be_visible()
    return row


def test_a_batch_is_found_by_its_name_or_question(page, row, batch_id, mixed_batch):
    expect(page.locator(f'a[href="/batches/{mixed_batch}"]')).to_have_count(0)
    expect(row).to_contain_text("2 of 2")
    search = page.locator("#history-search")
    expect(search).to_have_value("HARVEST")
    search.fill("no batch has these words")
    expect(page.locator("#history-empty")).to_contain_text("Nothing found")
    search.fill("describe THIS")
    expect(page.locator(f'a[href="/batches/{batch_id}"]')).to_be_visible()
    press(page.locator(f'a[href="/batches/{batch_id}"]'), "Enter")
    expect(page.locator("#batch-name")).to_contain_text("harvest")


def test_a_batch_is_renamed_in_the_history(page, row, stack, batch_id):
    row.get_by_title("Rename").click()
    page.locator("#rename-input").fill("Apples <b>2026</b>")
    page.get_by_role("button", name="Save").click()
    expect(row.locator("a")).to_have_text("Apples <b>2026</b>")
    assert plain.get(f"{stack.url}/api/batches/{batch_id}").json()["name"] == "Apples <b>2026</b>"


def test_a_batch_is_renamed_on_its_page(page, batch_id):
    page.goto(f"/batches/{batch_id}")
    page.locator("#rename").click()
    page.locator("#rename-input").fill("Pears")
    page.keyboard.press("Enter")
    expect(page.locator("#batch-name")).to_have_text("Pears")
    page.reload()
    expect(page.locator("#batch-name")).to_have_text("Pears")


def test_a_batch_is_deleted_after_it_was_said_that_its_images_go_too(page, row, stack, batch_id):
    row.get_by_title("Delete", exact=True).click()
    expect(page.locator("#delete-words")).to_contain_text("2 images")
    expect(page.locator("#delete-words")).to_contain_text("Its images go too")
    page.locator("#delete-keep").click()
    expect(row).to_be_visible()
    row.get_by_title("Delete", exact=True).click()
    page.get_by_role("button", name="Delete with images").click()
    expect(row).to_have_count(0)
    assert plain.get(f"{stack.url}/api/batches/{batch_id}").status_code == 404


def test_a_batch_is_deleted_on_its_page(page, stack, batch_id):
    page.goto(f"/batches/{batch_id}")
    page.locator("#delete").click()
    page.get_by_role("button", name="Delete with images").click()
    page.wait_for_url("**/history")
    assert plain.get(f"{stack.url}/api/batches/{batch_id}").status_code == 404
