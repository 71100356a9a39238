"""Security headers on every response, so that no file name or image is run as a page."""

from flask import Flask, Response

#: What was sent and answered is for who asked alone, and leaves nothing behind on a shared machine.
PRIVATE = "private, no-store"
_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)


def register_security(app: Flask) -> None:
    """Add the headers to every response of `app`; a header that a handler has set is kept."""
    app.after_request(_harden)


def _harden(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    response.headers.setdefault("Cache-Control", PRIVATE)
    return response
