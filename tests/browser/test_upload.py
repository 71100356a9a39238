"""Sending: paused, cancelled, cut off and taken up again, and nothing is sent twice."""

import re
from collections.abc import Callable
from contextlib import contextmanager, suppress

from playwright.sync_api import Dialog, Error, Page, Response, Route, expect

from tests.browser.images import drawn
from tests.browser.pages import AskPage, BatchPage, press
from tests.files.hostile import zipped
from tests.processes import wait_until

FILES_CALL = "**/api/batches/*/files"


class Sent:
    """The names of the files in successful uploads of this page, in order."""

    def __init__(self, page: Page) -> None:
        self.names: list[str] = []
        self._page = page
        page.on("response", self._look)

    def wait_for(self, count: int) -> None:
        """Wait until so many names are known: responses are read a little later than the page reads them."""
        wait_on_page(self._page, lambda: len(self.names) >= count, f"{count} files are sent")

    def _look(self, response: Response) -> None:
        if response.request.method == "POST" and response.url.endswith("/files") and response.ok:
            self.names += [one["file"] for one in response.json()["files"]]


@contextmanager
def only_first(page: Page, count: int):
    """Let `count` upload requests through; yields the others, which are held until the `with` is left."""
    held: list[Route] = []
    seen = 0

    def gate(route: Route) -> None:
        nonlocal seen
        seen += 1
        if seen <= count:
            route.continue_()
        else:
            held.append(route)

    page.route(FILES_CALL, gate)
    yield held
    page.unroute(FILES_CALL)
    for route in held:
        # Some have gone on already, or their page is gone.
        with suppress(Error):
            route.continue_()


def wait_on_page(page: Page, fact: Callable[[], object], what: str) -> None:
    """Wait for a fact that changes with the page's events, which only arrive while Playwright waits."""

    def look() -> bool:
        page.wait_for_timeout(20)
        return bool(fact())

    wait_until(look, what)


def test_a_reload_in_the_middle_goes_on_without_sending_again_what_is_there(page, tmp_path):
    many = drawn(120, seed=21, folder="cut", side=200)
    many.write(tmp_path)
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", accept)
    sent = Sent(page)
    with only_first(page, 1) as held:
        batch = AskPage(page).open().choose_folder(tmp_path / "cut").expect_count(120).ask()
        wait_on_page(page, lambda: sent.names and held, "some files are there, and others on their way")
        before = list(sent.names)
        assert 0 < len(before) < 120
        page.reload()
    assert asked == ["beforeunload"]
    expect(batch.dock).to_have_attribute("data-state", "interrupted")
    page.get_by_test_id("dock-folder").set_input_files(tmp_path / "cut")
    batch.wait_until_done().expect_found("120 images")
    sent.wait_for(120)
    after = sent.names[len(before) :]
    assert set(before).isdisjoint(after)
    assert sorted(before + after) == sorted(many.files)
    assert batch.answers() == many.answers


def test_a_lost_connection_is_said_and_the_upload_goes_on_when_it_is_back(page, context, tmp_path):
    many = drawn(80, seed=22, folder="lost", side=200)
    many.write(tmp_path)
    sent = Sent(page)
    ask = AskPage(page).open().choose_folder(tmp_path / "lost").expect_count(80)
    with only_first(page, 1) as held:
        batch = ask.ask()
        wait_on_page(page, lambda: sent.names and held, "some files are there, and others on their way")
        context.set_offline(True)
        for route in held:
            route.abort("internetdisconnected")
    expect(page.get_by_test_id("dock-state")).to_contain_text("The connection is lost")
    expect(page.locator("#trouble")).to_contain_text("No connection to the server")
    context.set_offline(False)
    batch.wait_until_done().expect_found("80 images")
    expect(page.locator("#trouble")).to_be_hidden()
    sent.wait_for(80)
    assert sorted(sent.names) == sorted(many.files)
    assert batch.answers() == many.answers


def test_a_connection_on_which_nothing_comes_any_more_is_lost(page, tmp_path):
    few = drawn(2, seed=24, folder="hangs")
    few.write(tmp_path)
    # It is given up after half a minute, of which a sixtieth is enough here.
    page.add_init_script(
        "const of = AbortSignal.timeout.bind(AbortSignal); AbortSignal.timeout = (ms) => of(ms / 60)"
    )
    batch = AskPage(page).open().choose_folder(tmp_path / "hangs").expect_count(2).ask()
    batch.wait_until_done()
    hanging: list[Route] = []
    looks = re.compile(r"/api/batches/[0-9a-f]{32}$")
    page.route(looks, lambda route: hanging.append(route))
    page.reload()
    expect(page.locator("#trouble")).to_contain_text("No connection to the server")
    page.unroute(looks)
    expect(page.locator("#trouble")).to_be_hidden()
    assert hanging


def test_the_same_folder_asked_again_sends_no_image_twice(page, tmp_path):
    some = drawn(30, seed=23, folder="twice")
    some.write(tmp_path)
    AskPage(page).open().choose_folder(tmp_path / "twice").expect_count(30).ask().wait_until_done()
    sent = Sent(page)
    batch = AskPage(page).open().choose_folder(tmp_path / "twice").expect_count(30).ask()
    batch.wait_until_done().expect_found("30 images")
    assert sent.names == []
    assert batch.answers() == some.answers


def test_two_folders_of_one_name_and_one_of_them_twice_lose_nothing_and_double_nothing(page, tmp_path):
    first, second = drawn(6, seed=26, folder="DCIM"), drawn(6, seed=27, folder="DCIM")
    for camera, images in (("a", first), ("b", second)):
        images.write(tmp_path / camera)
    third = drawn(1, seed=28, folder="zip")
    hidden = {".IMG.png": b"x", "__MACOSX/._0.png": b"x"}
    (tmp_path / "c.zip").write_bytes(zipped(hidden | third.files))
    ask = AskPage(page).open().choose_folder(tmp_path / "a" / "DCIM").expect_count(6)
    ask.choose_folder(tmp_path / "b" / "DCIM").expect_count(12)
    ask.choose_folder(tmp_path / "a" / "DCIM").choose([tmp_path / "c.zip"]).expect_count(13)
    batch = ask.ask().wait_until_done().expect_found("13 images")
    renamed = {path.replace(".", " (2)."): answer for path, answer in second.answers.items()}
    assert batch.answers() == first.answers | renamed | third.answers
    expect(page.locator("#dock-state")).to_contain_text("6 files have a path that another one has")
    expect(page.locator("#dock-state")).to_contain_text("2 hidden files in zips were passed over")


def test_a_pause_holds_what_is_left_and_resume_sends_it(page, tmp_path):
    some = drawn(40, seed=24, folder="slowly", side=200)
    some.write(tmp_path)
    sent = Sent(page)
    ask = AskPage(page).open().choose_folder(tmp_path / "slowly").expect_count(40)
    with only_first(page, 1) as held:
        batch = ask.ask()
        wait_on_page(page, lambda: sent.names and held, "some files are there, and others on their way")
        there = len(sent.names)
        expect(batch.readout("succeeded")).to_have_text(str(there))
        # The bar shows the share of all files, though every file that has arrived is answered.
        expect(page.locator("#sync")).to_have_attribute("aria-valuenow", f"{100 * there / 40:.1f}")
        press(page.get_by_test_id("pause"), "Enter")
        expect(batch.dock).to_have_attribute("data-state", "paused")
        for route in held:
            route.continue_()
        wait_on_page(page, lambda: len(sent.names) > there, "what was on its way has arrived")
    press(page.get_by_test_id("resume"), "Enter")
    batch.wait_until_done().expect_found("40 images")
    sent.wait_for(40)
    assert sorted(sent.names) == sorted(some.files)


def test_an_upload_is_cancelled_after_it_was_asked_once(page, tmp_path):
    drawn(40, seed=25, folder="never", side=200).write(tmp_path)
    with only_first(page, 0) as held:
        batch = AskPage(page).open().choose_folder(tmp_path / "never").expect_count(40).ask()
        wait_on_page(page, lambda: held, "something is on its way")
        press(page.get_by_test_id("cancel-upload"), "Enter")
        page.get_by_test_id("confirm-cancel").click()
        expect(batch.dock).to_be_hidden()
    expect(page.locator("#stage")).to_have_text("Cancelled")
    BatchPage(page).open(batch.batch_id)
    expect(batch.dock).to_be_hidden()
    expect(page.locator("#stage")).to_have_text("Cancelled")
