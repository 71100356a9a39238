"""A page in the visitor's language and colours, which loads nothing but our own files."""

from typing import Any

from flask import Response, render_template, request, url_for

from jobs.contract.version import own_version
from jobs.formats.images import ENDINGS
from web.access.caller import caller, mark_of
from web.pages.i18n import LANGUAGES, language, reasons

#: Only our own files, and no inline script or style: a file name that looks like markup stays text even
#: if it should ever slip into the page as markup. `blob:` shows chosen images before they are sent.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
THEMES = ("light", "dark")
#: What the picker of files offers. Browsers do not count all our formats as images.
_CHOOSABLE = ",".join(
    ["image/*", ".zip", *(f".{ending}" for endings in ENDINGS.values() for ending in endings)]
)
#: The cookie that remembers a choice.
THEME_COOKIE = "theme"


def page(template: str, status: int = 200, **context: Any) -> Response:
    """`template` with `context`, as the visitor reads it."""
    theme, who = request.cookies.get(THEME_COOKIE), caller()
    shell = {
        "language": language(),
        "languages": LANGUAGES,
        "theme": theme if theme in THEMES else None,
        "reasons": reasons(),
        "version": own_version(),
        "choosable": _CHOOSABLE,
        "who": who,
        "mark": None if who.is_local else mark_of(who),
        "may_write": who.role.may_write and not context.get("is_shared"),
    }
    html = render_template(template, **shell, **context)
    response = Response(html, status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Vary"] = "Accept-Language, Cookie"
    return response


def problem_shown(status: int, code: str, message: str) -> dict[str, Any]:
    """What a page says: the error's own message in English, in other languages its code's sentences."""
    reason = reasons().get(code)
    if reason is None or language() == "en":
        return {"status": status, "code": code, "message": message, "language": "en"}
    said = " ".join(filter(None, (reason["what"], reason["remedy"])))
    return {"status": status, "code": code, "message": said, "language": language()}


def local_path(path: str) -> str:
    """`path` when it is one of this server, else the first page, so that a redirect leads nowhere else."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path.removesuffix("?") if is_local else url_for("pages.index")
