"""For whom a key speaks, and that it still does."""

import hmac
from datetime import UTC, datetime

from jobs.contract.access.owners import Caller, Key, Role, digest_of
from jobs.contract.codes import Code
from jobs.contract.errors import NotSignedIn
from web.services import Services

#: Characters of a key that is none, at most: a longer one is not even hashed.
_LONGEST_KEY = 200


def holder_of(serving: Services, digest: str) -> Caller:
    """The holder of the key with this digest.

    Raises NotSignedIn (`unknown_key`, `key_is_over`).
    """
    return _configured(serving, digest) or _holder(serving, serving.keys.with_digest(digest))


def holder_of_text(serving: Services, text: str) -> Caller:
    """The holder of the key whose text this is, which Redis may have forgotten.

    Raises NotSignedIn (`unknown_key`, `key_is_over`).
    """
    if len(text) > _LONGEST_KEY:
        return _holder(serving, None)
    return _configured(serving, digest_of(text)) or _holder(serving, serving.keys.find(text))


def _configured(serving: Services, digest: str) -> Caller | None:
    """The admin of EVA01_ADMIN_KEY, if that is the key."""
    configured = serving.web.admin_key.get_secret_value()
    if not configured or not hmac.compare_digest(digest, digest_of(configured)):
        return None
    return Caller(
        name="key:configured",
        owner=serving.web.admin_owner,
        role=Role.ADMIN,
    )


def _holder(serving: Services, key: Key | None) -> Caller:
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
    )


def _ended(key: Key) -> str:
    if key.revoked_at:
        return f"was revoked at {key.revoked_at:%Y-%m-%d %H:%M} UTC"
    return f"was valid until {key.expires_at:%Y-%m-%d %H:%M} UTC"
