"""Answers that are cut short: they say so wherever they are shown, and are asked for again with more."""

from hashlib import sha256
from typing import Any

import pytest
from playwright.sync_api import expect

from jobs.contract import names
from tests.browser.given import (
    images_of,
    jobs_of,
    make_batch,
    make_chairs,
    make_cut_batch,
    wait_until_done,
)
from tests.browser.images import DESCRIBE, drawn
from tests.browser.pages import BatchPage, press, tab_to
from web.intake.wishes import SaidWishes

CUT = ["0000.png", "0001.png", "0002.png", "0004.png"]
WORDS = "This answer is cut short"
#: All that a batch can be asked with, but for how long answers may be and what would exclude another.
WISHES: dict[str, Any] = {
    "max_pixels": 9800,
    "dpi": 100,
    "pages": "each",
    "logprobs": True,
    "top_logprobs": 2,
    "temperature": 0.1,
    "top_p": 0.5,
    "seed": 7,
    "stop": ["@@"],
}


def test_they_have_a_badge_and_can_be_shown_alone(page, cut_batch):
    batch = BatchPage(page).open(cut_batch, answers=5)
    expect(page.locator("#cut-short-title")).to_have_text("4 answers are cut short")
    expect(batch.tile("0000.png").locator(".chip--cut")).to_have_text("Cut short")
    expect(batch.tile("0003.png").locator(".tile-state")).to_be_hidden()
    expect(batch.readout("succeeded")).to_have_text("5")
    cut = page.locator("#states button", has_text="Cut short")
    expect(cut.locator(".state-count")).to_have_text("4")
    cut.click()
    batch.expect_found("4 of 5 images")
    expect(page.locator("#gallery .tile-file")).to_have_text(CUT)
    page.locator("#states button", has_text="Answered").click()
    batch.expect_found("5 images")
    page.locator("#cut-short").get_by_role("button", name="Show").click()
    batch.expect_found("4 of 5 images")
    batch.show_table()
    expect(page.locator("#rows .chip--cut")).to_have_count(4)


def test_the_large_view_says_where_it_was_cut(page, cut_batch):
    batch = BatchPage(page).open(cut_batch, answers=5)
    batch.tile("0000.png").click()
    expect(page.locator("#viewer-cut")).to_contain_text(WORDS)
    expect(page.locator("#viewer-cut")).to_contain_text("after 4 tokens")
    expect(page.locator("#viewer-state")).to_have_text("Cut short")
    page.keyboard.press("Escape")
    batch.tile("0003.png").click()
    expect(page.locator("#viewer-answer")).to_have_text("White.")
    expect(page.locator("#viewer-cut")).to_be_hidden()
    expect(page.locator("#viewer-state")).to_have_text("Answered")


def test_one_is_asked_for_again_with_more_until_it_is_whole(page, cut_batch, cut_files):
    BatchPage(page).open(cut_batch, answers=5).tile("0001.png").click()
    # Whoever clicks twice asks once.
    page.locator("#viewer-more").dblclick()
    entries = page.locator("#follow-up-thread li")
    first = entries.nth(0)
    expect(first).to_contain_text("With up to 8 tokens")
    expect(first.locator(".chip")).to_have_text("Cut short")
    first.get_by_role("button", name="Ask again with more").dblclick()
    second = entries.nth(1)
    expect(second).to_contain_text("With up to 16 tokens")
    expect(second).to_contain_text(cut_files.answers["0001.png"])
    expect(second.locator(".chip")).to_have_count(0)
    expect(entries).to_have_count(2)


def test_an_own_question_is_the_one_that_is_asked_again(page, cut_batch):
    BatchPage(page).open(cut_batch, answers=5).tile("0004.png").click()
    # By the keyboard: its own question comes above the button.
    press(page.locator("#viewer-more"), "Enter")
    entry = page.locator("#follow-up-thread li")
    expect(entry).to_contain_text("How many shapes are there?")
    expect(entry).to_contain_text("There is one shape.")


def test_all_are_asked_for_again_in_a_new_batch_until_they_are_whole(page, stack, cut_batch, cut_files):
    BatchPage(page).open(cut_batch, answers=5)
    page.locator("#ask-cut-again").click()
    page.wait_for_url(lambda url: "/batches/" in url and cut_batch not in url)
    second = BatchPage(page).wait_until_done().expect_found("4 images").batch_id
    expect(page.locator("#batch-name")).to_have_text("short of words")
    jobs = jobs_of(stack, second)
    assert [*jobs] == CUT, "in the order of the first batch"
    assert (jobs["0004.png"]["question"], jobs["0004.png"]["answer"]) == (
        "How many shapes are there?",
        "There is one shape.",
    )
    expect(page.locator("#cut-short-title")).to_have_text("3 answers are cut short")

    page.locator("#ask-cut-again").click()
    page.wait_for_url(lambda url: "/batches/" in url and second not in url)
    third = BatchPage(page).wait_until_done().expect_found("3 images").batch_id
    answers = {file: job["answer"] for file, job in jobs_of(stack, third).items()}
    assert answers == {file: cut_files.answers[file] for file in ("0000.png", "0001.png", "0002.png")}
    expect(page.locator("#cut-short")).to_be_hidden()
    expect(page.locator("#states button", has_text="Cut short")).to_be_hidden()


def test_fields_that_failed_by_being_cut_are_asked_for_again_and_not_retried(page, stack):
    some = drawn(2, seed=80)
    fields = ["count:integer!", "background:white|black|other!"]
    batch_id = make_batch(stack, "short of fields", some.files, fields=fields, max_new_tokens=4)
    wait_until_done(stack, batch_id)
    assert {job["error"]["code"] for job in jobs_of(stack, batch_id).values()} == {"incomplete_answer"}
    batch = BatchPage(page).open(batch_id, answers=2)
    expect(page.locator("#failures-title")).to_have_text("2 answers are missing")
    expect(batch.failure("Ask again with more tokens")).to_be_visible()
    expect(page.locator("#retry-all")).to_be_hidden()
    expect(page.locator("#cut-short-title")).to_have_text("2 answers are cut short")
    expect(batch.tile("0000.png").locator(".chip--cut")).to_have_text("Cut short")

    batch.tile("0000.png").click()
    expect(page.locator("#viewer-cut")).to_contain_text("after 4 tokens")
    expect(page.locator("#viewer-retry")).to_be_hidden()
    press(page.locator("#viewer-more"), "Enter")
    expect(page.locator("#follow-up-thread li")).to_contain_text("With up to 8 tokens")
    page.keyboard.press("Escape")
    asked, jobs = batch_id, jobs_of(stack, batch_id).values()
    while any(job["finish_reason"] == "length" for job in jobs):
        asked = _ask_all_again(page, asked, stack)
        jobs = jobs_of(stack, asked).values()
    assert {(job["state"], *sorted(job["data"])) for job in jobs} == {("succeeded", "background", "count")}
    expect(page.locator("#cut-short")).to_be_hidden()


def _ask_all_again(page, batch_id, stack) -> str:
    """Ask again for what a batch was asked for, and wait for it; gives the new batch's id."""
    page.locator("#ask-cut-again").click()
    page.wait_for_url(lambda url: "/batches/" in url and batch_id not in url)
    made = BatchPage(page).wait_until_done().expect_found("2 images").batch_id
    with stack.client() as client:
        before, after = (client.get(f"/api/batches/{one}").json() for one in (batch_id, made))
    assert after["response_format"] == before["response_format"] is not None
    return made


def test_they_are_asked_for_again_as_they_were_asked_for(page, stack):
    assert set(WISHES) == set(SaidWishes.model_fields) - {"max_new_tokens", "fields", "response_format"}
    batch_id = make_batch(stack, "as asked", drawn(1, seed=79).files, max_new_tokens=4, **WISHES)
    wait_until_done(stack, batch_id)
    BatchPage(page).open(batch_id, answers=1).tile("0000.png").click()
    with page.expect_request("**/ask") as asked:
        press(page.locator("#viewer-more"), "Enter")
    question = {"question": DESCRIBE, "model": "nano", "max_new_tokens": 8}
    question |= {"response_format": {"type": "text"}}
    assert asked.value.post_data_json == question | WISHES
    page.keyboard.press("Escape")
    with page.expect_request(lambda request: request.url.endswith("/api/batches")) as made:
        page.locator("#ask-cut-again").click()
    assert made.value.post_data_json == {"name": "as asked"} | question | WISHES


def test_what_is_as_long_as_the_server_allows_is_not_asked_for_again(page, stack, cut_batch):
    def few(route):
        limits = route.fetch()
        route.fulfill(response=limits, json={**limits.json(), "max_answer_tokens": 4})

    page.route("**/api/limits", few)
    BatchPage(page).open(cut_batch, answers=5)
    page.locator("#ask-cut-again").click()
    expect(page.locator("#cut-short-note")).to_contain_text("as long as this server allows")
    assert cut_batch in page.url
    BatchPage(page).tile("0000.png").click()
    press(page.locator("#viewer-more"), "Enter")
    expect(page.locator("#follow-up-note")).to_contain_text("as long as this server allows")
    expect(page.locator("#follow-up-thread li")).to_have_count(0)


@pytest.mark.parametrize("lost", [1, 4])
def test_images_that_are_gone_are_said_to_be_left_out(page, stack, lost):
    some = drawn(5, seed=72 + lost)
    batch_id = make_cut_batch(stack, some)
    for file in CUT[:lost]:
        image = names.image_path(sha256(some.files[file]).hexdigest())
        (stack.folder / "blobs" / image).unlink()
    BatchPage(page).open(batch_id, answers=5)
    page.locator("#ask-cut-again").click()
    note = page.locator("#cut-short-note")
    if lost == 4:
        expect(note).to_contain_text("Send the files again")
        expect(note.get_by_role("link")).to_have_count(0)
        return
    expect(note).to_contain_text("1 image is not there any more and was left out.")
    note.get_by_role("link", name="To the new batch").click()
    BatchPage(page).wait_until_done().expect_found("3 images")


def test_when_the_connection_breaks_while_asking_again_no_half_batch_is_left(page, stack, cut_batch):
    def count() -> int:
        with stack.client() as client:
            return len(client.get("/api/batches", params={"limit": 200}).json()["batches"])

    BatchPage(page).open(cut_batch, answers=5)
    before = count()
    page.route("**/known", lambda route: route.abort())
    page.locator("#ask-cut-again").click()
    expect(page.locator("#toasts")).to_contain_text("cannot be reached")
    expect(page.locator("#ask-cut-again")).to_be_enabled()
    assert (count(), cut_batch in page.url) == (before, True)


def test_the_keyboard_asks_again_too(page, cut_batch, cut_files):
    BatchPage(page).open(cut_batch, answers=5)
    tab_to(page, "#results a[data-index]")
    page.keyboard.press("Enter")
    expect(page.locator("#viewer-cut")).to_be_visible()
    tab_to(page, "#viewer-more")
    page.keyboard.press("Enter")
    expect(page.locator("#follow-up-thread li")).to_contain_text("With up to 8 tokens")


def test_of_jobs_about_several_images_all_are_asked_about_again(page, stack):
    batch_id = make_chairs(stack, max_new_tokens=1)
    wait_until_done(stack, batch_id)
    BatchPage(page).open(batch_id).expect_found("3 jobs, 6 images")
    expect(page.locator("#cut-short-title")).to_have_text("3 answers are cut short")
    page.locator("#ask-cut-again").click()
    page.wait_for_url(lambda url: batch_id not in url)
    again = BatchPage(page).wait_until_done().expect_found("3 jobs, 6 images")
    first, second = (images_of(stack, one) for one in (batch_id, again.batch_id))
    assert [*second.items()] == [*first.items()], "in the same order"
