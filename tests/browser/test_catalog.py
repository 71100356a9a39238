"""A model that people have listed, on the page: its words, questions, fields and price, in both languages."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import PATIENCE_MS
from tests.browser.images import drawn
from tests.browser.pages import AskPage, press
from tests.process.test_catalog import Listing

FILE = """\
models:
  - name: shapes
    source: nano
    description: {en: Tells shapes apart., zh: 分辨形状。}
    presets:
      - label: {en: Ground, zh: 背景}
        question: {en: What is behind it?, zh: 它后面是什么？}
    fields: ["background:white|black:what is behind", "count:integer!"]
    price: 0.004 EUR
  - name: plain
    source: nano
"""


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listing]:
    """Redis, web that reads the file, and a worker of its first model."""
    with Listing(tmp_path_factory.mktemp("catalog")) as stack:
        stack.catalog.write_text(FILE, encoding="utf-8")
        stack.start_redis()
        stack.start_web()
        stack.start_worker("shapes", OMP_WAIT_POLICY="passive")
        yield stack


@pytest.fixture
def visit(
    browser: Browser, browser_context_args: dict[str, Any], listing: Listing
) -> Iterator[Callable[..., AskPage]]:
    """Opens the page for a new visitor; no script of it may fail."""
    errors: list[str] = []
    contexts: list[BrowserContext] = []

    def visit(locale: str = "en-US") -> AskPage:
        context = browser.new_context(**{**browser_context_args, "base_url": listing.url, "locale": locale})
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        return AskPage(context.new_page()).open()

    yield visit
    for context in contexts:
        context.close()
    assert not errors


def choose(page: Page, model: str) -> None:
    page.locator(f"#models input[value={model}]").check()


def names(page: Page) -> list[str]:
    return page.locator("#field-rows .field-name").evaluate_all("boxes => boxes.map((box) => box.value)")


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en-US", ("Tells shapes apart.", "€0.004 for 1,000 images", "Ground", "What is behind it?")),
        ("zh-CN", ("分辨形状。", "每 1,000 张图片 €0.004", "背景", "它后面是什么？")),
    ],
)
def test_it_is_offered_in_the_readers_language(visit, locale, said):
    described, price, label, question = said
    page = visit(locale).page
    card = page.get_by_test_id("model-shapes")
    expect(card).to_contain_text(described)
    expect(card).to_contain_text(price)
    button = page.locator("#presets button").first
    expect(button).to_have_text(label)
    press(button, "Enter")
    expect(page.get_by_test_id("question")).to_have_value(question)
    expect(button).to_have_attribute("aria-pressed", "true")
    choose(page, "plain")
    expect(page.get_by_role("button", name=label, exact=True)).to_have_count(0)


def test_its_fields_are_there_until_somebody_chooses_otherwise(visit):
    page = visit().page
    expect(page.get_by_label("Fields, a column each")).to_be_checked()
    expect(page.get_by_label("Name of field 2")).to_have_value("count")
    assert names(page) == ["background", "count"]
    expect(page.get_by_label("Values of field 1")).to_have_value("white | black")
    choose(page, "plain")
    expect(page.get_by_label("Text", exact=True)).to_be_checked()
    choose(page, "shapes")
    expect(page.get_by_label("Name of field 2")).to_have_value("count")
    page.get_by_label("Name of field 1").fill("mine")
    choose(page, "plain")
    choose(page, "shapes")
    expect(page.get_by_label("Name of field 1")).to_have_value("mine")


@pytest.mark.parametrize(("locale", "said"), [("en-US", "They cost €0.000012."), ("zh-CN", "共 €0.000012。")])
def test_what_the_chosen_images_cost_is_said_before_they_are_sent(visit, tmp_path, locale, said):
    ask = visit(locale)
    ask.choose(drawn(3, seed=6).write(tmp_path)).expect_count(3)
    note = ask.page.locator("#estimate-note")
    expect(note).to_contain_text(said)
    choose(ask.page, "plain")
    expect(note).not_to_contain_text("€")


def test_text_means_text(visit, listing, tmp_path):
    ask = visit()
    page = ask.page
    ask.choose(drawn(1, seed=5).write(tmp_path)).expect_count(1)
    expect(page.get_by_label("Fields, a column each")).to_be_checked()
    page.get_by_label("Text", exact=True).check()
    batch = ask.ask("What is it?").wait_until_done()
    with listing.client() as client:
        assert client.get(f"/api/batches/{batch.batch_id}").json()["response_format"] is None
