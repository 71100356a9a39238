"""A page in the visitor's language and colours, which loads nothing but our own files."""

from typing import Any

from flask import Response, render_template, request

from jobs.contract.version import own_version
from jobs.formats.images import ENDINGS
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
    theme = request.cookies.get(THEME_COOKIE)
    shell = {
        "language": language(),
        "languages": LANGUAGES,
        "theme": theme if theme in THEMES else None,
        "reasons": reasons(),
        "version": own_version(),
        "choosable": _CHOOSABLE,
    }
    html = render_template(template, **shell, **context)
    response = Response(html, status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Vary"] = "Accept-Language, Cookie"
    return response
