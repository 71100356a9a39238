"""Browsers in which it is noticed when a page takes a text for markup, a script, a style or an address."""

from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request, WebError

from tests.browser.conftest import PATIENCE_MS

#: `intruders(root)`: what is in a document, or a part of one, that no template or script of ours makes.
_INTRUDERS = """
window.intruders = (root) => {
  const ours = (address) => {
    const url = new URL(address, location.origin);
    return url.protocol === "blob:" || url.origin === location.origin;
  };
  const kinds = "iframe,object,embed,base,style,math,template,video,audio,animate,foreignObject,frame";
  const isScript = (el) => el.matches("script:not([src], [type='application/json'])");
  const isRefresh = (el) => el.localName === "meta" && el.httpEquiv && el.content !== "5";
  const leads = ["href", "xlink:href", "src", "action", "formaction", "data", "poster"];
  const isStray = ({ name, value }) => name.startsWith("on") || (leads.includes(name) && !ours(value));
  return [...root.querySelectorAll("*")]
    .filter((el) => el.matches(kinds) || isScript(el) || isRefresh(el) || [...el.attributes].some(isStray))
    .map((el) => el.outerHTML.slice(0, 300));
};
document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sample }) =>
  window.violated(`${effectiveDirective} ${blockedURI} ${sample}`));
"""
#: Gets pages, or posts forms, and looks at what comes without running it: [what was asked for, intruder]s.
_LOOK_AT_ALL = """async (calls) => {
  const found = [];
  const one = async ([name, path, fields, credentials], place) => {
    const sent = fields ? { method: "POST", body: new URLSearchParams(fields) } : {};
    const headers = { "Accept-Language": ["en", "zh"][place % 2], Accept: "text/html" };
    const response = await fetch(path, { ...sent, headers, credentials, redirect: "manual" });
    if (!response.headers.get("Content-Type")?.startsWith("text/html")) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const intruder of window.intruders(page)) found.push([`${name} ${path}`, intruder]);
  };
  while (calls.length) await Promise.all(calls.splice(0, 8).map(one));
  return found;
}"""
#: The first elements that stand out of the window, where that makes the page wider than it.
_TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? []
  : [...document.body.querySelectorAll("*")]
    .filter((el) => !el.closest(".table-frame, .visually-hidden"))
    .filter((el) => el.getBoundingClientRect().right > innerWidth)
    .map((el) => `${el.localName}.${el.className}#${el.id}`).slice(0, 5)"""


class Watch:
    """Makes contexts, and knows what happened in any of them that should not have."""

    def __init__(self, browser: Browser, ours: str, provider: str, **how: Any) -> None:
        self._browser, self._how, self._ours, self._provider = browser, how, ours, provider
        self._found: list[str] = []
        self._contexts: list[BrowserContext] = []

    def context(self) -> BrowserContext:
        """A fresh browser of somebody."""
        context = self._browser.new_context(**self._how)
        context.set_default_timeout(PATIENCE_MS)
        context.expose_binding(
            "xss", lambda source, *said: self._note(f"ran: {said} at {source['page'].url}")
        )
        context.expose_binding("violated", lambda source, what: self._note(f"{what} at {source['page'].url}"))
        context.add_init_script(_INTRUDERS)
        context.on("request", self._look_at)
        context.on("dialog", self._close)
        context.on("console", self._read)
        context.on("weberror", self._hear)
        self._contexts.append(context)
        return context

    def look(self, page: Page, state: str) -> None:
        """Look at a page as it is now, and at all that has happened until now."""
        self._found += [f"{state}: {element}" for element in page.evaluate("intruders(document)")]
        self._found += [
            f"{state}: {element} is wider than the window" for element in page.evaluate(_TOO_WIDE)
        ]
        self.assert_quiet()

    def look_at_all(self, page: Page, calls: list[tuple[str, str, dict[str, str] | None, str]]) -> None:
        """Have a page ask for others: (name, path, form or None, credentials) each."""
        self._found += [f"{name}: {element}" for name, element in page.evaluate(_LOOK_AT_ALL, calls)]
        self.assert_quiet()

    def assert_quiet(self) -> None:
        """Nothing has happened that should not have."""
        found, self._found = self._found, []
        assert not found, "\n".join(found)

    def end(self) -> None:
        """Close them all."""
        for context in self._contexts:
            context.close()

    def _note(self, what: str) -> None:
        self._found.append(what)

    def _look_at(self, request: Request) -> None:
        is_known = request.url.startswith((self._ours, self._provider, "blob:", "data:image/"))
        # The provider's page is its own affair.
        is_its = request.headers.get("referer", "").startswith(self._provider)
        if not (is_known or is_its):
            self._note(f"asked for {request.url}")

    def _close(self, dialog: Dialog) -> None:
        self._note(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _read(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Refused to" in message.text:
            self._note(f"console: {message.text}")

    def _hear(self, error: WebError) -> None:
        self._note(f"a script failed: {error.error}")
