"""Page objects: what a user does on each page, with the selectors in one place."""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from playwright.sync_api import Locator, Page, expect

from tests.browser.images import DESCRIBE

#: How many rows there are, and [file, answer, whether that is to come yet] of those that exist now: the list
#: is virtual, so they are those in sight and a few more. "Done" is shown before the last answers are.
_ROWS_IN_SIGHT = """() => {
  const isDone = document.querySelector("#stage").dataset.stage === "done";
  const rows = [...document.querySelectorAll("#rows .result-row")].map((row) => [
    row.querySelector("a").textContent,
    row.querySelector(".row-answer").textContent,
    isDone && ["queued", "running"].includes(row.dataset.state),
  ]);
  return [Number(document.querySelector("#table").getAttribute("aria-rowcount")) - 1, rows];  // less its head
}"""
_SCROLL_ON = """() => new Promise((resolve) => {
  const before = scrollY;
  scrollBy({ top: innerHeight / 2, behavior: "instant" });
  requestAnimationFrame(() => requestAnimationFrame(() => resolve(scrollY > before)));
})"""

#: Longest wait for the answers of a batch, in milliseconds: on a busy machine many take long.
_WORK_MS = 200_000
#: A row that is not there so long after the last that came is missing.
_DRAWN_WITHIN_S = 60.0


class AskPage:
    """The page on which one chooses images and asks."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self) -> Self:
        """Open the page, and wait until its models are loaded."""
        self.page.goto("/")
        return self.expect_models()

    def expect_models(self) -> Self:
        """Wait until its script has loaded the models: before, nobody may hear what is chosen."""
        # The server draws models as well; with these ids only the script does.
        expect(self.page.locator("#models label[data-testid]").first).to_be_visible()
        return self

    def choose(self, files: Sequence[Path]) -> Self:
        """Choose images."""
        self.page.get_by_test_id("files").set_input_files(list(files))
        return self

    def choose_folder(self, folder: Path) -> Self:
        """Choose a folder with all that is below it."""
        self.page.get_by_test_id("folder").set_input_files(folder)
        return self

    def expect_count(self, count: int) -> Self:
        """Wait until so many files are loaded."""
        expect(self.page.get_by_test_id("count")).to_have_text(f"{count:,}")
        return self

    def ask(self, question: str = DESCRIBE) -> "BatchPage":
        """Type the question and launch; gives the batch's page."""
        self.page.get_by_test_id("question").fill(question)
        send = self.page.get_by_test_id("send")
        expect(send).to_have_attribute("aria-disabled", "false")
        # By the keyboard: what is said of models and sessions comes and goes, and what is below it moves.
        press(send, "Enter")
        batch = BatchPage(self.page)
        expect(batch.root).to_be_attached()
        return batch


class BatchPage:
    """The page of one batch."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root: Locator = page.locator("[data-batch-id]")
        self.dock: Locator = page.get_by_test_id("dock")

    def open(self, batch_id: str, answers: int | None = None) -> Self:
        """Go to a batch; when it is known how many results it has, wait until all are loaded."""
        self.page.goto(f"/batches/{batch_id}")
        if answers is not None:
            self.expect_found(f"{answers} image")
        return self

    @property
    def batch_id(self) -> str:
        """The id of the batch that is shown."""
        return self.root.get_attribute("data-batch-id") or ""

    def wait_until_done(self) -> Self:
        """Wait until the page says that the batch is done, and its scripts run."""
        done = expect(self.page.locator("#stage"))
        done.to_have_attribute("data-stage", "done", timeout=_WORK_MS)
        # The server draws the stage as well; this line only a script does.
        expect(self.page.locator("#found")).not_to_be_empty()
        return self

    def expect_found(self, words: str) -> Self:
        """Wait until the line above the results begins with these words, which say how many there are."""
        expect(self.page.locator("#found")).to_have_text(re.compile(f"^{re.escape(words)}"))
        return self

    def tile(self, words: str) -> Locator:
        """The tile of the gallery that holds these words."""
        return self.page.locator("#gallery .tile").filter(has_text=words)

    def failure(self, words: str) -> Locator:
        """The line of a reason for failures that holds these words."""
        return self.page.locator("#failures-list li").filter(has_text=words)

    def readout(self, name: str) -> Locator:
        """One of the numbers beside the gauge."""
        return self.page.locator(f'[data-readout="{name}"] .readout-value')

    def show_table(self) -> Self:
        """Show the results as a table, and bring it into sight."""
        # By the keyboard: after a search the page gets shorter, and what the mouse aims at moves.
        press(self.page.locator("#as-table"), "Enter")
        self.page.locator("#results").evaluate("list => list.scrollIntoView({ behavior: 'instant' })")
        expect(self.page.locator("#rows .result-row").first).to_be_visible()
        return self

    def answers(self) -> dict[str, str]:
        """The answer beside each file, read while scrolling through the whole table."""
        self.show_table()
        read: dict[str, str] = {}
        last_new = time.monotonic()
        while True:
            count, rows = self.page.evaluate(_ROWS_IN_SIGHT)
            before = len(read)
            read.update({file: answer for file, answer, is_to_come in rows if not is_to_come})
            if len(read) >= count:
                return read
            # What came into sight is drawn some frames later, also where the page cannot scroll any more.
            is_further = not any(is_to_come for *_, is_to_come in rows) and self.page.evaluate(_SCROLL_ON)
            last_new = time.monotonic() if is_further or len(read) > before else last_new
            assert time.monotonic() - last_new < _DRAWN_WITHIN_S, f"{len(read)} of {count} rows can be seen"


def expect_picture(image: Locator) -> None:
    """Wait until an <img> shows something."""
    expect(image).not_to_have_js_property("naturalWidth", 0)


def press(target: Locator, key: str) -> None:
    """Press a key on an element, once it is there to be seen.

    The browser cannot focus what is still hidden, and `Locator.press` does not wait for it: the key would go
    to whatever has the focus.
    """
    expect(target).to_be_visible()
    target.press(key)


def tab_to(page: Page, selector: str, most: int = 60) -> None:
    """Press Tab until the element at `selector` has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{most} times Tab do not lead to {selector}")
