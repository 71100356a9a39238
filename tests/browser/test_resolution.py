"""The slider that says at how many pixels images are seen, and what is read of them."""

import re

import pytest
from playwright.sync_api import Page, expect

from jobs.contract import names
from jobs.contract.asking.pixels import PixelRange
from jobs.contract.catalog import NANO
from jobs.contract.models import WorkerInfo, WorkerState, utc_now
from jobs.storage.connection.client import connect
from jobs.storage.fleet import Fleet
from tests.browser.given import jobs_of
from tests.browser.images import DESCRIBE, drawn
from tests.browser.pages import AskPage, press
from tests.processes import wait_until


def open_slider(page: Page) -> AskPage:
    ask = AskPage(page).open()
    page.locator("#models input[value=nano]").check()
    expect(page.get_by_test_id("resolution")).to_be_visible()
    return ask


def test_fewer_pixels_are_chosen_by_the_keyboard_and_images_are_seen_at_so_many(page, stack, tmp_path):
    some = drawn(2, seed=95)
    ask = open_slider(page).choose(some.write(tmp_path)).expect_count(2)
    slider = page.get_by_role("slider", name="Images are seen at up to")
    expect(slider).to_have_attribute("aria-valuetext", "19,600 pixels, as in 140 × 140, as usual")
    expect(slider).to_have_accessible_description(re.compile("^As usual. Larger images are scaled down"))
    slider.focus()
    press(slider, "ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "9,800 pixels, as in 99 × 99")
    expect(slider).to_have_accessible_description(
        re.compile("A large image takes 50% of the usual image tok")
    )
    expect(page.locator("#checks")).to_contain_text("Images are seen at up to 9,800 pixels")
    press(slider, "Home")
    expect(page.locator("#resolution-said")).to_have_text("3,136 pixels, as in 56 × 56")
    press(page.get_by_role("button", name="As usual"), "Enter")
    expect(slider).to_be_focused()
    expect(page.locator("#resolution-said")).to_have_text("19,600 pixels, as in 140 × 140")
    expect(page.locator("#checks")).not_to_contain_text("seen at")
    press(slider, "ArrowLeft")
    press(slider, "ArrowLeft")
    batch = ask.ask(DESCRIBE).wait_until_done()
    expect(page.get_by_test_id("batch-pixels")).to_have_text("4,900 pixels")
    read = [job["usage"]["read_pixels"] for job in jobs_of(stack, batch.batch_id).values()]
    assert len(read) == 2
    assert all(0 < pixels <= 4900 for pixels in read)
    page.locator("#gallery .tile").first.click()
    shown = "|".join(f"{pixels:,}" for pixels in read)
    expect(page.locator("#viewer-facts")).to_contain_text(re.compile(f"Seen at({shown}) pixels"))


def test_a_follow_up_sees_the_image_at_the_pixels_of_its_batch(page, stack, tmp_path):
    ask = open_slider(page).choose(drawn(1, seed=96).write(tmp_path)).expect_count(1)
    press(page.get_by_role("slider", name="Images are seen at up to"), "Home")
    ask.ask(DESCRIBE).wait_until_done()
    page.locator("#gallery .tile").first.click()
    page.locator("#follow-up-question").fill("How many shapes are there?")
    with page.expect_response(re.compile("/ask$")) as sent:
        press(page.locator("#follow-up-question"), "Enter")
    job = sent.value.json()["id"]
    with stack.client() as client:
        address = f"/api/jobs/{job}"
        wait_until(lambda: client.get(address).json()["state"] == "succeeded", "it is answered")
        assert client.get(address).json()["usage"]["read_pixels"] <= 3136


def test_models_whose_pixels_cannot_be_chosen_have_no_slider(page):
    open_slider(page)
    page.locator("#models input[value=ocr]").check()
    expect(page.get_by_test_id("resolution")).to_be_hidden()
    page.locator("#models input[value=nano]").check()
    expect(page.get_by_test_id("resolution")).to_be_visible()


@pytest.mark.browser_context_args(locale="zh-CN")
def test_the_slider_speaks_chinese(page):
    open_slider(page)
    slider = page.get_by_role("slider", name="看图时每张最多")
    press(slider, "ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "9,800 像素，相当于 99 × 99")
    expect(slider).to_have_accessible_description(re.compile("50%"))


@pytest.fixture
def wide(stack):
    """A model, known by the heartbeat of a worker, that may be asked for more pixels than usual."""
    client = connect(stack.env["REDIS_URL"])
    fleet, takes = Fleet(client), PixelRange(least=3136, default=1_048_576, most=4_194_304)
    card = NANO.model_copy(update={"name": "wide", "max_pixels": takes})
    info = {"id": "wide-1", "model": "wide", "state": WorkerState.READY, "max_pixels": takes}
    fleet.beat(WorkerInfo(**info, slots=1, device="cpu", started_at=utc_now()), card, 500)
    yield card
    fleet.leave("wide-1", "wide")
    client.hdel(names.MODELS, "wide")


def test_more_pixels_than_usual_say_their_price_and_another_model_begins_at_its_own(page, wide):
    open_slider(page)
    page.locator(f"#models input[value={wide.name}]").check()
    slider = page.get_by_role("slider", name="Images are seen at up to")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^1,048,576 pixels.*, as usual$"))
    expect(slider).to_have_attribute("max", "10")
    press(slider, "ArrowRight")
    expect(page.locator("#resolution-said")).to_have_text("2,097,152 pixels, as in 1,448 × 1,448")
    press(slider, "End")
    expect(page.locator("#resolution-said")).to_have_text("4,194,304 pixels, as in 2,048 × 2,048")
    expect(slider).to_have_accessible_description(
        re.compile("takes up to 4 times the image tokens, and as many times as long")
    )
    page.locator("#models input[value=nano]").check()
    expect(slider).to_have_attribute("aria-valuetext", "19,600 pixels, as in 140 × 140, as usual")


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_where_no_script_runs_pixels_are_typed(page, tmp_path):
    files = drawn(1, seed=97).write(tmp_path)
    for pixels in ("1000", "4900"):
        page.goto("/")
        page.get_by_test_id("files").set_input_files(files)
        page.get_by_test_id("question").fill(DESCRIBE)
        page.get_by_role("radio", name="nano").check()
        page.get_by_label("Pixels of each image").fill(pixels)
        page.get_by_test_id("send").click()
        if pixels == "1000":
            expect(page.get_by_test_id("problem")).to_contain_text("nano takes 3,136 to 19,600 here")
            expect(page.get_by_label("Pixels of each image")).to_have_value(pixels)
    expect(page.get_by_test_id("batch-pixels")).to_have_text("4,900 pixels")
