"""No name, question, answer, error, label, claim or address is taken for markup, a script or a style.

Every page is looked at with its dialogs and messages open: in English without the Content-Security-Policy, so
that nothing but escaping keeps a text from running; in Chinese with it, where it has nothing to stop.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, expect
from werkzeug.routing import Rule

from jobs.contract.models import JobState
from jobs.contract.settings import Limits, Settings, WebSettings
from tests import plain
from tests.apps import app_of
from tests.browser.markup.house import HostileHouse
from tests.browser.markup.payloads import PAYLOADS, TOGETHER
from tests.browser.markup.watching import Watch
from tests.browser.pages import AskPage, BatchPage
from tests.browser.signing import ADMIN_KEY, sign_in
from tests.files import hostile
from tests.process.conftest import Stack
from tests.servers.provider import OpenIdProvider

#: What a tile or a row shows of an answer, in characters.
_SHOWN_CHARS = 180
#: Those that one calls to sign in: who has signed in already is led on.
_OUTSIDE = {"pages.sign_in_page", "pages.check_key", "pages.come_back", "pages.go_to_provider"}
#: What is posted and answered with no page.
_LEADS_ON = {"pages.leave"}


@dataclass
class Visit:
    """A browser of the admin, in one language."""

    house: HostileHouse
    watch: Watch
    context: BrowserContext


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, provider: OpenIdProvider) -> Iterator[HostileHouse]:
    """The server on which everything is called by a payload."""
    with Stack(tmp_path_factory.mktemp("hostile")) as stack:
        yield HostileHouse.start(stack, provider)


@pytest.fixture(scope="module", params=["escaped alone", "zh with a policy"])
def visit(
    request: pytest.FixtureRequest,
    browser: Browser,
    browser_context_args: dict[str, Any],
    house: HostileHouse,
    provider: OpenIdProvider,
) -> Iterator[Visit]:
    """The admin is signed in."""
    is_alone = request.param == "escaped alone"
    how = {"base_url": house.stack.url, "bypass_csp": is_alone, "locale": "en-US" if is_alone else "zh-CN"}
    watch = Watch(browser, f"{house.stack.url}/", f"{provider.url}/", **browser_context_args | how)
    context = watch.context()
    page = context.new_page()
    sign_in(page, ADMIN_KEY)
    page.close()
    yield Visit(house, watch, context)
    watch.end()


def ask(visit: Visit, page: Page, look: Callable[[str], None]) -> None:
    """Models, recent batches; files that are chosen, refused and sent; the dock."""
    asking = AskPage(page).open()
    expect(page.locator("#recent-batches-list li").first).to_be_visible()
    expect(page.locator("#models label")).to_have_count(3)
    look("empty")
    names = [text for text in PAYLOADS if not set("/\\") & set(text)]
    files: list[FilePayload] = [
        {"name": f"{name}{ending}", "mimeType": "", "buffer": content}
        for name in names
        for ending, content in ((".png", hostile.encoded(size=(len(name), 9))), (".txt", b"x"))
    ]
    page.get_by_test_id("files").set_input_files(files)
    asking.expect_count(len(names))
    page.locator("#refusals-title").click()
    look("chosen")
    batch = asking.ask(TOGETHER[0][:4000])
    expect(batch.dock).to_be_visible()
    batch.expect_found(str(len(names)))
    look("sent")


def history(visit: Visit, page: Page, look: Callable[[str], None]) -> None:
    """The list, and what asks before it renames and deletes."""
    page.goto("/history")
    rows = page.locator("#history-list li")
    expect(rows.first).to_be_visible()
    shown = page.locator("#history-list .history-name").all_text_contents()
    assert len({*PAYLOADS} & {*shown}) > len(PAYLOADS) - 5, "names are shown as they are"
    look("list")
    row = rows.filter(has_text="onerror=xss").first
    row.locator("button").first.click()
    look("rename")
    page.keyboard.press("Escape")
    row.locator(".history-delete").click()
    look("delete")
    page.keyboard.press("Escape")
    with page.expect_response("**search=**"):
        page.locator("#history-search").fill(PAYLOADS[0])
    look("found")


def batch(visit: Visit, page: Page, look: Callable[[str], None]) -> None:
    """Gallery, table, reasons, the large view with a further question, every dialog, a toast."""
    jobs = list(visit.house.stores.store.results(visit.house.batches[0]))
    shown = BatchPage(page).open(visit.house.batches[0]).expect_found(str(len(jobs)))
    expect(page.locator("#failures-list li").first).to_be_visible()
    look("gallery")
    answers = shown.answers()
    assert set(answers) == {job.file for job in jobs}
    for job in jobs:
        if job.state is JobState.SUCCEEDED and job.answer:
            assert answers[job.file].removesuffix("…") == job.answer[:_SHOWN_CHARS]
    look("table")
    page.locator("#failures-list button").first.click()
    expect(page.locator("#found-filter")).to_be_visible()
    look("of one reason")
    page.locator("#found-filter button").click()
    shown.expect_found(str(len(jobs)))
    large_view(visit, page, look)
    failed = next(job.file for job in jobs if job.error and job.error.code.startswith("<"))
    page.locator("#search").fill(failed)
    expect(page.locator("#found")).to_have_text(re.compile(rf"\b1\b.*{len(jobs)}|{len(jobs)}.*\b1\b"))
    page.locator("#rows .result-row a").first.focus()
    page.keyboard.press("r")
    expect(page.locator(".toast").first).to_be_visible()
    look("runs again")
    page.locator("#rename").click()
    look("rename")
    page.locator("#rename-cancel").click()
    for name in ("share", "delete"):
        page.locator(f"#{name}").click()
        expect(page.locator("dialog[open]")).to_be_visible()
        look(name)
        page.keyboard.press("Escape")
    page.goto(f"/batches/{visit.house.batches[0]}#job={PAYLOADS[0]}")
    look("an address of no job")


def large_view(visit: Visit, page: Page, look: Callable[[str], None]) -> None:
    """An answer, another question about its image, and a failure beside it."""
    page.locator("#rows .result-row a").first.click()
    expect(page.locator("#viewer-facts")).to_contain_text("nano")
    page.locator("#follow-up-question").fill(TOGETHER[1][:4000])
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.locator("#follow-up-form button").click()
    visit.house.answer_what_is_asked(TOGETHER[0])
    expect(page.locator("#follow-up-thread")).to_contain_text("xss(0)</script>")
    look("large view")
    page.locator("#viewer-next").click()
    expect(page.locator("#viewer-reason")).to_be_visible()
    look("large view of a failure")
    page.keyboard.press("Escape")


def fields(visit: Visit, page: Page, look: Callable[[str], None]) -> None:
    """Cards, tiles, rows, the large view; a filter, an order; and what is refused of fields and schemas."""
    BatchPage(page).open(visit.house.fields_batch).expect_found("3")
    expect(page.locator(".column-value").first).to_be_visible()
    look("gallery with fields")
    assert {*page.locator("#columns h3").all_text_contents()} == {text[:500] for text in PAYLOADS}
    # By the keyboard: the cards are still growing.
    page.locator(".column-value").first.press("Enter")
    expect(page.locator("#found-filter")).to_be_visible()
    look("of one value")
    page.locator("#found-filter button").press("Enter")
    expect(page.locator("#found-filter")).to_be_hidden()
    BatchPage(page).show_table()
    page.locator("#table-head button").first.click()
    expect(page.locator("#rows .row-field").first).to_be_visible()
    look("table with fields")
    page.locator("#rows a").first.click()
    expect(page.locator("#viewer-fields > div")).to_have_count(len(PAYLOADS))
    expect(page.locator("#viewer-facts")).to_contain_text("nano")
    look("large view with fields")
    AskPage(page).open()
    page.locator("#models input[value=nano]").check()
    image: FilePayload = {"name": "a.png", "mimeType": "", "buffer": hostile.encoded()}
    page.get_by_test_id("files").set_input_files(image)
    page.get_by_test_id("question").fill("?")
    page.locator("#answer input[value=fields]").check()
    # The box itself takes no more than a name may have.
    page.locator("#field-rows .field-name").evaluate("(box, text) => { box.value = text; }", TOGETHER[0])
    page.locator("#field-rows .field-hint").fill(TOGETHER[1][:500])
    page.get_by_test_id("send").click()
    expect(page.locator("#send-problem")).to_be_visible()
    look("a field that is refused")
    page.locator("#answer input[value=schema]").check()
    for text in (TOGETHER[0], json.dumps({PAYLOADS[1]: 1}), json.dumps({"type": PAYLOADS[3]})):
        page.locator("#schema").fill(text)
        page.get_by_test_id("send").press("Enter")
        expect(page.locator("#schema-problem p")).to_be_visible()
        look("a schema that is refused")


def odd_batches(visit: Visit, page: Page, look: Callable[[str], None]) -> None:
    """One of each of some names and questions, and one of a model that is called so."""
    for number in (2, 15, -1):
        page.goto(f"/batches/{visit.house.batches[number]}")
        expect(page.locator("#found")).to_be_attached()
        look(f"batch {number}")


def shared(visit: Visit, page: Page, look: Callable[[str], None]) -> None:
    """The same for whoever has a link."""
    page.goto(visit.house.link)
    expect(page.locator("#failures-list li").first).to_be_visible()
    look("shared")
    # The browser remembers how the batch's own page was looked at.
    page.locator("#as-gallery").click()
    page.locator("#results").evaluate("list => list.scrollIntoView({ behavior: 'instant' })")
    page.locator("#gallery .tile a").first.click()
    expect(page.locator("#viewer-facts")).to_contain_text("nano")
    look("shared, large view")


def keys(visit: Visit, page: Page, look: Callable[[str], None]) -> None:
    """Notes of keys, and what asks before one is rotated."""
    page.goto("/admin/keys")
    assert page.get_by_text(PAYLOADS[0]).count() >= 1
    look("keys")
    page.locator("[popovertarget]").first.click()
    expect(page.locator("dialog:popover-open")).to_be_visible()
    look("rotate")
    page.keyboard.press("Escape")


def trail(visit: Visit, page: Page, look: Callable[[str], None]) -> None:
    """Who did what to what."""
    page.goto("/admin/audit?limit=1000")
    assert page.get_by_text(PAYLOADS[0], exact=True).count() >= 3
    look("audit trail")


def whoever(path: str) -> Callable[[Visit, Page, Callable[[str], None]], None]:
    """A page that has no more to open."""

    def open_(visit: Visit, page: Page, look: Callable[[str], None]) -> None:
        page.goto(path)
        look(path)

    return open_


def signing_in(visit: Visit, _: Page, look: Callable[[str], None]) -> None:
    """Keys that are none; people whose names at the provider are none; an error that the provider names."""
    page = visit.watch.context().new_page()
    for text in TOGETHER:
        page.goto("/sign-in")
        page.locator("#key").fill(text)
        page.locator("#key").press("Enter")
        expect(page.get_by_test_id("problem")).to_be_visible()
        visit.watch.look(page, "a wrong key")
    said: list[dict[str, Any]] = [
        {"email": TOGETHER[0][:90]},
        {"email": f"{PAYLOADS[3]}@x", "groups": PAYLOADS},
    ]
    for number, claims in enumerate(said):
        visit.house.provider.know(f"mallory{number}", email_verified=True, **claims)
        page.goto("/sign-in")
        page.get_by_test_id("provider").click()
        page.locator('input[name="sub"]').fill(f"mallory{number}")
        page.get_by_role("button", name="Authorize").click()
        expect(page.get_by_test_id("problem")).to_be_visible()
        visit.watch.look(page, "a name at the provider")
    page.goto("/sign-in")
    page.get_by_test_id("provider").click()
    page.goto(f"{visit.house.stack.url}/sign-in/openid/callback?" + str(httpx.QueryParams(error=PAYLOADS[3])))
    expect(page.get_by_test_id("problem")).to_be_visible()
    visit.watch.look(page, "an error of the provider")
    page.close()


#: Each page of the URL map, and who goes through it.
WALKS: dict[str, tuple[Callable[[Visit, Page, Callable[[str], None]], None], ...]] = {
    "pages.index": (ask,),
    "pages.history": (history,),
    "pages.batch_page": (batch, fields, odd_batches),
    "pages.shared_page": (shared,),
    "pages.keys_page": (keys,),
    "pages.audit_page": (trail,),
    "pages.usage_page": (whoever("/usage"),),
    "pages.account": (whoever("/account"),),
    "pages.sign_in_page": (signing_in,),
    "pages.come_back": (signing_in,),
    "docs.page": (),
}


@pytest.mark.parametrize("walk", dict.fromkeys(walk for walks in WALKS.values() for walk in walks))
def test_no_text_on_a_page_is_anything_but_text(visit: Visit, walk) -> None:
    page = visit.context.new_page()
    walk(visit, page, lambda state: visit.watch.look(page, state))
    page.close()
    visit.watch.assert_quiet()


def test_no_address_brings_markup_into_a_page(visit: Visit) -> None:
    page = visit.context.new_page()
    for name, paths in visit.house.paths().items():
        if name not in _OUTSIDE:
            page.goto(paths[3])
            visit.watch.assert_quiet()
    page.close()


@pytest.mark.parametrize("visit", ["escaped alone"], indirect=True)
def test_no_form_and_no_address_of_all_payloads_brings_markup_into_a_page(visit: Visit) -> None:
    calls: list[tuple[str, str, dict[str, str] | None, str]] = [
        (name, path, None, credentials(name)) for name, paths in visit.house.paths().items() for path in paths
    ]
    calls += [(name, path, fields, credentials(name)) for name, path, fields in visit.house.forms()]
    page = visit.context.new_page()
    page.goto("/account")
    visit.watch.look_at_all(page, calls)
    page.close()


def credentials(endpoint: str) -> str:
    return "omit" if endpoint in _OUTSIDE else "same-origin"


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """Any web, for its URL map."""
    return app_of(Settings(redis_url="redis://127.0.0.1:1/0", data=tmp_path), Limits(), WebSettings())


def test_every_page_of_the_url_map_is_looked_at_here(house: HostileHouse, app: Flask) -> None:
    rules = [*app.url_map.iter_rules()]
    with plain.Client(base_url=house.stack.url) as http:
        gotten = {
            rule.endpoint for rule in rules if "GET" in (rule.methods or ()) and is_page(http, house, rule)
        }
    pages = [rule for rule in rules if rule.endpoint.startswith("pages.")]
    posted = {rule.endpoint for rule in pages if "POST" in (rule.methods or ())}
    assert gotten == {*WALKS}
    assert posted - _LEADS_ON == {endpoint for endpoint, *_ in house.forms()}


def is_page(http: httpx.Client, house: HostileHouse, rule: Rule) -> bool:
    """True for what is answered with a page, whoever asks."""
    things = {"batch_id": house.batches[0], "token": house.link.rsplit("/", 1)[1], "language": "zh"}
    _, path = rule.build({name: things.get(name, "x") for name in rule.arguments}) or ("", "")
    response = http.head(path, headers={} if rule.endpoint in _OUTSIDE else house.headers)
    # A redirect has a line of HTML, which no browser shows.
    return response.headers.get("Content-Type", "").startswith("text/html") and not response.is_redirect
