"""Who makes a request: whoever holds the key that comes with it, or anybody where no login is needed."""

import hmac
from datetime import UTC, datetime
from typing import cast

from flask import g, request

from jobs.contract.codes import Code
from jobs.contract.errors import NotSignedIn
from jobs.contract.owners import LOCAL, Caller, Key, Role, digest_of
from web.access.login import login
from web.services import Services, services

_SCHEME = "bearer"
#: Characters of a key that is none, at most: a longer one is not even hashed.
_LONGEST_KEY = 200


def caller() -> Caller:
    """The caller of the current request, as the gate has found them; LOCAL where nobody has to be known."""
    return cast(Caller, g.get("caller", LOCAL))


def identity() -> str:
    """What tells callers apart: where there is no login, the credentials that a proxy has asked for.

    It may hold a secret, and is to be kept as a digest only.
    """
    who = caller()
    return f"{who.name} {request.headers.get('Authorization', '')}" if who.is_local else who.name


def find_caller() -> Caller:
    """The caller of the current request.

    Raises NotSignedIn.
    """
    if not login().is_needed():
        return LOCAL
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != _SCHEME:
        raise NotSignedIn(
            "Nobody may ask here without a key. Send it as `Authorization: Bearer …`.",
            code=Code.NOT_SIGNED_IN,
        )
    return _holder(services(), text.strip())


def _holder(serving: Services, text: str) -> Caller:
    configured = serving.web.admin_key.get_secret_value()
    if configured and hmac.compare_digest(digest_of(text), digest_of(configured)):
        return Caller(
            name="key:configured",
            owner=serving.web.admin_owner,
            role=Role.ADMIN,
            sees_all=serving.web.admins_see_images,
        )
    key = serving.keys.find(text) if len(text) <= _LONGEST_KEY else None
    if key is None:
        raise NotSignedIn(
            "The key is none of this server's. Check it, or ask an admin for another.", code=Code.UNKNOWN_KEY
        )
    if key.is_over(datetime.now(UTC)):
        raise NotSignedIn(f"The key {key.prefix}… {_ended(key)}. Ask for another.", code=Code.KEY_IS_OVER)
    return Caller(
        name=f"key:{key.prefix}",
        owner=key.owner,
        role=key.role,
        teams=frozenset(key.teams),
        quotas=key.quotas,
        expires_at=key.expires_at,
        sees_all=key.role is Role.ADMIN and serving.web.admins_see_images,
    )


def _ended(key: Key) -> str:
    if key.revoked_at:
        return f"was revoked at {key.revoked_at:%Y-%m-%d %H:%M} UTC"
    return f"was valid until {key.expires_at:%Y-%m-%d %H:%M} UTC"
