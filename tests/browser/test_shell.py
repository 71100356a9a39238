"""What every page has: two languages, light and dark; and nothing from elsewhere."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.pages import BatchPage

IN_CHINESE = pytest.mark.browser_context_args(locale="zh-CN")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LIGHTNESS = """() => {
  const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).map(Number);
  return (r + g + b) / 765;
}"""
#: Visible texts of the page itself, not of a user or a model, that have three English words in a row.
_ENGLISH_SENTENCES = """() => [...document.querySelectorAll("h1,h2,h3,button,label,dt,th,.note,.serial")]
  .filter((element) => element.checkVisibility() && !element.closest("[lang=en], .text"))
  .map((element) => element.textContent.trim())
  .filter((text) => /[A-Za-z]{3,}( [A-Za-z]{2,}){2,}/.test(text))"""


def test_the_language_is_switched_to_chinese_and_back(page):
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", re.compile("^zh"))
    expect(page.locator("#images-title")).to_have_text(_HAN)
    expect(page.locator("#presets button").first).to_have_text(_HAN)
    page.goto("/history")
    expect(page.locator("h1")).to_have_text(_HAN)
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("h1")).to_have_text("History")
    expect(page).to_have_url(re.compile("/history$"))


@IN_CHINESE
def test_a_chinese_browser_gets_chinese_pages(page, mixed_batch, mixed_files):
    batch = BatchPage(page).open(mixed_batch)
    expect(page.locator("#found")).to_contain_text("14")
    expect(page.locator("#stage")).to_have_text(_HAN)
    expect(page.locator("#failures-title")).to_have_text(_HAN)
    expect(page.locator("#failures-list li").first).to_have_text(_HAN)
    assert mixed_files.answers.items() <= batch.answers().items()


@IN_CHINESE
@pytest.mark.parametrize("path", ["/", "/history", "/nowhere"])
def test_no_english_sentence_is_left_on_a_chinese_page(page, path):
    page.goto(path)
    page.wait_for_load_state("networkidle")
    left = page.evaluate(_ENGLISH_SENTENCES)
    assert left == []


@pytest.mark.parametrize(
    "words", ["There is nothing here", pytest.param("这里什么都没有", marks=IN_CHINESE)], ids=["en", "zh"]
)
def test_an_unknown_address_is_a_page_with_the_way_to_the_start(page, words):
    response = page.goto("/nowhere")
    assert response.status == 404
    expect(page.locator("h1")).to_have_text(words)
    page.locator("#main a").click()
    expect(page.locator("#ask")).to_be_visible()


def test_dark_mode_is_switched_and_remembered(page):
    page.goto("/")
    assert page.evaluate(_LIGHTNESS) > 0.7
    page.get_by_role("button", name="Dark mode").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(_LIGHTNESS) < 0.3
    page.goto("/history")
    assert page.evaluate(_LIGHTNESS) < 0.3
    page.get_by_role("button", name="Dark mode").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.evaluate(_LIGHTNESS) > 0.7


@pytest.mark.browser_context_args(color_scheme="dark")
def test_a_dark_system_gets_dark_pages(page):
    page.goto("/")
    assert page.evaluate(_LIGHTNESS) < 0.3


@pytest.mark.browser_context_args(viewport={"width": 390, "height": 844})
def test_every_page_is_whole_on_a_telephone(page, mixed_batch):
    for path in ("/", "/history", f"/batches/{mixed_batch}", "/batches/nonsense"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390, path


def test_no_page_asks_anything_of_another_server(page, stack, mixed_batch):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/", "/history", f"/batches/{mixed_batch}", "/docs", "/nowhere"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
    assert len(asked) > 40
    assert [url for url in asked if not url.startswith((f"{stack.url}/", "blob:", "data:"))] == []
