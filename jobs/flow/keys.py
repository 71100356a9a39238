"""Make a key, end one, put another in its place.

    add     blob store ──► Redis
    revoke  blob store ──► Redis
    rotate  the new one: blob store ──► Redis; then the old one's end: blob store ──► Redis

A crash in between leaves what the blob store has, and every server follows it within a minute
(jobs/upkeep/housekeeping.py). Whoever asked had no answer and asks again: a key whose text nobody has seen
stands in the list, and can be revoked.
"""

from datetime import datetime, timedelta

from jobs.contract.access.owners import Key, KeyEnd, NewKey, Role, new_key
from jobs.contract.codes import Code
from jobs.contract.errors import Conflict
from jobs.contract.models import utc_now
from jobs.storage.stores import Stores


def add_key(stores: Stores, key: Key, *, has_admin: bool = False) -> Key:
    """Have a key known from now on; `has_admin` says that somebody may see to keys without one.

    Raises Conflict (`no_admin`) for the first key when it is no admin's.
    """
    if not (has_admin or key.role is Role.ADMIN or _has_admin(stores)):
        raise Conflict(
            f"There is no admin's key yet, and with one of {key.owner} ({key.role}) nobody could see to keys."
            " Make one with the role admin first.",
            code=Code.NO_ADMIN,
        )
    stores.keys.add(key)
    return key


def revoke_key(stores: Stores, prefix: str) -> Key:
    """End a key; ending it twice changes nothing.

    Raises NotFound (`key_not_found`).
    """
    return stores.keys.revoke(prefix)


def rotate_key(
    stores: Stores, prefix: str, *, grace: timedelta = timedelta(), expires_at: datetime | None = None
) -> NewKey:
    """Make a key like another, which ends after `grace`; the new one ends when the other would have, or then.

    Raises NotFound (`key_not_found`), and Conflict (`key_has_ended`).
    """
    old, now = stores.keys.get(prefix), utc_now()
    if old.is_over(now):
        raise Conflict(f"The key {prefix}… is {old.state(now)}. Make a new one.", code=Code.KEY_HAS_ENDED)
    alike = {"teams", "role", "quotas", "note", "expires_at"}
    new = new_key(old.owner, **{**old.model_dump(include=alike), "expires_at": expires_at or old.expires_at})
    # In this order: a crash between the two leaves a key too many, and not one too few.
    stores.keys.add(new.key)
    stores.keys.end(prefix, KeyEnd(expires_at=now + grace) if grace else KeyEnd(revoked_at=now))
    return new


def _has_admin(stores: Stores) -> bool:
    now = utc_now()
    return any(key.role is Role.ADMIN and not key.is_over(now) for key in stores.keys.all())
