"""Pictures of the pages in each of their states, for README.md, docs/guide.md and docs/keys.md.

    scripts/screenshots

Nothing is faked: Redis, web and a worker of `nano` run, and Chromium drives the pages.
"""

import argparse
import random
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from scripts.nano.drawing import draw_vector
from scripts.nano.world import MEASURED, sample_scene
from tests.browser.access_pictures import ADMIN_KEY, start_with_keys, use
from tests.browser.chromium import launch_arguments
from tests.browser.given import make_batch, wait_until_done
from tests.browser.images import cut_short
from tests.browser.pages import AskPage, BatchPage, press
from tests.process.conftest import Stack
from tests.tools import CHROMIUM

IMAGES = Path(__file__).parents[2] / "docs" / "images"
#: Upper limit of a picture's file, in bytes, so that the documents load quickly.
MAX_BYTES = 250_000
QUESTION = "Describe this image."
QUESTION_ZH = "描述这张图片的内容和颜色"
#: What `nano` can say of a drawing.
DRAWN_FIELDS = (
    "background:black|blue|brown|cyan|gray|green|orange|pink|purple|red|white|yellow",
    "count:integer",
    "shapes:circle|square|triangle[]",
    "solid:boolean",
)
DESKTOP = (1280, 860)
#: Tall enough to show the results below the reasons for failures.
TALL = (1280, 1040)
WIDE = (1440, 900)
#: For pages with little on them.
LOW = (1280, 600)
PHONE = (390, 844)
#: Width and height of the drawn images, in pixels.
SIZES = ((800, 600), (640, 480), (1024, 768), (600, 800), (900, 600))
#: Bandwidth of the upload in the picture `sending`, in bytes per second.
SLOW_LINE = 60_000


class Studio:
    """The running stack, a browser, and where the pictures go."""

    def __init__(self, stack: Stack, browser: Browser, folder: Path, out: Path) -> None:
        self.stack, self.browser = stack, browser
        self.folder, self.out = folder, out

    def page(self, size: tuple[int, int] = DESKTOP, **how: Any) -> Page:
        """A page in a window of `size`."""
        viewport: ViewportSize = {"width": size[0], "height": size[1]}
        look = {"locale": "en-US", "reduced_motion": "reduce", "device_scale_factor": 1.5}
        given = {"base_url": self.stack.url, **look, **how}
        context: BrowserContext = self.browser.new_context(viewport=viewport, **given)
        context.set_default_timeout(60_000)
        return context.new_page()

    def shoot(self, page: Page, name: str) -> None:
        """Write what the page shows now as `name`.webp."""
        page.wait_for_timeout(400)
        picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
        file = self.out / f"{name}.webp"
        for quality in (88, 78, 66, 50):
            picture.save(file, "WEBP", quality=quality, method=6)
            if file.stat().st_size < MAX_BYTES:
                break
        print(f"{file}  {file.stat().st_size / 1000:.0f} kB")

    def drawn(self, name: str, count: int, seed: int) -> Path:
        """A folder of `count` drawn images."""
        folder = self.folder / name
        for path, content in drawn(count, seed).items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return folder

    def batch(self, name: str, files: dict[str, bytes], question: str = QUESTION) -> str:
        """A batch that is done; gives its id."""
        batch_id = make_batch(
            self.stack, name, {f"{name}/{path}": data for path, data in files.items()}, question=question
        )
        wait_until_done(self.stack, batch_id)
        return batch_id


def drawn(count: int, seed: int) -> dict[str, bytes]:
    """Images of drawn shapes, by their paths."""
    rng = random.Random(seed)
    files = {}
    for number in range(1, count + 1):
        scene = sample_scene(rng, rng.choice(SIZES), MEASURED)
        content = BytesIO()
        draw_vector(scene, oversampling=2).save(content, "JPEG", quality=92)
        files[f"sheet {1 + number % 3}/{number:04}.jpg"] = content.getvalue()
    return files


def ask(studio: Studio) -> None:
    """The page that asks: empty, with something dragged over it, and loaded."""
    page = studio.page()
    asking = AskPage(page).open()
    expect(page.locator("#fleet")).to_contain_text("1 worker up")
    studio.shoot(page, "empty")
    page.evaluate(
        """() => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(["x"], "a.png", { type: "image/png" }));
          document.body.dispatchEvent(new DragEvent("dragenter", { dataTransfer, bubbles: true }));
        }"""
    )
    studio.shoot(page, "dragging")
    page.reload()
    folder = studio.drawn("signs", 60, 1)
    (folder / "list of signs.docx").write_bytes(b"not an image")
    asking.choose_folder(folder).expect_count(60)
    page.get_by_test_id("question").fill(QUESTION)
    page.locator("#refusals-title").click()
    page.get_by_test_id("send").scroll_into_view_if_needed()
    studio.shoot(page, "chosen")
    page.context.close()


def sending(studio: Studio) -> None:
    """A folder on its way, and the answers that come meanwhile."""
    page = studio.page()
    folder = studio.drawn("parts", 180, 2)
    asking = AskPage(page).open().choose_folder(folder).expect_count(180)
    line = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 5, "downloadThroughput": -1, "uploadThroughput": SLOW_LINE}
    line.send("Network.enable")
    asking.ask()
    line.send("Network.emulateNetworkConditions", slow)
    page.wait_for_function(
        "() => Number(document.querySelector('[data-readout=succeeded] dd').textContent) > 60"
    )
    studio.shoot(page, "uploading")
    page.context.close()


def running(studio: Studio) -> None:
    """A batch under way, and a network that is cut meanwhile."""
    files = {f"parts/{path}": content for path, content in drawn(400, 6).items()}
    batch_id = make_batch(studio.stack, "parts", files)
    page = studio.page()
    BatchPage(page).open(batch_id)
    page.wait_for_function(
        "() => Number(document.querySelector('[data-readout=succeeded] dd').textContent) > 120"
    )
    page.wait_for_function("() => document.querySelectorAll('.tile img[src]').length > 6")
    studio.shoot(page, "running")
    page.context.set_offline(True)
    expect(page.locator("#trouble")).to_be_visible()
    studio.shoot(page, "offline")
    page.context.close()
    wait_until_done(studio.stack, batch_id)


def results(studio: Studio) -> None:
    """A batch that is done: wide, dark, on a telephone; one of its images; its link for others."""
    batch_id = studio.batch("collection", drawn(48, 3))
    page = studio.page()
    batch = BatchPage(page).open(batch_id, answers=48)
    page.wait_for_function("() => document.querySelectorAll('.tile img[src]').length > 6")
    studio.shoot(page, "done")
    page.locator("#share").click()
    page.get_by_role("button", name="Make a link").click()
    expect(page.locator("#share-until")).to_be_visible()
    studio.shoot(page, "share")
    page.keyboard.press("Escape")
    batch.tile("0006.jpg").click()
    page.wait_for_function("() => document.querySelector('#viewer-image').naturalWidth > 0")
    page.locator("#follow-up-question").fill("How many shapes are there?")
    page.locator("#follow-up-form").get_by_role("button", name="Ask").click()
    expect(page.locator("#follow-up-thread .text").nth(1)).to_contain_text("shape")
    studio.shoot(page, "viewer")
    page.keyboard.press("Escape")
    page.locator("#as-table").click()
    page.locator("#search").fill("circle")
    expect(page.locator("#found")).to_contain_text("of 48 images")
    page.locator(".results-tools").evaluate("tools => tools.scrollIntoView()")
    studio.shoot(page, "table")
    page.context.close()
    dark = {"color_scheme": "dark"}
    for name, size, how in (("wide", WIDE, {}), ("dark", DESKTOP, dark), ("phone", PHONE, {})):
        page = studio.page(size, **how)
        BatchPage(page).open(batch_id, answers=48)
        page.wait_for_function("() => document.querySelectorAll('.tile img[src]').length > 1")
        studio.shoot(page, name)
        page.context.close()


def failures(studio: Studio) -> None:
    """A batch in which some files have failed, each reason in words."""
    files = drawn(30, 4)
    half = next(iter(files.values()))
    broken = {
        "sheet 1/0031.jpg": half[: len(half) // 3],
        "sheet 2/0032.png": cut_short(),
        "sheet 3/notes.png": b"These are notes, not an image.",
    }
    batch_id = studio.batch("mixed", {**broken, **files})
    page = studio.page(TALL)
    BatchPage(page).open(batch_id, answers=33)
    expect(page.locator("#failures")).to_be_visible()
    page.wait_for_function("() => document.querySelectorAll('.tile img[src]').length > 4")
    studio.shoot(page, "failures")
    page.context.close()


def fields(studio: Studio) -> None:
    """Fields that are asked for, and the table that they make; the least sure first."""
    page = studio.page(TALL)
    AskPage(page).open().choose_folder(studio.drawn("receipts", 20, 8)).expect_count(20)
    page.locator("#models input[value=nano]").check()
    page.locator("#answer input[value=fields]").check()
    page.locator("#field-presets button").first.click()
    page.locator("#question-title").scroll_into_view_if_needed()
    page.locator("#question-title").evaluate("title => scrollBy(0, title.getBoundingClientRect().top - 24)")
    studio.shoot(page, "fields")
    page.context.close()
    files = {f"shapes/{path}": content for path, content in drawn(40, 9).items()}
    batch_id = make_batch(studio.stack, "shapes", files, question="What is drawn?", fields=DRAWN_FIELDS)
    wait_until_done(studio.stack, batch_id)
    page = studio.page(TALL)
    BatchPage(page).open(batch_id, answers=40)
    page.locator("#as-table").click()
    page.locator("#order").select_option("unsure")
    page.locator(".results-tools").evaluate("tools => tools.scrollIntoView()")
    page.wait_for_function("() => document.querySelectorAll('.row-picture img[src]').length > 4")
    studio.shoot(page, "columns")
    page.context.close()


def several(studio: Studio) -> None:
    """A folder as one job: asked for, and the large view of its images."""
    page = studio.page(TALL)
    asking = AskPage(page).open().choose_folder(studio.drawn("views", 12, 10)).expect_count(12)
    page.get_by_test_id("grouping").get_by_label("a folder", exact=True).check()
    page.locator("#grouping-jobs summary").click()
    page.locator("#models input[value=nano]").check()
    page.get_by_test_id("question").fill(QUESTION)
    studio.shoot(page, "grouping")
    batch = asking.ask(QUESTION).wait_until_done().expect_found("3 jobs, 12 images")
    batch.tile("sheet 1").get_by_role("link").click()
    page.keyboard.press(".")
    expect(page.locator("#viewer-pager")).to_have_text("2 / 4")
    page.wait_for_function("() => document.querySelector('#viewer-image').naturalWidth > 0")
    page.wait_for_function("() => document.querySelectorAll('#viewer-images img[src]').length === 4")
    studio.shoot(page, "several")
    page.context.close()


def chinese(studio: Studio) -> None:
    """A batch asked in Chinese, on a Chinese page."""
    batch_id = studio.batch("图形", drawn(24, 5), QUESTION_ZH)
    page = studio.page(locale="zh-CN")
    BatchPage(page).open(batch_id)
    page.wait_for_function("() => document.querySelectorAll('.tile img[src]').length > 6")
    studio.shoot(page, "chinese")
    page.context.close()


def history(studio: Studio) -> None:
    """All batches."""
    page = studio.page()
    page.goto("/history")
    expect(page.locator("#history-list li").first).to_be_visible()
    studio.shoot(page, "history")
    page.context.close()


def access(studio: Studio) -> None:
    """Where one signs in; the admins' keys, and what asks before one is rotated; usage. In both languages."""
    (studio.folder / "access").mkdir()
    with Stack(studio.folder / "access") as stack:
        start_with_keys(stack)
        use(stack, drawn(24, 7))
        for locale, ending in (("en-US", ""), ("zh-CN", "-zh")):
            page = studio.page(LOW, locale=locale, base_url=stack.url)
            page.goto("/sign-in")
            studio.shoot(page, f"sign-in{ending}")
            page.locator("#key").fill(ADMIN_KEY)
            press(page.locator("#key"), "Enter")
            expect(page.get_by_test_id("who")).to_be_visible()
            page.goto("/usage")
            studio.shoot(page, f"usage{ending}")
            page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
            page.goto("/admin/keys")
            studio.shoot(page, f"keys{ending}")
            if not ending:
                page.locator("[popovertarget]").first.click()
                studio.shoot(page, "rotate")
            page.context.close()


SCENES: dict[str, Callable[[Studio], None]] = {
    scene.__name__: scene
    for scene in (ask, sending, running, failures, results, fields, several, chinese, history, access)
}


def main() -> None:
    """Take the pictures that the command line names, or all."""
    parser = argparse.ArgumentParser(description="Take the pictures of the pages anew.")
    parser.add_argument("--out", type=Path, default=IMAGES, help="The folder of the pictures.")
    parser.add_argument("--only", nargs="+", choices=SCENES, default=list(SCENES), help="Some of them.")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=60_000)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        (Path(folder) / "data").mkdir()
        with Stack(Path(folder) / "data") as stack:
            stack.start_redis()
            stack.start_web()
            stack.start_worker("nano", OMP_WAIT_POLICY="passive")
            browser = playwright.chromium.launch(**launch_arguments(CHROMIUM.find()))
            studio = Studio(stack, browser, Path(folder), arguments.out)
            for name in arguments.only:
                SCENES[name](studio)
            browser.close()


if __name__ == "__main__":
    main()
