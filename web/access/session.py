"""Sessions in the browser: a cookie with a random token that stands for who has signed in.

sign in ──► a new token, whatever the browser had before; the old one ends
request ──► the cookie ──► the session ──► its key, looked up again ──► the caller
"""

from dataclasses import replace
from datetime import timedelta

from flask import request
from werkzeug import Response

from jobs.contract.access.owners import Caller
from jobs.contract.access.sessions import Session, new_session
from jobs.contract.codes import Code
from jobs.contract.errors import NotSignedIn
from jobs.contract.models import utc_now
from web.access.holders import holder_of
from web.http.cookies import cookie, drop_cookie, set_cookie
from web.services import services

_COOKIE = "eva01_session"
#: Characters of a token that is none, at most: a longer one is not even hashed.
_LONGEST_TOKEN = 200


def has_cookie() -> bool:
    """True when the browser says that it is signed in, be it true or not."""
    return cookie(_COOKIE) is not None


def current_session() -> Session | None:
    """The session of the current request; None when there is none, or no longer."""
    token = cookie(_COOKIE) or ""
    return services().sessions.find(token) if 0 < len(token) <= _LONGEST_TOKEN else None


def session_caller() -> Caller:
    """Who is signed in with the browser that asks.

    Raises NotSignedIn.
    """
    session = current_session()
    if session is None:
        raise NotSignedIn("Your session is over. Sign in again.", code=Code.SESSION_IS_OVER)
    if session.key_digest:
        return holder_of(services(), session.key_digest)
    return replace(session.caller(), quotas=services().web.oidc_quotas)


def sign_in(response: Response, caller: Caller, key_digest: str = "") -> None:
    """Open a session for a caller, and have the browser keep it; one that it had is ended."""
    serving = services()
    if before := current_session():
        serving.sessions.end(before)
    now = utc_now()
    new = new_session(
        name=caller.name,
        owner=caller.owner,
        teams=tuple(sorted(caller.teams)),
        role=caller.role,
        key_digest=key_digest,
        started_at=now,
        ends_at=now + timedelta(hours=serving.web.session_hours),
    )
    serving.sessions.begin(new.session, serving.web.max_sessions)
    set_cookie(response, _COOKIE, new.token, int(serving.web.session_hours * 3600) or 1)


def sign_out(response: Response, *, everywhere: bool) -> None:
    """End the browser's session, or all of the same caller, and have the browser forget what it was shown."""
    if session := current_session():
        if everywhere:
            services().sessions.end_all(session.owner, session.name)
        services().sessions.end(session)
    drop_cookie(response, _COOKIE)
    # What is remembered is the whole host's, where others may be who serve below another path.
    response.headers["Clear-Site-Data"] = '"cache"' if request.script_root else '"cache", "storage"'
