"""For whom a key speaks, and that it still does."""

import hmac
from datetime import UTC, datetime

from jobs.contract.access.owners import Caller, Key, Role, digest_of
from jobs.contract.codes import Code
from jobs.contract.errors import NotSignedIn
from web.access.pace import check_tries, count_wrong_key
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

    Raises NotSignedIn (`unknown_key`, `key_is_over`), and TooManyWrongKeys.
    """
    if len(text) > _LONGEST_KEY:
        count_wrong_key()
        return _holder(serving, None)
    digest = digest_of(text)
    return _configured(serving, digest) or _holder(serving, _found(serving, digest, text))


def _found(serving: Services, digest: str, text: str) -> Key | None:
    """A key that Redis knows, or the blob store, which is asked for those who have not tried too many."""
    if known := serving.keys.with_digest(digest):
        return known
    check_tries()
    key = serving.keys.recall(text)
    if key is None:
        count_wrong_key()
    return key


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
