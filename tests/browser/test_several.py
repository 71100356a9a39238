"""Jobs about several images: one card each with pages, the large view of all of them, further questions."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.given import CHAIRS, WIDTHS, jobs_of
from tests.browser.pages import BatchPage, press, tab_to


def open_chairs(page: Page, batch_id: str) -> BatchPage:
    batch = BatchPage(page).open(batch_id)
    expect(page.locator("#found")).to_have_text("3 jobs, 6 images")
    return batch


def expect_picture(frame: Locator, width: int) -> None:
    """Wait until a frame shows the image of that width."""
    expect(frame.locator("img")).to_have_js_property("naturalWidth", width)


def test_a_job_about_several_is_one_card_whose_pages_are_turned(page, chairs_batch):
    batch = open_chairs(page, chairs_batch)
    tile = batch.tile("chairs/oak")
    pager, picture = tile.get_by_role("group", name="Images of this job"), tile.locator(".tile-picture")
    expect(pager).to_have_text("1 / 3")
    expect_picture(picture, 201)
    pager.get_by_role("button", name="Next image of this job").click()
    expect(pager).to_have_text("2 / 3")
    expect_picture(picture, 202)
    expect(page.locator("#found-spoken")).to_have_text("Image 2 of 3: front_2.png")
    pager.get_by_role("button", name="Previous image of this job").click()
    pager.get_by_role("button", name="Previous image of this job").click()
    expect(pager).to_have_text("3 / 3")
    expect_picture(picture, 203)
    expect(batch.tile("alone.png").locator(".pager")).to_be_hidden()
    # Where one has turned to is seen in the large view as well.
    tile.get_by_role("link").click()
    expect(page.locator("#viewer-pager")).to_have_text("3 / 3")


def test_pages_are_turned_by_the_keyboard_in_the_gallery_and_in_the_large_view(page, chairs_batch):
    batch = open_chairs(page, chairs_batch)
    tile = batch.tile("chairs/oak")
    tab_to(page, "#results a[data-index]")
    page.keyboard.press(".")
    expect(tile.locator(".pager")).to_have_text("2 / 3")
    # Tab leads from the card to its pager, and to no other card's.
    tab_to(page, "#gallery .pager-button", most=1)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(tile.locator(".pager")).to_have_text("3 / 3")
    expect(batch.tile("chairs/elm").locator(".pager-button").first).to_have_attribute("tabindex", "-1")
    page.keyboard.press(",")
    expect(tile.locator(".pager")).to_have_text("2 / 3")
    press(tile.get_by_role("link"), "Enter")
    expect(page.locator("#viewer-pager")).to_have_text("2 / 3")
    page.keyboard.press(",")
    expect(page.locator("#viewer-image")).to_have_js_property("naturalWidth", 201)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#viewer-file")).to_have_text("chairs/elm")
    expect(page.locator("#viewer-pager")).to_have_text("1 / 2")
    page.keyboard.press("Escape")
    expect(tile.locator(".pager")).to_have_text("1 / 3")


def test_the_large_view_lists_all_images_with_their_sizes_and_shows_each(page, chairs_batch):
    open_chairs(page, chairs_batch).tile("chairs/oak").get_by_role("link").click()
    listed = page.get_by_role("list", name="Images of this job").get_by_role("button")
    expect(listed).to_have_text([re.compile(f"^{file}{WIDTHS[file]} × ") for file in CHAIRS["chairs/oak"]])
    expect(listed.first).to_have_attribute("aria-current", "true")
    for place, file in enumerate(CHAIRS["chairs/oak"]):
        expect_picture(listed.nth(place), WIDTHS[file])
        listed.nth(place).click()
        expect(page.locator("#viewer-image")).to_have_js_property("naturalWidth", WIDTHS[file])
        expect(page.locator("#viewer-image")).to_have_attribute("alt", f"chairs/oak/{file}")
        number = rf"\?number={place + 1}" if place else ""
        expect(page.locator("#viewer-original")).to_have_attribute("href", re.compile(f"/image{number}$"))
        expect(page.locator('#viewer-images [aria-current="true"]')).to_have_text(re.compile(f"^{file}"))
    expect(page.locator("#viewer-facts")).to_contain_text("nano")
    expect(page.locator("#viewer-facts")).not_to_contain_text("Size")


def test_a_further_question_is_about_all_of_its_images(page, stack, chairs_batch):
    open_chairs(page, chairs_batch).tile("chairs/elm").get_by_role("link").click()
    box = page.get_by_label("A further question about these images")
    box.fill("How many shapes are there?")
    with page.expect_response("**/ask") as answer:
        page.locator("#follow-up-form").get_by_role("button", name="Ask").click()
    asked = answer.value.json()
    (job,) = [job for file, job in jobs_of(stack, chairs_batch).items() if file == "chairs/elm"]
    assert [image["sha256"] for image in asked["images"]] == [image["sha256"] for image in job["images"]]
    expect(page.locator("#follow-up-thread .lamp")).to_have_count(0)
    expect(page.locator("#follow-up-thread li")).to_have_count(1)


def test_the_table_says_how_many_images_and_search_finds_each_by_its_name(page, chairs_batch):
    batch = open_chairs(page, chairs_batch).show_table()
    row = page.locator("#rows .result-row", has_text="chairs/oak")
    expect(row.locator(".row-file")).to_contain_text("3 images")
    expect(
        page.locator("#rows .result-row", has_text="alone.png").locator(".row-names .row-note")
    ).to_be_hidden()
    page.locator("#search").fill("front_10")
    expect(page.locator("#found")).to_have_text("1 of 3 jobs")
    assert list(batch.answers()) == ["chairs/oak"]


def test_nothing_is_loaded_of_images_that_are_not_on_top(page, chairs_batch):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/jobs/" in request.url else None)
    batch = open_chairs(page, chairs_batch)
    for job in ("chairs/oak", "chairs/elm", "chairs/alone.png"):
        expect(batch.tile(job).locator(".tile-picture")).to_have_attribute(
            "data-picture", re.compile("filling|whole")
        )
    assert len(asked) == 3
    assert not [url for url in asked if "number=" in url]


def test_whoever_has_a_link_turns_the_pages_too(page, chairs_batch):
    made = page.request.post(f"/api/batches/{chairs_batch}/share", data={"days": 1})
    page.goto(made.json()["url"])
    tile = BatchPage(page).tile("chairs/oak")
    tile.get_by_role("button", name="Next image of this job").click()
    expect_picture(tile.locator(".tile-picture"), 202)
    tile.get_by_role("link").click()
    expect(page.locator("#viewer-image")).to_have_js_property("naturalWidth", 202)
    expect(page.locator("#follow-up")).to_have_count(0)
