"""Security headers on every response, so that no file name or image is run as a page."""

from flask import Flask, Response, request

from web.http.addresses import is_secret

#: What was sent and answered is for who asked alone, and leaves nothing behind on a shared machine.
PRIVATE = "private, no-store"
#: The same for what is large and never changes: the browser keeps it, and asks whether it may still show it.
REVALIDATED = "private, no-cache"
#: Whoever has the address can read what is there: it is named to nobody, and kept from search engines.
#: (`no-referrer` would take the origin from the forms on a page as well, by which we know them.)
_SECRET_ADDRESS = {"Referrer-Policy": "strict-origin", "X-Robots-Tag": "noindex"}
_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)


def register_security(app: Flask) -> None:
    """Add the headers to every response of `app`; a header that a handler has set is kept."""
    app.after_request(_harden)


def _harden(response: Response) -> Response:
    if is_secret(request.path):
        response.headers.update(_SECRET_ADDRESS)
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    # Whoever opens a page of ours in a window can neither look at that window nor lead it elsewhere.
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault("Cache-Control", PRIVATE)
    return response
