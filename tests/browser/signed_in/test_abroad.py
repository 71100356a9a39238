"""Other websites' pages in the browser of somebody who is signed in: they change, read and show nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect

from jobs.contract.settings import Limits, Settings, WebSettings
from tests import plain
from tests.apps import app_of
from tests.browser.elsewhere import elsewhere
from tests.browser.images import RED_CIRCLE
from tests.browser.signing import ADMIN_KEY, COOKIE, key_of, sign_in, token_in
from tests.process.conftest import Stack
from tests.processes import wait_until

#: A program's page on this machine is of the same site, so that cookies go along; by another name it is not;
#: and in a sandbox it has no origin.
PLACES = ("http://127.0.0.1:{}/", "http://localhost:{}/", "http://127.0.0.1:{}/sandboxed")
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
#: Sends each call in every way that a page has without being asked.
_SEND = """async (calls) => {
  const bodies = ["owner=mallory&key=x&everywhere=yes&confirm=true&name=evil&question=evil",
    new Blob(['{"owner": "mallory", "name": "evil"}'], { type: "text/plain" })];
  for (const url of calls) {
    for (const body of bodies) {
      const headers = typeof body === "string" ? { "Content-Type": "application/x-www-form-urlencoded" } : {};
      const how = { method: "POST", mode: "no-cors", credentials: "include", headers, body };
      await fetch(url, how).catch(() => "it may not be seen");
    }
    navigator.sendBeacon(url, "owner=mallory");
  }
}"""
#: Sends what a browser asks about first: gives those that were let through.
_ASK_FIRST = """async (calls) => {
  const through = [];
  for (const [method, url] of calls) {
    const headers = { "Content-Type": "application/json", "X-Requested-With": "x" };
    await fetch(url, { method, credentials: "include", headers, body: "{}" })
      .then(() => through.push(`${method} ${url}`), () => null);
  }
  return through;
}"""
#: Gives what could be read, by fetching it or as a part of the page: each thing's way and address.
_READ = """async (urls) => {
  const read = [];
  const comes = (tag, name, url) => new Promise((resolve) => {
    const part = document.createElement(tag);
    part.addEventListener("load", () => resolve(read.push(`${tag} ${url}`)));
    part.addEventListener("error", resolve);
    if (tag === "link") part.rel = "stylesheet";
    part[name] = url;
    document.body.append(part);
  });
  for (const url of urls) {
    for (const how of [{ credentials: "include" }, { credentials: "include", cache: "force-cache" }]) {
      await fetch(url, how).then(() => read.push(`fetch ${url}`), () => null);
    }
    for (const tag of ["img", "script", "link"]) await comes(tag, tag === "link" ? "href" : "src", url);
  }
  return read;
}"""


@dataclass
class Anna:
    """Somebody who is signed in, and what is hers."""

    context: BrowserContext
    key: str
    batch: str
    job: str
    link: str
    url: str

    def state(self) -> dict[str, Any]:
        """All that could have been changed, as she and the admin see it."""
        with plain.Client(base_url=self.url) as http:
            hers, admins = ({"Authorization": f"Bearer {key}"} for key in (self.key, ADMIN_KEY))
            return {
                **{path: http.get(path, headers=hers).json() for path in self.addresses()[:3]},
                "keys": http.get("/api/keys", headers=admins).json(),
                "session": token_in(self.context),
            }

    def addresses(self) -> list[str]:
        """What there is to read; the first three as JSON."""
        batch = f"/api/batches/{self.batch}"
        return [
            "/api/batches",
            f"{batch}/results",
            f"{batch}/shares",
            f"/api/jobs/{self.job}/image",
            self.link,
        ]


@pytest.fixture(scope="module")
def evil() -> Iterator[int]:
    """The port of another website on this machine."""
    with elsewhere() as port:
        yield port


@pytest.fixture
def anna(new_browser: Callable[..., BrowserContext], guarded: Stack) -> Anna:
    """She has a batch of one picture and a link to it, and may do everything."""
    key = key_of(guarded, role="admin")
    with plain.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {key}"}) as http:
        batch = http.post("/api/batches", json={"model": "ocr", "name": "hers"}).json()["id"]
        sent = http.post(
            f"/api/batches/{batch}/files", files={"files": ("a.png", RED_CIRCLE.encode())}
        ).json()
        link = http.post(f"/api/batches/{batch}/share", json={"days": 1}).json()["url"]
    context = new_browser()
    sign_in(context.new_page(), key)
    return Anna(context, key, batch, sent["files"][0]["job_id"], link, guarded.url)


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """Any web, for its URL map."""
    return app_of(Settings(redis_url="redis://127.0.0.1:1/0", data=tmp_path), Limits(), WebSettings())


def unsafe_calls(app: Flask, anna: Anna) -> list[tuple[str, str]]:
    """Every call of the URL map that may change something, about what is hers: (method, address) each."""
    things = {"batch_id": anna.batch, "job_id": anna.job, "token": anna.link.rsplit("/", 1)[1]}
    found = []
    for rule in app.url_map.iter_rules():
        _, path = rule.build({name: things.get(name, "x") for name in rule.arguments}) or ("", "")
        found += [(method, anna.url + path) for method in UNSAFE if method in (rule.methods or ())]
    return found


@pytest.mark.parametrize("place", PLACES)
def test_no_call_of_the_url_map_is_made_with_somebodys_session(anna, app, evil, place):
    before, calls = anna.state(), unsafe_calls(app, anna)
    posted = [url for method, url in calls if method == "POST"]
    assert len(calls) > 25
    refused_before = refused(anna.url)
    page = anna.context.new_page()
    page.goto(place.format(evil))
    page.evaluate(_SEND, posted)
    assert page.evaluate(_ASK_FIRST, calls) == []
    assert refused(anna.url) >= refused_before + 2 * len(posted)
    assert anna.state() == before
    page.goto(f"{anna.url}/account")
    expect(page.get_by_test_id("owner")).to_have_text("anna")


def refused(url: str) -> float:
    """How many requests web has answered with 403."""
    lines = plain.get(f"{url}/metrics", headers={"Authorization": f"Bearer {ADMIN_KEY}"}).text.splitlines()
    counted = [line for line in lines if line.startswith("eva01_requests_total") and 'status="403"' in line]
    return sum(float(line.rsplit(" ", 1)[1]) for line in counted)


def test_nobody_is_signed_in_as_another_by_a_page(anna, evil, guarded):
    key = key_of(guarded, owner="mallory")
    page = anna.context.new_page()
    page.goto(PLACES[0].format(evil))
    with page.expect_navigation():
        page.evaluate(
            """([url, key]) => {
              document.body.innerHTML = "<form method=post><input name=key></form>";
              document.forms[0].action = `${url}/sign-in`;
              document.forms[0].key.value = key;
              document.forms[0].submit();
            }""",
            [anna.url, key],
        )
    expect(page.locator(".serial").filter(has_text="403 · foreign_origin")).to_be_visible()
    page.goto(f"{anna.url}/account")
    expect(page.get_by_test_id("owner")).to_have_text("anna")


@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_read_or_shown_in_anothers_page(anna, evil, place):
    mine = anna.context.new_page()
    mine.goto(f"{anna.url}/batches/{anna.batch}")
    mine.evaluate("url => fetch(url).then((response) => response.blob())", f"/api/jobs/{anna.job}/image")
    page = anna.context.new_page()
    page.goto(place.format(evil))
    assert page.evaluate(_READ, [anna.url + path for path in anna.addresses()]) == []


def test_no_page_is_shown_in_a_frame_of_another_website_or_of_its_own(anna, app, evil):
    things = {"batch_id": anna.batch, "token": anna.link.rsplit("/", 1)[1]}
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith(("pages.", "docs.page"))]
    paths = [
        str((rule.build({name: things.get(name, "x") for name in rule.arguments}) or ("", ""))[1])
        for rule in rules
        if "GET" in (rule.methods or ())
    ]
    urls = [anna.url + path for path in [*paths, "/nowhere", f"/api/jobs/{anna.job}/image"]]
    page = anna.context.new_page()
    page.goto(PLACES[0].format(evil))
    page.evaluate(
        """(urls) => urls.forEach((url) => ["iframe", "embed", "object"].forEach((tag) => {
          const frame = document.createElement(tag);
          frame[tag === "object" ? "data" : "src"] = url;
          document.body.append(frame);
        }))""",
        urls,
    )
    wait_until(lambda: have_all_come(page), "all frames have got what they get")
    shown = [
        f"{frame.frame_element().evaluate('frame => frame.localName')} {frame.url}"
        for frame in page.frames[1:]
        if frame.url.startswith(anna.url)
    ]
    assert shown == []
    assert len(page.frames) > len(urls), "else this test looks at nothing"


def have_all_come(page: Page) -> bool:
    """True when no frame of a page is blank any more: each has a page, or an error in its place."""
    page.wait_for_timeout(50)
    return all(frame.url not in ("", "about:blank") for frame in page.frames[1:])


def test_a_window_that_another_website_opens_is_out_of_its_hands(anna, evil):
    page = anna.context.new_page()
    page.goto(PLACES[1].format(evil))
    with anna.context.expect_page() as opened:
        page.evaluate("url => { window.held = window.open(url); }", f"{anna.url}/history")
    expect(opened.value.get_by_test_id("who")).to_contain_text("anna")
    wait_until(lambda: page.evaluate("held.closed"), "it holds nothing any more")
    page.evaluate("held.location = 'about:blank'")
    expect(opened.value.get_by_test_id("who")).to_contain_text("anna")


def test_a_session_that_was_thought_of_beforehand_is_not_adopted(new_browser, guarded):
    anna, mallory = new_browser(), new_browser()
    chosen = {"name": COOKIE, "value": "thought-of-by-mallory-and-of-43-letters-long", "url": guarded.url}
    for context in (anna, mallory):
        context.add_cookies([chosen])
    sign_in(anna.new_page(), key_of(guarded))
    assert token_in(anna) != chosen["value"]
    page = mallory.new_page()
    page.goto("/history")
    expect(page.locator("#sign-in-title")).to_be_visible()


@pytest.mark.parametrize("end", ["signs out", "revokes the key", "an admin ends it"])
def test_a_session_that_was_stolen_is_dead_once_it_has_ended(new_browser, guarded, end):
    anna, thief = new_browser(), new_browser()
    owner = f"anna-{end.replace(' ', '-')}"
    key = key_of(guarded, owner=owner)
    hers = anna.new_page()
    sign_in(hers, key)
    thief.add_cookies([{"name": COOKIE, "value": token_in(anna), "url": guarded.url}])
    page = thief.new_page()
    page.goto("/history")
    expect(page.get_by_test_id("who")).to_contain_text(owner)
    end_session(hers, guarded, key, owner, end)
    assert page.evaluate("async () => (await fetch('/api/batches')).status") == 401
    page.reload()
    expect(page.locator("#sign-in-title")).to_be_visible()


def end_session(page: Page, guarded: Stack, key: str, owner: str, end: str) -> None:
    """End it in one of the ways that there are."""
    if end == "signs out":
        page.get_by_test_id("sign-out").click()
        expect(page.locator("#sign-in-title")).to_be_visible()
        return
    with plain.Client(base_url=guarded.url) as http:
        http.post("/sign-in", data={"key": ADMIN_KEY})
        if end == "revokes the key":
            assert http.post(f"/admin/keys/{key[:14]}/revoke").status_code == 303
        else:
            http.post("/admin/sessions/end", data={"owner": owner}).raise_for_status()
