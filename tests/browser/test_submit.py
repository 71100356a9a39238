"""Asking: choose, drop or paste images, launch, and read the right answers."""

from base64 import b64encode

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.images import BLUE_SQUARE, DESCRIBE, RED_CIRCLE, drawn
from tests.browser.pages import AskPage, press
from tests.files.hostile import zipped

#: Makes a DataTransfer that holds one file, as a browser does for a drop or a paste.
_TRANSFER = """([name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  return transfer;
}"""


def transfer(page: Page, name: str, content: bytes):
    """A handle of a DataTransfer in the page."""
    return page.evaluate_handle(_TRANSFER, [name, "image/png", b64encode(content).decode()])


def test_one_image_gets_its_answer(page, tmp_path):
    one = drawn(1, seed=11)
    batch = AskPage(page).open().choose(one.write(tmp_path)).expect_count(1).ask()
    assert batch.wait_until_done().expect_found("1 image").answers() == one.answers


def test_a_folder_of_200_gets_200_right_answers(page, tmp_path):
    many = drawn(200, seed=12, folder="holiday")
    many.write(tmp_path)
    batch = AskPage(page).open().choose_folder(tmp_path / "holiday").expect_count(200).ask()
    expect(page.locator("#batch-name")).to_have_text("holiday")
    batch.wait_until_done().expect_found("200 images")
    expect(page.locator("#sync")).to_have_attribute("aria-valuenow", "100.0")
    assert batch.answers() == many.answers


def test_an_image_is_dropped_anywhere_on_the_page(page):
    AskPage(page).open()
    given = transfer(page, "dropped.png", RED_CIRCLE.encode(width=333))
    foot = page.locator(".foot")
    foot.dispatch_event("dragenter", {"dataTransfer": given})
    expect(page.locator("#veil")).to_be_visible()
    foot.dispatch_event("dragover", {"dataTransfer": given})
    foot.dispatch_event("drop", {"dataTransfer": given})
    expect(page.locator("#veil")).to_be_hidden()
    batch = AskPage(page).expect_count(1).ask().wait_until_done()
    assert batch.answers() == {"dropped.png": RED_CIRCLE.description}


def test_a_folder_is_dropped_with_all_that_is_below_it(page, context, tmp_path):
    some = drawn(130, seed=13, folder="dragged", side=200)
    some.write(tmp_path)
    AskPage(page).open()
    data = {"items": [], "files": [str(tmp_path / "dragged")], "dragOperationsMask": 1}
    mouse = context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        mouse.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})
    AskPage(page).expect_count(130)
    batch = AskPage(page).ask().wait_until_done()
    assert batch.expect_found("130 images").answers() == some.answers


def test_a_screenshot_is_pasted(page):
    AskPage(page).open()
    given = transfer(page, "image.png", BLUE_SQUARE.encode(width=334))
    page.evaluate(
        """(clipboardData) => document.body.dispatchEvent(
          new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }))""",
        given,
    )
    batch = AskPage(page).expect_count(1).ask().wait_until_done()
    assert list(batch.answers().values()) == [BLUE_SQUARE.description]


def test_a_zip_is_unpacked(page, tmp_path):
    some = drawn(3, seed=14, folder="packed")
    (tmp_path / "some.zip").write_bytes(zipped(some.files))
    batch = AskPage(page).open().choose([tmp_path / "some.zip"]).expect_count(1).ask()
    assert batch.wait_until_done().expect_found("3 images").answers() == some.answers


def test_what_cannot_be_sent_is_named_before_anything_is_sent(page, tmp_path):
    paths = drawn(2, seed=15).write(tmp_path)
    (tmp_path / "letter.txt").write_text("Dear all")
    (tmp_path / "empty.png").write_bytes(b"")
    AskPage(page).open().choose([*paths, tmp_path / "letter.txt", tmp_path / "empty.png"]).expect_count(2)
    expect(page.get_by_test_id("refused")).to_have_text("2")
    page.locator("#refusals-title").click()
    refused = page.locator("#refusals-list li")
    expect(refused.filter(has_text="letter.txt")).to_contain_text("not an image")
    expect(refused.filter(has_text="empty.png")).to_contain_text("empty")


def test_what_is_missing_is_said_and_nothing_is_sent(page, tmp_path):
    posts = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    ask = AskPage(page).open()
    press(page.get_by_test_id("send"), "Enter")
    expect(page.locator("#send-problem")).to_have_text("Load images")
    ask.choose(drawn(1, seed=16).write(tmp_path)).expect_count(1)
    page.get_by_test_id("question").fill("Is there … in this image? Answer yes or no.")
    press(page.get_by_test_id("send"), "Enter")
    expect(page.locator("#send-problem")).to_have_text("Fill in the gap in the question")
    expect(page.get_by_test_id("question")).to_be_focused()
    assert posts == []


def test_what_was_typed_last_counts_however_quickly_one_launches(page, tmp_path):
    posts = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    AskPage(page).open().choose(drawn(1, seed=18).write(tmp_path)).expect_count(1)
    page.get_by_test_id("question").fill("What is it?")
    expect(page.get_by_test_id("send")).to_have_attribute("aria-disabled", "false")
    page.get_by_test_id("question").evaluate(
        """(box) => {
          box.value = "Is there … in this image? Answer yes or no.";
          box.dispatchEvent(new Event("input", { bubbles: true }));
          document.querySelector("#send").click();
        }"""
    )
    expect(page.locator("#send-problem")).to_have_text("Fill in the gap in the question")
    assert posts == []


def test_what_comes_for_the_page_that_asks_when_it_was_left_is_let_go(page, tmp_path):
    """An error of a script would fail it."""
    held: list[Route] = []
    recent = "**/api/batches?limit=*"
    page.route(recent, lambda route: held.append(route), times=1)
    with page.expect_request(recent):
        ask = AskPage(page).open()
    batch = ask.choose(drawn(1, seed=19).write(tmp_path)).expect_count(1).ask()
    with page.expect_response(recent):
        held[0].continue_()
    batch.wait_until_done()


@pytest.mark.browser_context_args(locale="zh-CN")
def test_images_that_are_chosen_before_the_script_listens_are_there_when_it_does(page, tmp_path):
    """In Chinese it waits for its words, which come after the page."""
    held: list[Route] = []
    words, some = "**/words/*.json", drawn(2, seed=20)
    page.route(words, lambda route: held.append(route), times=1)
    with page.expect_request(words):
        page.goto("/", wait_until="commit")
    page.locator("#files").set_input_files(some.write(tmp_path))
    with page.expect_response(words):
        held[0].continue_()
    batch = AskPage(page).expect_count(2).ask()
    assert batch.wait_until_done().answers() == some.answers


def test_a_ready_question_fills_the_box_and_is_offered_again(page, tmp_path):
    ask = AskPage(page).open().choose(drawn(1, seed=17).write(tmp_path)).expect_count(1)
    page.locator("#presets button", has_text="Describe").click()
    expect(page.get_by_test_id("question")).to_have_value(DESCRIBE)
    ask.ask("Is there a circle? Answer yes or no.").wait_until_done()
    AskPage(page).open()
    page.locator("#recent-list button").first.click()
    expect(page.get_by_test_id("question")).to_have_value("Is there a circle? Answer yes or no.")
    expect(page.get_by_test_id("recent-batches").locator("a").first).to_be_visible()
