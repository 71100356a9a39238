"""Who makes a request: whoever holds its key, or is signed in, or anybody where no login is needed."""

import json
from dataclasses import replace
from typing import cast

from flask import g, request

from jobs.contract.access.owners import LOCAL, Caller, Role, digest_of
from jobs.contract.codes import Code
from jobs.contract.errors import Conflict, NotSignedIn
from web.access.holders import holder_of_text
from web.access.login import login
from web.access.session import has_cookie, session_caller
from web.services import services

_SCHEME = "bearer"
#: By it a page says for whom it was made, by their mark: a header; and what an address of a form has instead.
_MADE_FOR, MADE_FOR_FIELD = "Eva01-For", "made_for"
_MARK_CHARS = 16


def caller() -> Caller:
    """The caller of the current request, as the gate has found them; LOCAL where nobody has to be known."""
    return cast(Caller, g.get("caller", LOCAL))


def identity() -> str:
    """What tells callers apart: where there is no login, the credentials that a proxy has asked for.

    It may hold a secret, and is to be kept as a digest only.
    """
    who = caller()
    return f"{who.name} {request.headers.get('Authorization', '')}" if who.is_local else who.name


def mark_of(who: Caller) -> str:
    """What tells those apart who may see or do different things, without a name."""
    return digest_of(json.dumps([who.owner, sorted(who.teams), who.role]))[:_MARK_CHARS]


def check_page(who: Caller) -> None:
    """Raises Conflict (`other_caller`) for a call of a page that was made for another than who asks now."""
    said = request.headers.get(_MADE_FOR, request.args.get(MADE_FOR_FIELD))
    if said not in (None, mark_of(who)):
        raise Conflict(
            "This page was made for somebody else, who was signed in in this browser before. Load it again.",
            code=Code.OTHER_CALLER,
        )


def find_caller() -> Caller:
    """The caller of the current request: a key counts before a session.

    Raises NotSignedIn and TooManyWrongKeys.
    """
    if not login().is_needed():
        return LOCAL
    known = _known()
    return replace(known, sees_all=known.role is Role.ADMIN and services().web.admins_see_images)


def _known() -> Caller:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == _SCHEME:
        return holder_of_text(services(), text.strip())
    if has_cookie():
        return session_caller()
    raise NotSignedIn(
        "Nobody may ask here without a key. Send it as `Authorization: Bearer …`, or sign in on the page.",
        code=Code.NOT_SIGNED_IN,
    )
