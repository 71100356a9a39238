"""Looking at a batch: failures and their reasons, search, the large view, the keyboard."""

import io
import re
from hashlib import sha256

import pytest
import redis
from playwright.sync_api import expect

from jobs.contract import names
from jobs.contract.models import Result, Usage
from jobs.storage.store import JobStore
from tests.browser.given import make_batch, wait_until_done
from tests.browser.images import DESCRIBE, RED_CIRCLE, cut_short, drawn
from tests.browser.pages import AskPage, BatchPage, expect_picture, press, tab_to


def test_what_failed_is_shown_with_its_reasons(page, mixed_batch):
    batch = BatchPage(page).open(mixed_batch, answers=14)
    expect(batch.readout("failed")).to_have_text("2")
    expect(page.locator("#failures-title")).to_have_text("2 answers are missing")
    expect(batch.failure("The image is cut short or damaged.")).to_contain_text("Send the whole file")
    expect(batch.failure("This is no image that can be read.")).to_contain_text("Save it as JPEG")
    batch.failure("cut short").get_by_role("button").click()
    expect(page.locator("#found")).to_have_text("1 of 14 images")
    expect(batch.tile("cut short.png")).to_contain_text("The image is cut short or damaged.")


#: Notes whether the reasons for failures are there when all 14 results of a batch are.
_LOOK_WHEN_FOUND = """new MutationObserver((_, observer) => {
  if (!document.querySelector("#found")?.textContent.startsWith("14 images")) return;
  observer.disconnect();
  window.hadReasons = document.querySelector("#failures").checkVisibility();
}).observe(document, { subtree: true, childList: true, characterData: true });"""


def test_results_are_not_pushed_down_later_by_the_reasons_above_them(page, mixed_batch):
    page.add_init_script(_LOOK_WHEN_FOUND)
    BatchPage(page).open(mixed_batch, answers=14)
    assert page.evaluate("window.hadReasons")


def test_a_failed_image_is_retried_and_then_has_its_answer(page, stack, hold_worker):
    content = RED_CIRCLE.encode(width=341)
    path = stack.folder / "blobs" / names.image_path(sha256(content).hexdigest())
    with hold_worker():
        batch_id = make_batch(stack, "gone for a while", {"gone.png": content})
        path.unlink()
    batch = BatchPage(page).open(batch_id)
    expect(batch.failure("The image is not there any more.")).to_be_visible()
    expect(batch.tile("gone.png")).to_contain_text("Failed")
    path.write_bytes(content)
    press(page.get_by_role("button", name="Retry all"), "Enter")
    expect(batch.tile("gone.png")).to_contain_text(RED_CIRCLE.description)
    expect(page.locator("#failures")).to_be_hidden()
    expect(batch.readout("failed")).to_have_text("0")


def test_answers_are_searched_filtered_and_sorted(page, mixed_batch, mixed_files):
    batch = BatchPage(page).open(mixed_batch, answers=14)
    circles = [path for path, answer in mixed_files.answers.items() if "circle" in answer]
    page.locator("#search").fill("CIRCLE")
    expect(page.locator("#found")).to_have_text(f"{len(circles)} of 14 images")
    assert sorted(batch.answers()) == sorted(circles)
    page.locator("#search").fill("")
    batch.expect_found("14 images")
    page.locator("#states button", has_text="Failed").click()
    expect(page.locator("#found")).to_have_text("2 of 14 images")
    page.locator("#search").fill("circle")
    expect(page.locator("#nothing")).to_contain_text("Nothing found")
    page.locator("#search").fill("")
    batch.expect_found("2 of 14 images")
    page.locator("#states button", has_text="All").click()
    page.locator("#order").select_option("file")
    expect(page.locator("#rows a").first).to_have_text(sorted(mixed_files.files)[0])


def test_the_large_view_has_the_image_the_answer_and_how_it_came_about(page, mixed_batch, mixed_files):
    path, answer = next(iter(mixed_files.answers.items()))
    BatchPage(page).open(mixed_batch, answers=14).tile(path).click()
    viewer = page.locator("#viewer")
    expect(viewer.locator("#viewer-answer")).to_have_text(answer)
    expect(viewer.locator("#viewer-facts")).to_contain_text("nano")
    expect(viewer.locator("#viewer-facts")).to_contain_text("240 × 183 pixels")
    expect_picture(viewer.locator("#viewer-image"))
    # Drawn to fit: the image is loaded, and its size known.
    expect(viewer.locator("#viewer-image")).to_have_attribute("style", re.compile("scale"))
    fitting = viewer.locator("#zoom-level").inner_text()
    viewer.get_by_role("button", name="Larger").click()
    expect(viewer.locator("#zoom-level")).not_to_have_text(fitting)


def test_a_further_question_is_asked_about_the_same_image(page, mixed_batch, mixed_files):
    path = next(path for path, answer in mixed_files.answers.items() if " and " not in answer)
    BatchPage(page).open(mixed_batch, answers=14).tile(path).click()
    page.locator("#follow-up-question").fill(DESCRIBE)
    # By the keyboard: what is known of the image comes above the form.
    press(page.locator("#follow-up-form").get_by_role("button", name="Ask"), "Enter")
    expect(page.locator("#follow-up-thread")).to_contain_text(mixed_files.answers[path])
    page.keyboard.press("Escape")
    expect(page.locator("#found")).to_have_text("14 images")


def test_thumbnails_are_shown_once_a_worker_has_made_them(page, mixed_batch):
    batch = BatchPage(page).open(mixed_batch, answers=14)
    picture = batch.tile("0000.png").locator(".tile-picture")
    expect(picture).to_have_attribute("data-picture", re.compile("filling|whole"))
    expect(picture.locator("img")).to_have_attribute("src", re.compile("/thumbnail$"))
    expect(batch.tile("notes.png").locator(".tile-picture")).to_have_attribute("data-picture", "none")


def test_what_the_browser_cannot_show_is_shown_small_and_notes_stand_beside_the_answers(page, stack):
    first, second = RED_CIRCLE.draw(), RED_CIRCLE.draw().rotate(90)
    animation, scan = io.BytesIO(), io.BytesIO()
    first.save(animation, "GIF", save_all=True, append_images=[second])
    first.save(scan, "TIFF")
    files = {"moving.gif": animation.getvalue(), "scan.tif": scan.getvalue()}
    batch_id = make_batch(stack, "odd ones", files)
    wait_until_done(stack, batch_id)
    batch = BatchPage(page).open(batch_id, answers=2)
    expect(batch.tile("moving.gif")).to_contain_text("first frame only")
    batch.tile("scan.tif").click()
    expect(page.locator("#viewer-small")).to_be_visible()
    expect(page.locator("#viewer-image")).to_have_attribute("src", re.compile("/thumbnail$"))
    expect_picture(page.locator("#viewer-image"))
    expect(page.locator("#viewer-notes")).to_be_hidden()
    page.keyboard.press("Escape")
    batch.tile("moving.gif").click()
    expect(page.locator("#viewer-small")).to_be_hidden()
    expect(page.locator("#viewer-notes")).to_contain_text("only the first was looked at")


def test_all_is_done_with_the_keyboard_alone(page, tmp_path):
    some = drawn(5, seed=31)
    paths = some.write(tmp_path)
    (tmp_path / "cut.png").write_bytes(cut_short())
    # A listener from the start, as the key could otherwise come before the browser intercepts file choosers.
    page.on("filechooser", lambda _: None)
    page.goto("/")
    tab_to(page, "#files")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files([*paths, tmp_path / "cut.png"])
    AskPage(page).expect_count(6)
    tab_to(page, "#question")
    page.keyboard.type(DESCRIBE)
    tab_to(page, "#send")
    expect(page.locator("#send")).to_have_attribute("aria-disabled", "false")
    page.keyboard.press("Enter")
    batch = BatchPage(page).wait_until_done().expect_found("6 images")
    expect(page.locator("#main")).to_be_focused()

    tab_to(page, "#results a[data-index]")
    page.keyboard.press("ArrowRight")
    expect(page.locator('a[data-index="1"]')).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator('a[data-index="0"]')).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#viewer-place")).to_have_text("1 of 6")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#viewer-place")).to_have_text("2 of 6")
    shown = page.locator("#viewer-file").inner_text()
    expect(page.locator("#viewer-answer")).to_have_text(some.answers.get(shown, ""))
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).to_be_hidden()
    expect(page.locator('a[data-index="1"]')).to_be_focused()

    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("cut.png")
    expect(page.locator("#found")).to_have_text("1 of 6 images")
    page.keyboard.press("ArrowDown")
    expect(batch.tile("cut.png").locator("a")).to_be_focused()
    page.keyboard.press("r")
    expect(page.locator("#toasts")).to_contain_text("cut.png runs again.")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()


def test_images_that_nobody_answers_yet_are_said_to_wait_for_a_worker(page, stack):
    batch_id = make_batch(stack, "waits", drawn(2, seed=32).files, model="ocr", question="")
    BatchPage(page).open(batch_id, answers=2)
    expect(page.locator("#stage")).to_have_text("Waiting for a worker")
    expect(page.locator("#fleet")).to_contain_text("Waking a worker")
    press(page.locator("#cancel"), "Enter")
    expect(page.locator("#stage")).to_have_text("Cancelled")


def test_a_text_that_was_read_unsurely_is_marked(page, stack):
    batch_id = make_batch(stack, "texts", drawn(2, seed=33).files, model="ocr", question="")
    with redis.Redis(port=stack.redis_port, decode_responses=True) as client:
        store = JobStore(client)
        for job, confidence in zip(store.results(batch_id), (0.99, 0.7), strict=True):
            usage = Usage(lines=1, confidence=confidence)
            store.finish(job.id, Result(answer=f"Total {confidence}", usage=usage))
    BatchPage(page).open(batch_id, answers=2)
    unsure = page.locator(".tile", has_text="Total 0.7").get_by_text("Unsure")
    expect(unsure).to_be_visible()
    expect(page.locator(".tile").get_by_text("Unsure").locator("visible=true")).to_have_count(1)
    unsure.click()
    expect(page.locator("#viewer-unsure")).to_have_text("Unsure")
    expect(page.locator("#viewer-unsure")).to_be_visible()
    page.keyboard.press("Escape")
    press(page.locator("#as-table"), "Enter")
    expect(page.locator(".result-row .chip--unsure").locator("visible=true")).to_have_count(1)


@pytest.mark.parametrize("path", ["/batches/" + 32 * "0", "/batches/nonsense"])
def test_what_is_not_there_is_said_on_a_page_of_ours(page, path):
    response = page.goto(path)
    assert response.status in (400, 404)
    expect(page.locator("h1")).to_be_visible()
    expect(page.get_by_role("link", name="To the start")).to_be_visible()
