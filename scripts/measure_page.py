"""Measures a batch's page in Chromium: first paint, the longest task while scrolling and searching, memory.

    python scripts/fill_batch.py --jobs 10000 --failed 200
    python scripts/measure_page.py http://127.0.0.1:8000/batches/<id>

The page scrolls by the mouse's wheel from one end of the gallery to the other and back. A task is what the
browser's PerformanceObserver calls long: 50 ms and more. Memory is the JavaScript heap after a collection,
and what the renderer's process holds for itself (USS); the browser's other processes are not counted.
Pictures are those of the gallery: how many requests for them reach the server, and how many bytes come back
with headers, when it is scrolled through and back by a browser that has none, and by the same once more.
Chromium is found on PATH or by EVA01_CHROMIUM. Needs playwright and psutil.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from typing import Any

import psutil
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

#: Records every long task from the start of the page.
OBSERVE = """
window.seen = {tasks: []};
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.seen.tasks.push({at: entry.startTime, ms: entry.duration});
}).observe({type: "longtask", buffered: true});
"""
PAINTS = "performance.getEntriesByType('paint').map((entry) => [entry.name, entry.startTime])"
IS_LOADED = (
    "!document.getElementById('found').textContent.match(/of|Loading/) && document.querySelector('.tile')"
)
WHEEL_PX = 2400
STEPS = 120
MB = 1e6


def main() -> None:
    """Measure the page that the command line names, and print what was found."""
    parser = argparse.ArgumentParser(description="Measure a batch's page in Chromium.")
    parser.add_argument("page", help="The address of a batch's page.")
    parser.add_argument("--word", default="dusk", help="A word that is searched for.")
    arguments = parser.parse_args()
    chromium = os.environ.get("EVA01_CHROMIUM") or shutil.which("chromium")
    if not chromium:
        sys.exit("There is no chromium on PATH. Install it, or name it in EVA01_CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        found = measure(browser, arguments.page, arguments.word) | pictures(browser, arguments.page)
        for name, value in found.items():
            print(f"{name:<48} {value}")
        browser.close()


class Pictures:
    """What a page's pictures cost, as its browser counts."""

    def __init__(self, page: Page) -> None:
        self._asked: set[str] = set()
        self.requests = self.bytes = 0
        session = page.context.new_cdp_session(page)
        session.on("Network.responseReceived", self._note)
        session.on("Network.loadingFinished", self._count)
        session.send("Network.enable")

    def _note(self, event: dict[str, Any]) -> None:
        if event["response"]["url"].endswith(("/thumbnail", "/image")):
            self._asked.add(event["requestId"])

    def _count(self, event: dict[str, Any]) -> None:
        # What comes out of the browser's cache, without a question to the server, has no length here.
        if event["requestId"] in self._asked and event["encodedDataLength"]:
            self.requests += 1
            self.bytes += int(event["encodedDataLength"])


def pictures(browser: Browser, address: str) -> dict[str, str]:
    """What the gallery's pictures cost a browser that has none of them, and one that has them all."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    found = {}
    for visit in ("first", "second"):
        page = context.new_page()
        counted = Pictures(page)
        page.goto(address, wait_until="commit")
        page.wait_for_selector("#results")
        while not page.evaluate(IS_LOADED):
            page.wait_for_timeout(10)
        down = range(0, page.evaluate("document.documentElement.scrollHeight"), 600)
        for step in (*down, *reversed(down)):
            page.evaluate(f"scrollTo({{top: {step}, behavior: 'instant'}})")
            page.wait_for_timeout(400)
        found[f"pictures at the {visit} visit"] = f"{counted.requests} requests, {counted.bytes / 1e3:.0f} kB"
        page.close()
    context.close()
    return found


def measure(browser: Browser, address: str, word: str) -> dict[str, str]:
    """Each measurement as text, by its name."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.add_init_script(OBSERVE)
    page.goto(address, wait_until="commit")
    page.wait_for_selector("#results")
    # Playwright's own waiting evaluates text as script, which the page's policy forbids.
    while not page.evaluate(IS_LOADED):
        page.wait_for_timeout(10)
    loaded_ms = page.evaluate("performance.now()")
    found = {name: f"{ms:.0f} ms" for name, ms in page.evaluate(PAINTS)}
    found["all results there after"] = f"{loaded_ms:.0f} ms ({page.inner_text('#found')})"
    found["longest task while loading"] = _longest(page, lambda: page.wait_for_timeout(500), since_start=True)
    found["longest task while scrolling the gallery"] = _longest(page, lambda: _scroll(page))
    page.evaluate("scrollTo(0, 0)")
    page.click("#as-table")
    found["longest task while scrolling the table"] = _longest(page, lambda: _scroll(page))
    page.evaluate("scrollTo(0, 0)")
    page.click("#as-gallery")
    found[f"longest task while searching for “{word}”"] = _longest(page, lambda: _search(page, word))
    found["elements on the page"] = str(page.evaluate("document.querySelectorAll('*').length"))
    session = page.context.new_cdp_session(page)
    found["JavaScript heap"] = f"{_heap_bytes(session) / MB:.0f} MB"
    found["memory of the page's process"] = f"{_process_bytes(browser) / MB:.0f} MB"
    return found


def _longest(page: Page, act: Callable[[], Any], *, since_start: bool = False) -> str:
    """The longest task during `act`, or that there was none of 50 ms."""
    start = 0 if since_start else page.evaluate("performance.now()")
    act()
    # The observer is notified of a task shortly after its end.
    page.wait_for_timeout(300)
    tasks = page.evaluate(
        "(start) => window.seen.tasks.filter(({at}) => at >= start).map(({ms}) => ms)", start
    )
    return f"{max(tasks):.0f} ms ({len(tasks)} of 50 ms and more)" if tasks else "under 50 ms"


def _scroll(page: Page) -> None:
    """Scroll to the end by the wheel and back; the faster steps each show only new tiles."""
    page.mouse.move(720, 600)
    height = page.evaluate("document.documentElement.scrollHeight")
    for direction in (1, -1):
        for step in range(STEPS):
            # Slow at first, as when reading; then fast, as when looking for the end.
            leap = WHEEL_PX if step < STEPS // 2 else height // (STEPS // 2)
            page.mouse.wheel(0, direction * leap)
            page.wait_for_timeout(16)


def _search(page: Page, word: str) -> None:
    """Type a word, wait for the results, and clear the search."""
    page.click("#search")
    page.keyboard.type(word, delay=60)
    page.wait_for_timeout(1500)
    page.fill("#search", "")
    page.wait_for_timeout(1500)


def _heap_bytes(session: CDPSession) -> float:
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "JSHeapUsedSize"))


def _process_bytes(browser: Browser) -> int:
    """What the largest renderer holds for itself: the one of the page."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    pids = [int(process["id"]) for process in processes if process["type"] == "renderer"]
    return max(int(psutil.Process(pid).memory_full_info().uss) for pid in pids)


if __name__ == "__main__":
    main()
