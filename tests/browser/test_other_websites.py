"""Other websites' pages, in the browser of somebody who reaches the server, change and read nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, Page, expect

from tests import plain
from tests.browser.conftest import PATIENCE_MS
from tests.browser.elsewhere import elsewhere
from tests.browser.pages import BatchPage
from tests.process.conftest import Stack

#: Forms, as they might be hidden in any page; and what a script may send without asking first.
_PAGE = """
<form action="{url}/batches" method="post" enctype="multipart/form-data"><input name="question"></form>
<form action="{url}/preferences" method="post"><input name="theme" value="dark"></form>
"""
_SEND = """async (url) => {
  const form = new FormData();
  form.append("question", "evil");
  form.append("file", new Blob(["x"]), "x.png");
  const plain = new Blob(['{"question": "evil"}'], {type: "text/plain"});
  for (const [path, body] of [["/analyze", form], ["/api/batches", plain], ["/api/batches/%s/cancel", ""]])
    await fetch(url + path, {method: "POST", mode: "no-cors", body}).catch(() => "it may not be seen");
}"""


@pytest.fixture
def evil_port(stack: Stack) -> Iterator[int]:
    """The port of another website on this machine."""
    with elsewhere(_PAGE.format(url=stack.url)) as port:
        yield port


@pytest.fixture
def page(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[Page]:
    """A page of a visitor who may go anywhere."""
    context = browser.new_context(**browser_context_args)
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def batches(stack: Stack) -> list[Any]:
    """What there is, without how far it is and in no order: both change while a worker works."""
    wanted = ("id", "name", "question", "model", "state", "total")
    found = plain.get(f"{stack.url}/api/batches?limit=200").json()["batches"]
    return sorted([batch[name] for name in wanted] for batch in found)


def refused(stack: Stack) -> float:
    """How many requests web has answered with 403."""
    lines = plain.get(f"{stack.url}/metrics").text.splitlines()
    counted = [line for line in lines if line.startswith("eva01_requests_total") and 'status="403"' in line]
    return sum(float(line.rsplit(" ", 1)[1]) for line in counted)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{}/", "http://localhost:{}/", "http://localhost:{}/sandboxed"]
)
def test_no_page_of_another_website_changes_anything(page, stack, evil_port, address):
    """Neither one of the same site, such as another program's on this machine, nor of another."""
    batch = plain.post(f"{stack.url}/api/batches", json={"question": "mine", "model": "nano"}).json()["id"]
    before, refused_before = batches(stack), refused(stack)
    page.goto(address.format(evil_port))
    page.evaluate(_SEND % batch, stack.url)
    for number in (0, 1):
        page.goto(address.format(evil_port))
        with page.expect_navigation():
            page.evaluate(f"document.forms[{number}].submit()")
        expect(page.locator("#error-title")).to_be_visible()
    assert refused(stack) == refused_before + 5
    assert batches(stack) == before
    plain.delete(f"{stack.url}/api/batches/{batch}")


def test_a_name_that_leads_here_shows_nothing(
    browser_type: BrowserType, browser_type_launch_args, stack, mixed_batch
):
    """As its owner may let it, once his page is loaded."""
    rules = "--host-resolver-rules=MAP evil.example 127.0.0.1"
    arguments = {**browser_type_launch_args, "args": [*browser_type_launch_args.get("args", ()), rules]}
    browser = browser_type.launch(**arguments)
    try:
        page = browser.new_page()
        there = stack.url.replace("127.0.0.1", "evil.example")
        for path in ("/", f"/batches/{mixed_batch}", "/history"):
            page.goto(there + path)
            expect(page.locator(".serial").filter(has_text="421 · unknown_host")).to_be_visible()
        read = page.evaluate("async () => (await fetch('/api/batches')).status")
        assert read == 421
    finally:
        browser.close()


def test_the_switches_of_a_shared_page_are_its_own(page, stack, mixed_batch):
    made = plain.post(f"{stack.url}/api/batches/{mixed_batch}/share", json={"days": 1}).json()
    page.goto(stack.url + made["url"])
    BatchPage(page).expect_found("14 images")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh")
    assert made["url"] in page.url
