"""Where the service is for those who ask through proxies: host, scheme, and the path that it is below.

/eva/batches/1 ──► proxy ──/batches/1, X-Forwarded-Prefix: /eva──► links that begin with /eva
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def register_proxies(app: Flask, count: int) -> None:
    """Make `app` believe what `count` proxies in front of it say; with 0, nobody."""
    if count:
        fixed = ProxyFix(_Below(app.wsgi_app), count, count, count, 0, count)
        app.wsgi_app = fixed  # type: ignore[method-assign]


class _Below:
    """Makes one form of the path that a proxy names, and none that leads to another host (`//host`)."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        parts = [part for part in environ.get("SCRIPT_NAME", "").replace("\\", "/").split("/") if part]
        environ["SCRIPT_NAME"] = "".join(f"/{part}" for part in parts)
        return self._app(environ, start_response)
