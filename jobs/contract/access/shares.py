"""Links with which anybody can read one batch: what is kept of each, and how one is made."""

import secrets
from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, Field

from jobs.contract.access.owners import Caller, digest_of
from jobs.contract.base import Frozen, Kept
from jobs.contract.models import ID_PATTERN, BatchId, Owner, new_id, utc_now

#: Random bytes of a token, and the letters that they are written in: nobody guesses 256 bits.
_TOKEN_BYTES = 32
TOKEN_PATTERN = r"^[A-Za-z0-9_-]{43}$"  # noqa: S105 (the form of one, and none)
#: Characters of what a link is for.
LONGEST_NOTE = 200
#: What is not written with a link, but beside it.
FLEETING_SHARE = {"last_used_at"}


class ShareState(StrEnum):
    """Whether a link opens its batch."""

    #: It does.
    WORKS = "works"
    #: Its time is over.
    ENDED = "ended"
    #: It was taken back before that.
    REVOKED = "revoked"


class Share(Kept):
    """A link as it is kept: a hash of its token, and what it opens until when."""

    #: What it is called in lists; for its readers the batch is called so, too.
    id: str = Field(default_factory=new_id, pattern=ID_PATTERN)
    #: SHA-256 of its token, in hexadecimal digits.
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    batch_id: BatchId
    #: The caller who made it, and for whom.
    made_by: str
    owner: Owner | None = None
    #: What it is for, in its maker's words.
    note: str = Field(default="", max_length=LONGEST_NOTE)
    made_at: AwareDatetime = Field(default_factory=utc_now)
    ends_at: AwareDatetime
    revoked_at: AwareDatetime | None = None
    #: The hour in which it was last used.
    last_used_at: AwareDatetime | None = None

    def state(self, now: datetime) -> ShareState:
        """What it is at a moment."""
        if self.revoked_at is not None:
            return ShareState.REVOKED
        return ShareState.WORKS if now < self.ends_at else ShareState.ENDED


class MadeShare(Frozen):
    """A link right after it was made: the only time that its token is known."""

    token: str
    share: Share


def new_share(batch_id: str, caller: Caller, ends_at: datetime, note: str = "") -> MadeShare:
    """A fresh link to a batch.

    Raises pydantic.ValidationError.
    """
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    share = Share(
        digest=digest_of(token),
        batch_id=batch_id,
        made_by=caller.name,
        owner=caller.owner,
        note=note,
        ends_at=ends_at,
    )
    return MadeShare(token=token, share=share)
