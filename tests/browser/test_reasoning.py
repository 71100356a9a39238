"""What a model thought before its answer: it is there for whoever asks for it, and nowhere else."""

from playwright.sync_api import expect

from tests.browser.pages import BatchPage, press

THOUGHT = "It has four corners.\nNo: none at all."


def test_what_was_thought_is_closed_until_it_is_opened(page, cut_batch):
    def thinking(route):
        job = route.fetch()
        route.fulfill(response=job, json={**job.json(), "reasoning": THOUGHT})

    BatchPage(page).open(cut_batch, answers=5).tile("0003.png").click()
    expect(page.locator("#viewer-answer")).to_have_text("White.")
    expect(page.locator("#viewer-reasoning")).to_be_hidden()
    page.keyboard.press("Escape")
    page.route("**/api/jobs/*", thinking)
    BatchPage(page).tile("0003.png").click()
    summary = page.get_by_text("What the model thought before")
    expect(summary).to_be_visible()
    expect(page.locator("#viewer-reasoning-text")).to_be_hidden()
    press(summary, "Enter")
    expect(page.locator("#viewer-reasoning-text")).to_have_text(THOUGHT, use_inner_text=True)
    expect(page.locator("#viewer-answer")).to_have_text("White.")
