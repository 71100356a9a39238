"""Answers as data: asking for fields, columns to sort, filter and count by, and how sure answers are."""

import json
import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.given import jobs_of
from tests.browser.images import drawn
from tests.browser.pages import AskPage, BatchPage, press
from tests.browser.receipts import FAILED, OLD

_CELLS = """() => [...document.querySelectorAll("#rows .result-row")].map((row) => [
  row.querySelector("a").textContent,
  ...[...row.querySelectorAll(".row-field")].map((cell) => cell.textContent)])"""


def open_fields(page: Page) -> AskPage:
    ask = AskPage(page).open()
    page.locator("#models input[value=nano]").check()
    page.get_by_label("Fields, a column each").check()
    return ask


def rows_in_sight(page: Page) -> dict[str, list[str]]:
    """The fields' cells of the rows that exist, in their order, by file."""
    return {file: cells for file, *cells in page.evaluate(_CELLS)}


def row_of(page: Page, file: str) -> Locator:
    """The row of a file."""
    return page.locator(".result-row", has=page.get_by_role("link", name=file, exact=True))


def names(page: Page) -> list[str]:
    return page.locator("#field-rows .field-name").evaluate_all("boxes => boxes.map((box) => box.value)")


def test_fields_are_written_by_the_keyboard_and_nano_answers_with_them(page, stack, tmp_path):
    some = drawn(3, seed=91)
    ask = open_fields(page).choose(some.write(tmp_path)).expect_count(3)
    page.locator("#field-rows input").first.fill("background")
    page.locator("#field-rows select").select_option("choice")
    page.get_by_label("Values of field 1").fill("white | black | grey")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name of field 2")).to_be_focused()
    page.keyboard.type("count")
    page.get_by_label("Type of field 2").select_option("integer")
    page.get_by_label("Field 2 is always there").check()
    press(page.get_by_label("Hint for field 2"), "Enter")
    page.keyboard.type("count")
    page.get_by_test_id("question").fill("What is drawn here?")
    press(page.get_by_test_id("send"), "Enter")
    expect(page.locator("#field-rows li").nth(1).get_by_role("alert")).to_have_text(
        "Another field has this name."
    )
    press(page.get_by_label("Remove field 3"), "Enter")
    expect(page.get_by_label("Name of field 2")).to_be_focused()
    batch = ask.ask("What is drawn here?").wait_until_done()
    BatchPage(page).show_table()
    head = page.locator("#table-head [role=columnheader]")
    expect(head).to_have_text(["File", "State", "How sure", "Answer", "background", "count", "Took"])
    jobs = jobs_of(stack, batch.batch_id)
    assert {file: job["data"]["count"] for file, job in jobs.items()}.keys() == some.files.keys()
    for file, job in jobs.items():
        row = row_of(page, file)
        expect(row.locator(".row-field")).to_have_text(
            [job["data"]["background"] or "–", f"{job['data']['count']:,}"]
        )
        expect(row.locator(".sure-words")).to_have_text(f"{int(round(100 * job['confidence'], 6))}%")


def test_ready_fields_can_be_taken_back_and_are_not_there_for_models_that_have_none(page):
    open_fields(page)
    page.get_by_label("Name of field 1").fill("mine")
    page.get_by_test_id("question").fill("My question?")
    page.get_by_role("button", name="Receipt").click()
    expect(page.locator("#field-rows .field-name")).to_have_count(7)
    assert names(page)[:4] == ["merchant", "date", "items", "total"]
    expect(page.get_by_test_id("question")).to_have_value("Read this receipt.")
    page.get_by_role("button", name="My fields again").click()
    expect(page.locator("#field-rows .field-name")).to_have_count(1)
    assert names(page) == ["mine"]
    expect(page.get_by_test_id("question")).to_have_value("My question?")
    page.locator("#models input[value=ocr]").check()
    expect(page.get_by_test_id("answer")).to_be_hidden()


def test_what_the_server_refuses_is_said_at_the_schema_and_at_the_field(page, tmp_path):
    ask = open_fields(page).choose(drawn(1, seed=92).write(tmp_path)).expect_count(1)
    page.get_by_test_id("question").fill("What?")
    # No box lets one type so much; a script or an extension might.
    page.get_by_label("Name of field 1").evaluate("box => { box.value = 'x'.repeat(65); }")
    page.get_by_label("Name of field 1").dispatch_event("input")
    press(page.get_by_test_id("send"), "Enter")
    expect(page.locator("#field-rows").get_by_role("alert")).to_contain_text("at most 64 characters")
    page.get_by_label("JSON, by a schema").check()
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "not": {"required": ["n"]}}
    page.locator("#schema").fill(json.dumps(schema))
    press(page.get_by_test_id("send"), "Enter")
    expect(page.locator("#schema-problem")).to_contain_text("`not`")
    del schema["not"]
    page.locator("#schema").fill(json.dumps(schema))
    expect(page.locator("#schema-problem")).to_be_empty()
    batch = ask.ask("What?")
    expect(batch.page.locator("#columns h3")).to_have_text(["n"])


def test_columns_are_sorted_by_what_they_are(page, receipts_batch, some_receipts):
    BatchPage(page).open(receipts_batch, answers=40)
    BatchPage(page).show_table()
    head = page.get_by_role("columnheader", name="total")
    by_total = sorted(
        (file for file, one in some_receipts.items() if one.data["total"] is not None and file != FAILED),
        key=lambda file: some_receipts[file].data["total"],
    )
    for way, files in (("ascending", by_total), ("descending", by_total[::-1])):
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", way)
        expect(page.locator("#rows a").first).to_have_text(files[0])
        shown = list(rows_in_sight(page))
        assert shown == files[: len(shown)]
    cells = rows_in_sight(page)[by_total[-1]]
    one = some_receipts[by_total[-1]].data
    assert cells[0] == one["shop"]
    assert cells[1].replace(",", "") == f"{one['total']:g}"
    assert cells[4] == ("yes" if one["paid"] else "no")
    assert cells[6] == (", ".join(one["colors"]) or "")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "none")
    expect(page.locator("#order")).to_have_value("came")
    page.locator("#order").select_option(label="shop, ascending")
    expect(page.get_by_role("columnheader", name="shop")).to_have_attribute("aria-sort", "ascending")
    # In the order of people: 9 before 10.
    expect(page.locator("#rows .row-field").first).to_have_text("Bakery No. 9")


def test_columns_are_counted_and_filtered(page, receipts_batch, some_receipts):
    BatchPage(page).open(receipts_batch, answers=40)
    answered = {file: one.data for file, one in some_receipts.items() if file != FAILED}
    invoices = [file for file, data in answered.items() if data["kind"] == "invoice"]
    kind = page.get_by_role("region", name="kind")
    expect(kind.get_by_role("button", name="invoice")).to_have_text(f"invoice{len(invoices)}")
    total = page.get_by_role("region", name="total")
    missing = sum(data["total"] is None for data in answered.values())
    expect(total).to_contain_text(f"{len(answered) - missing} answers have it, {missing} not")
    bars = total.locator("rect title").all_text_contents()
    assert sum(int(bar.rpartition(" ")[2]) for bar in bars) == len(answered) - missing
    # By the keyboard: the cards are still growing.
    press(kind.get_by_role("button", name="invoice"), "Enter")
    expect(page.locator("#found")).to_have_text(f"{len(invoices)} of 40 images")
    page.get_by_label("total: at least").fill("50")
    wanted = [file for file in invoices if (answered[file]["total"] or 0) >= 50]
    assert 0 < len(wanted) < len(invoices)
    expect(page.locator("#found")).to_have_text(f"{len(wanted)} of 40 images")
    expect(page.locator("#found-filter")).to_contain_text("kind: invoice")
    expect(page.locator("#found-filter")).to_contain_text("total: 50 – …")
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("#found")).to_have_text("40 images")
    page.get_by_label("day: at most").fill("2026-06-30")
    early = [file for file, data in answered.items() if data["day"] <= "2026-06-30"]
    expect(page.locator("#found")).to_have_text(f"{len(early)} of 40 images")
    assert page.locator("#columns").evaluate("panel => panel.open")


def test_the_least_sure_come_first_and_the_sure_are_left_out(page, receipts_batch, some_receipts):
    batch = BatchPage(page).open(receipts_batch, answers=40)
    sure = {file: one.confidence for file, one in some_receipts.items() if one.confidence and file != FAILED}
    least = min(sure, key=sure.__getitem__)
    page.locator("#order").select_option("unsure")
    first = page.locator("#gallery .tile").first
    expect(first).to_contain_text(least)
    expect(first.locator(".sure-words")).to_have_text(f"{int(100 * sure[least])}%")
    parts = some_receipts[least].field_confidence or {}
    name = min(parts, key=parts.__getitem__)
    expect(first.locator(".sure-least")).to_have_text(f"{name} {int(100 * parts[name])}%")
    expect(first.locator(".tile-fields")).to_contain_text(f"shop: {some_receipts[least].data['shop']}")
    page.locator("#doubt").fill("75")
    below = [file for file, confidence in sure.items() if confidence < 0.75]
    assert 0 < len(below) < len(sure)
    expect(page.locator("#found")).to_have_text(f"{len(below) + 1} of 40 images")
    old = batch.tile(OLD)
    expect(old.locator(".sure")).to_be_hidden()
    press(old.locator("a"), "Enter")
    expect(page.locator("#viewer-fields > div")).to_have_count(7)
    expect(page.locator("#viewer .sure").locator("visible=true")).to_have_count(0)
    page.locator("#viewer-previous").click()
    expect(page.locator("#viewer-fields .sure-words").locator("visible=true")).to_have_count(7)
    expect(page.locator("#viewer-answer")).to_be_hidden()
    expect(page.locator("#viewer-facts")).to_contain_text(re.compile(r"Confidence\d\d%"))
