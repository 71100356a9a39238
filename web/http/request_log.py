"""What lines of the log about a request have in common: its id, its call, and what its address names.

The id comes back as `X-Request-Id`, so that who asks can name the lines and the event of the audit trail.
"""

import re
from typing import cast

from flask import Flask, Response, request

from jobs import log
from jobs.contract.models import ID_PATTERN, new_id

_HEADER = "X-Request-Id"
#: Where it is in a request's environment.
_ID = "eva01.request_id"
#: Ids that callers and proxies may give: nothing that would be read as anything else where it is shown.
_HARMLESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: Parts of an address that are ids; others may be secrets.
_IDS = ("batch_id", "job_id")
#: Characters of a cookie that may be a secret: a language or a theme is shorter.
_SHORTEST_SECRET = 16


def register_request_log(app: Flask) -> None:
    """Have every line about a request of `app` say which it is, and every response as well."""
    app.before_request(_begin)
    app.after_request(_name)


def request_id() -> str:
    """The current request's id: the one that came with it, if it is harmless, or else a fresh one."""
    sent = request.headers.get(_HEADER, "")
    # Kept with the request itself: its head may be looked at before its body is taken.
    return cast(str, request.environ.setdefault(_ID, sent if _HARMLESS.fullmatch(sent) else new_id()))


def _begin() -> None:
    named = {name: str(value) for name, value in (request.view_args or {}).items()}
    ids = {name: named[name] for name in _IDS if re.fullmatch(ID_PATTERN, named.get(name, ""))}
    credential = request.headers.get("Authorization", "").partition(" ")[2].strip()
    cookies = [text for text in request.cookies.values() if len(text) >= _SHORTEST_SECRET]
    log.begin(
        hidden=(credential, named.get("token", ""), *cookies), request_id=request_id(), call=called(), **ids
    )


def called() -> str:
    """What is called, without what its address holds, which may be a link's secret."""
    return f"{request.method} {request.url_rule.rule if request.url_rule else 'an unknown address'}"


def _name(response: Response) -> Response:
    response.headers[_HEADER] = request_id()
    return response
