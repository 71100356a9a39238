"""axe-core finds nothing against WCAG 2.2 AA: every page, its main states, both languages, light and dark."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from tests.browser.images import drawn
from tests.browser.pages import AskPage, BatchPage, press
from tests.files import pdfs

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
_SCRIPTS = re.compile(r"<script.*?</script>|</?noscript>", re.DOTALL)
_OPTIONS = {"runOnly": {"type": "tag", "values": _TAGS}, "resultTypes": ["violations"]}


def look(locale: str, color_scheme: str):
    """A browser's language and colours."""
    marks = pytest.mark.browser_context_args(locale=locale, color_scheme=color_scheme)
    return pytest.param(marks=marks, id=f"{locale} {color_scheme}")


#: What is found depends on the words or on the colors, and never on both.
in_every_look = pytest.mark.parametrize((), [look("en-US", "light"), look("zh-CN", "dark")])


class Findings:
    """What axe-core has found so far, with the state of the page in which it did."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._axe = Axe()
        self._found: list[str] = []

    def look(self, state: str) -> None:
        """Look at the page as it is."""
        for violation in self._axe.run(self._page, options=_OPTIONS).response["violations"]:
            for node in violation["nodes"]:
                place = " ".join(str(part) for part in node["target"])
                self._found.append(f"{state}: {violation['id']} at {place}: {node['failureSummary']}")

    def assert_none(self) -> None:
        """Nothing was found."""
        assert not self._found, "\n\n".join(self._found)


@pytest.fixture
def findings(page: Page) -> Findings:
    """What is found on the test's page."""
    return Findings(page)


@in_every_look
def test_the_page_that_asks_has_no_barrier(page, findings, tmp_path):
    ask = AskPage(page).open()
    findings.look("empty")
    (tmp_path / "letter.txt").write_text("Dear all")
    ask.choose([*drawn(3, seed=61).write(tmp_path), tmp_path / "letter.txt"]).expect_count(3)
    page.locator("#refusals-title").click()
    page.get_by_test_id("grouping").get_by_role("radio").nth(1).check()
    page.locator("#grouping-jobs summary").click()
    findings.look("images chosen, one refused; a folder is one job")
    (tmp_path / "letter.pdf").write_bytes(pdfs.document())
    ask.choose([tmp_path / "letter.pdf"]).expect_count(4)
    expect(page.locator("#preview .preview-sheet")).to_be_visible()
    findings.look("a PDF besides")
    page.locator("#models input[value=nano]").check()
    page.locator("#answer input[value=fields]").check()
    page.locator("#field-presets button").first.click()
    page.locator("#field-rows input").first.fill("")
    press(page.get_by_test_id("send"), "Enter")
    findings.look("fields, one without a name")
    page.locator("#answer input[value=schema]").check()
    page.locator("#schema").fill("{")
    press(page.get_by_test_id("send"), "Enter")
    findings.look("a schema that is none")
    page.locator("#veil").evaluate("veil => { veil.hidden = false; }")
    findings.look("something is dragged over it")
    findings.assert_none()


@in_every_look
def test_an_upload_has_no_barrier(page, findings, tmp_path):
    ask = AskPage(page).open().choose(drawn(3, seed=63).write(tmp_path)).expect_count(3)
    page.route("**/api/batches/*/files", lambda route: None)
    batch = ask.ask()
    expect(batch.dock).to_be_visible()
    findings.look("sending")
    press(page.get_by_test_id("pause"), "Enter")
    expect(batch.dock).to_have_attribute("data-state", "paused")
    findings.look("paused")
    press(page.get_by_test_id("cancel-upload"), "Enter")
    expect(page.get_by_test_id("confirm-cancel")).to_be_visible()
    findings.look("asked whether to cancel")
    page.get_by_test_id("confirm-cancel").click()
    expect(batch.dock).to_be_hidden()
    findings.assert_none()


@in_every_look
def test_a_batch_has_no_barrier(page, findings, mixed_batch):
    batch = BatchPage(page).open(mixed_batch)
    expect(page.locator("#found")).to_contain_text("14")
    expect(page.locator("#failures")).to_be_visible()
    findings.look("gallery")
    batch.tile("0000.png").click()
    expect(page.locator("#viewer-facts")).to_contain_text("nano")
    findings.look("large view")
    page.keyboard.press("Escape")
    batch.tile("cut short.png").click()
    expect(page.locator("#viewer-reason")).to_be_visible()
    findings.look("large view of a failure")
    page.keyboard.press("Escape")
    batch.show_table()
    findings.look("table")
    page.locator("#search").fill("not among the answers")
    expect(page.locator("#nothing")).to_be_visible()
    findings.look("nothing found")
    for name in ("show-keys", "share", "delete"):
        page.locator(f"#{name}").click()
        expect(page.locator("dialog[open]")).to_be_visible()
        findings.look(name)
        page.keyboard.press("Escape")
    page.locator("#rename").click()
    expect(page.locator("#rename-input")).to_be_visible()
    findings.look("rename")
    findings.assert_none()


@in_every_look
def test_answers_that_are_cut_short_have_no_barrier(page, findings, cut_batch):
    batch = BatchPage(page).open(cut_batch)
    expect(page.locator("#cut-short")).to_be_visible()
    findings.look("gallery")
    batch.tile("0001.png").click()
    press(page.locator("#viewer-more"), "Enter")
    expect(page.locator("#follow-up-thread .chip--cut")).to_be_visible()
    findings.look("asked again")
    page.keyboard.press("Escape")
    batch.show_table()
    expect(page.locator("#rows .chip--cut").first).to_be_visible()
    findings.look("table")
    findings.assert_none()


@in_every_look
def test_answers_with_fields_have_no_barrier(page, findings, receipts_batch):
    batch = BatchPage(page).open(receipts_batch)
    # By the keyboard: the cards are still growing.
    press(page.locator(".column-value", has_text="invoice"), "Enter")
    expect(page.locator("#found-filter")).to_be_visible()
    findings.look("gallery, of one value")
    batch.show_table()
    page.locator("#table-head button").first.click()
    expect(page.locator("#rows .row-field").first).to_be_visible()
    findings.look("table")
    page.locator("#rows a").first.click()
    expect(page.locator("#viewer-fields .sure").first).to_be_visible()
    expect(page.locator("#viewer-facts")).to_contain_text("nano")
    findings.look("large view")
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(batch.page.locator("#rows .row-answer").first).to_be_visible()
    findings.look("table on a telephone")
    findings.assert_none()


@in_every_look
def test_jobs_about_several_images_have_no_barrier(page, findings, chairs_batch):
    batch = BatchPage(page).open(chairs_batch)
    tile = batch.tile("chairs/oak")
    tile.get_by_role("button").last.click()
    expect(tile.locator(".pager")).to_have_text("2 / 3")
    findings.look("gallery")
    tile.get_by_role("link").click()
    expect(page.locator("#viewer-facts")).to_contain_text("nano")
    expect(page.locator("#viewer-images button")).to_have_count(3)
    findings.look("large view")
    page.keyboard.press("Escape")
    batch.show_table()
    findings.look("table")
    findings.assert_none()


@in_every_look
def test_documents_that_are_one_job_have_no_barrier(page, findings, letters_batch):
    batch = BatchPage(page).open(letters_batch)
    tile = batch.tile("long.pdf")
    tile.get_by_role("button").last.click()
    expect(tile.locator(".pager")).to_have_text("2 / 3")
    findings.look("gallery")
    tile.get_by_role("link").click()
    page.locator("#viewer-pdf summary").click()
    findings.look("large view")
    findings.assert_none()


@in_every_look
def test_the_history_has_no_barrier(page, findings, mixed_batch):
    page.goto("/history?search=trip")
    row = page.locator("#history-list li").filter(has=page.locator(f'a[href="/batches/{mixed_batch}"]'))
    expect(row).to_be_visible()
    findings.look("list")
    row.locator("button").first.click()
    findings.look("rename")
    page.keyboard.press("Escape")
    row.locator(".history-delete").click()
    findings.look("delete")
    page.keyboard.press("Escape")
    page.locator("#history-search").fill("not among the batches")
    expect(page.locator("#history-empty")).to_be_visible()
    findings.look("nothing found")
    findings.assert_none()


@in_every_look
def test_what_is_not_there_has_no_barrier(page, findings):
    page.goto("/batches/" + 32 * "0")
    findings.look("no such batch")
    findings.assert_none()


def test_a_shared_batch_has_no_barrier(page, findings, stack, mixed_batch):
    made = page.request.post(f"/api/batches/{mixed_batch}/share", data={"days": 1})
    page.goto(made.json()["url"])
    BatchPage(page).expect_found("14 images")
    findings.look("shared")
    findings.assert_none()


def test_a_page_without_scripts_has_no_barrier(page, findings, mixed_batch, cut_batch):
    # axe-core is a script: here the pages are drawn as browsers draw them that run none.
    def without_scripts(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=_SCRIPTS.sub("", response.text()))

    for path in ("/", "/history", f"/batches/{mixed_batch}", f"/batches/{cut_batch}"):
        page.route(f"**{path}", without_scripts)
        page.goto(path)
        expect(page.locator(".no-js-only, .table-frame").first).to_be_visible()
        findings.look(path)
    findings.assert_none()
