"""Nothing is changed because another website's page asks for it: a browser says whose page asks.

Sec-Fetch-Site  cross-site, same-site ──► refused: another program on this machine is the same site, too
Origin          another, or null      ──► refused
neither         a program, or a page of before 2020 ──► taken
"""

import re

from flask import Flask, request

from jobs.contract.codes import Code
from jobs.contract.errors import Foreign
from jobs.contract.hosts import split_host

SAFE = ("GET", "HEAD", "OPTIONS")
#: What Sec-Fetch-Site says of a page of ours, and of what a person did in the browser itself.
_OWN_SITES = ("same-origin", "none")
_PORTS = {"http": 80, "https": 443}
_ORIGIN = re.compile(r"(https?)://(.+)", re.ASCII | re.IGNORECASE)
_LONGEST_SHOWN = 100

#: Scheme, name and port.
_Origin = tuple[str, str, int]


def register_origins(app: Flask) -> None:
    """Have `app` refuse what may change something and comes from elsewhere, with 403 (`foreign_origin`)."""
    app.before_request(check_origin)


def check_origin() -> None:
    """Raises Foreign when the current request may change something and is another website's page's."""
    if request.method in SAFE:
        return
    origin, site, own = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site"), _own()
    if origin is not None and (_origin(origin) is None or _origin(origin) != _origin(own)):
        raise _foreign(origin, own)
    if site is not None and site not in _OWN_SITES:
        raise _foreign(f"Sec-Fetch-Site: {site}", own)


def _own() -> str:
    return f"{request.scheme}://{request.environ.get('HTTP_HOST', '')}"


def _origin(text: str) -> _Origin | None:
    found = _ORIGIN.fullmatch(text)
    host = found and split_host(found[2])
    if not found or not host:
        return None
    scheme, (name, port) = found[1].lower(), host
    return scheme, name, port or _PORTS[scheme]


def _foreign(seen: str, own: str) -> Foreign:
    return Foreign(
        f"A page of another website ({seen[:_LONGEST_SHOWN]!r}) may change nothing at {own[:_LONGEST_SHOWN]}."
        " Use a page of its own. If it is one behind a proxy, EVA01_PROXIES has to count that, and it has"
        " to set X-Forwarded-Proto and X-Forwarded-Host (docs/proxy.md).",
        code=Code.FOREIGN_ORIGIN,
    )
