"""Whose things are: owners, the keys by which programs and people are known, and what each role may do."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import AwareDatetime, Field, ValidationError

from jobs.contract.base import Frozen, Kept
from jobs.contract.faults import fault_of
from jobs.contract.models import Owner, utc_now

#: What a key begins with, so that people and scanners for secrets know it.
_MARK = "eva01_"
#: Letters after the mark by which a key is recognised; the rest is its secret.
_SHOWN = 8
#: Characters of the mark and these.
PREFIX_CHARS = len(_MARK) + _SHOWN
PREFIX_PATTERN = rf"^{_MARK}[A-Za-z0-9_-]{{{_SHOWN}}}$"
#: Random bytes of a key: nobody guesses 256 bits, so a plain hash of it needs neither salt nor stretching.
_SECRET_BYTES = 32
#: Requests a second that a key may be limited to: one in eleven days, and more than any server answers.
LEAST_RATE, MOST_RATE = 1e-6, 1e6


class Role(StrEnum):
    """What a caller may do with what it sees."""

    #: Look.
    READ_ONLY = "read-only"
    #: Look, ask, change, delete, share.
    USER = "user"
    #: The same, and see keys, usage and the audit trail of all; others' pictures only where a setting allows.
    ADMIN = "admin"

    @property
    def may_write(self) -> bool:
        """True when it may ask and change."""
        return self is not Role.READ_ONLY


class Quotas(Kept):
    """How much one owner may take; None is without a limit."""

    #: Requests a second.
    requests_per_s: float | None = Field(default=None, ge=LEAST_RATE, le=MOST_RATE)
    #: Jobs that have no answer yet.
    open_jobs: int | None = Field(default=None, ge=0)
    #: Images a day (UTC).
    images_per_day: int | None = Field(default=None, ge=0)
    #: Seconds of the device a day (UTC).
    device_s_per_day: float | None = Field(default=None, ge=0)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Quotas as a setting says them, such as `requests_per_s=5, images_per_day=5000`.

        Raises ValueError, which names the quota.
        """
        pairs = [part.partition("=") for part in text.split(",") if part.strip()]
        limits = {name.strip(): limit.strip() for name, _, limit in pairs}
        for name in limits:
            if name not in cls.model_fields:
                raise ValueError(f"{name!r} is no quota; there are {', '.join(cls.model_fields)}")
        try:
            return cls.model_validate(limits)
        except ValidationError as error:
            first = error.errors()[0]
            raise ValueError(f"{first['loc'][0]}: {fault_of(first)}") from error


class KeyState(StrEnum):
    """What a key is worth."""

    #: It opens what its owner may see.
    VALID = "valid"
    #: Its time is over.
    EXPIRED = "expired"
    #: Somebody has ended it.
    REVOKED = "revoked"


class KeyEnd(Kept):
    """That a key ends, at once or at a time; of several the earliest counts."""

    revoked_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None


class Key(Kept):
    """An API key as it is kept: a hash of it, and for whom it speaks."""

    #: How it begins, by which people recognise it.
    prefix: str = Field(pattern=PREFIX_PATTERN)
    #: SHA-256 of the whole key, in hexadecimal digits.
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    owner: Owner
    #: Further owners whose things it sees and may work on.
    teams: tuple[Owner, ...] = ()
    role: Role = Role.USER
    quotas: Quotas = Quotas()
    #: What it is for, in its maker's words.
    note: str = Field(default="", max_length=200)
    created_at: AwareDatetime = Field(default_factory=utc_now)
    expires_at: AwareDatetime | None = None
    revoked_at: AwareDatetime | None = None

    def ended(self, ends: Iterable[KeyEnd]) -> "Key":
        """The key with what was said of its end since it was made."""
        all_: list[Key | KeyEnd] = [self, *ends]
        return self.model_copy(
            update={
                "revoked_at": min((one.revoked_at for one in all_ if one.revoked_at), default=None),
                "expires_at": min((one.expires_at for one in all_ if one.expires_at), default=None),
            }
        )

    def state(self, now: datetime) -> KeyState:
        """What it is worth at a time."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        is_late = self.expires_at is not None and now >= self.expires_at
        return KeyState.EXPIRED if is_late else KeyState.VALID

    def is_over(self, now: datetime) -> bool:
        """True when it is revoked, or its time is over."""
        return self.state(now) is not KeyState.VALID

    def public(self, now: datetime) -> dict[str, Any]:
        """What people and programs may see of it: not the digest."""
        shown = set(Key.model_fields) - {"digest"}
        return {
            **self.model_dump(mode="json", include=shown),
            "quotas": self.quotas.model_dump(mode="json", include=set(Quotas.model_fields)),
            "state": self.state(now).value,
        }


class NewKey(Frozen):
    """A key right after it was made: the only time that its text is known."""

    text: str
    key: Key


def new_key(owner: str, **fields: object) -> NewKey:
    """A fresh key; `fields` are those of a Key.

    Raises pydantic.ValidationError.
    """
    text = _MARK + secrets.token_urlsafe(_SECRET_BYTES)
    key = Key.model_validate({"prefix": prefix_of(text), "digest": digest_of(text), "owner": owner, **fields})
    return NewKey(text=text, key=key)


def prefix_of(text: str) -> str:
    """By what people recognise a key."""
    return text[:PREFIX_CHARS]


def digest_of(secret: str) -> str:
    """What is kept of a secret in its place."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Caller:
    """Who makes a request."""

    #: Tells callers apart, and is no secret: `key:<prefix>`, `local`, …
    name: str
    #: To whom belongs what it makes; None where no login is needed.
    owner: str | None
    role: Role
    #: Further owners whose things it sees.
    teams: frozenset[str] = frozenset()
    quotas: Quotas = field(default_factory=Quotas)
    #: When it is no longer known; None when that is not set.
    expires_at: datetime | None = None
    #: True for an admin who may look at everything.
    sees_all: bool = False

    @property
    def owners(self) -> frozenset[str | None]:
        """All whose things it sees."""
        return self.teams | {self.owner}

    def sees(self, owner: str | None) -> bool:
        """True for what belongs to one of its owners."""
        return self.sees_all or owner in self.owners

    @property
    def is_local(self) -> bool:
        """True where nobody has to say who they are."""
        return self.owner is None


#: Whoever asks where no login is needed: all that is made there belongs to nobody in particular.
LOCAL = Caller(name="local", owner=None, role=Role.ADMIN)
