"""Who asks through proxies, and where the service is for them: host, scheme, and the path that it is below.

/eva/batches/1 ──► proxy ──/batches/1, X-Forwarded-Prefix: /eva──► links that begin with /eva
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from jobs.contract.hosts import address_of, split_host

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: In the environment of a request whose proxies are believed: what WSGI had before (werkzeug's).
ORIGINAL = "werkzeug.proxy_fix.orig"
_NAME = "eva01_proxies"


def register_proxies(app: Flask, count: int) -> None:
    """Make `app` believe what `count` proxies in front of it say; with 0, nobody."""
    if count:
        app.extensions[_NAME] = believing = _Believing(app.wsgi_app, count)
        app.wsgi_app = believing  # type: ignore[method-assign]


def believe_proxies(app: Flask, environ: "WSGIEnvironment") -> None:
    """Let the environment of a request say what `app` will find in it."""
    if believing := app.extensions.get(_NAME):
        believing.believe(environ)


class _Believing:
    def __init__(self, app: "WSGIApplication", count: int) -> None:
        self._app, self._count = app, count
        self._fix = ProxyFix(_below, 0, count, count, 0, count)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        self.believe(environ)
        return self._app(environ, start_response)

    def believe(self, environ: "WSGIEnvironment") -> None:
        # Once: the head of a request may be looked at before its body is taken.
        if ORIGINAL not in environ:
            self._fix(environ, cast("StartResponse", None))
            asker = _asker(environ.get("HTTP_X_FORWARDED_FOR", ""), self._count)
            environ["REMOTE_ADDR"] = asker or environ.get("REMOTE_ADDR", "")


def _below(environ: "WSGIEnvironment", _: "StartResponse") -> Iterable[bytes]:
    """Make one form of the path that a proxy names, and none that leads to another host (`//host`)."""
    parts = [part for part in environ.get("SCRIPT_NAME", "").replace("\\", "/").split("/") if part]
    environ["SCRIPT_NAME"] = "".join(f"/{part}" for part in parts)
    return ()


def _asker(said: str, count: int) -> str | None:
    """The address that the outermost of the proxies has seen; None when it says none.

    Whoever asks may have sent some of it: a quotation mark must not hide what is behind it, and a port that
    changes is no other address.
    """
    parts = said.split(",")
    if len(parts) < count:
        return None
    text = parts[-count].strip()
    name, _ = split_host(text) or ("", None)
    address = address_of(text) or address_of(name)
    return str(address) if address else None
