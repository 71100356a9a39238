"""Sessions: who is signed in with a browser, from when, and until when."""

import secrets
from datetime import datetime

from pydantic import AwareDatetime, Field

from jobs.contract.access.owners import Caller, Role, digest_of
from jobs.contract.base import Frozen, Kept
from jobs.contract.models import Owner

#: Random bytes of a session's token.
_TOKEN_BYTES = 32


class Session(Kept):
    """A session as it is kept: a hash of its token, and who it is."""

    #: SHA-256 of the token, in hexadecimal digits.
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    #: The caller's name: `key:<prefix>` or `openid:<owner>`. Those of the same name are ended together.
    name: str = Field(max_length=200)
    owner: Owner
    teams: tuple[Owner, ...] = ()
    role: Role = Role.USER
    #: SHA-256 of the key that it was opened with, which is looked up at every request; empty: none was.
    key_digest: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    #: The life of Redis in which it was opened: a later one may not know that it was ended.
    life: str = ""
    started_at: AwareDatetime
    ends_at: AwareDatetime

    def caller(self) -> Caller:
        """Who it is, as far as the session alone says it."""
        return Caller(name=self.name, owner=self.owner, role=self.role, teams=frozenset(self.teams))

    def is_over(self, now: datetime) -> bool:
        """True when its time is over."""
        return now >= self.ends_at


class NewSession(Frozen):
    """A session right after it was opened: the only time that its token is known."""

    token: str
    session: Session


def new_session(**fields: object) -> NewSession:
    """A fresh session; `fields` are those of a Session.

    Raises pydantic.ValidationError.
    """
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    return NewSession(token=token, session=Session.model_validate({"digest": digest_of(token), **fields}))
