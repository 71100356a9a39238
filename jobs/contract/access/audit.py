"""The audit trail: who did what to what, and when; never a secret, a question, an answer or a file's name."""

import getpass
import os
from enum import StrEnum

from pydantic import AwareDatetime, Field

from jobs.contract.base import Kept
from jobs.contract.codes import Code
from jobs.contract.models import ID_PATTERN, new_id, utc_now

#: Characters of a name, an id or an address that are kept.
MOST_CHARS = 200


class Action(StrEnum):
    """What is done."""

    KEY_ADD = "key.add"
    KEY_REVOKE = "key.revoke"
    KEY_ROTATE = "key.rotate"
    #: Into a session; and a key that is none, or no longer, at any call.
    SIGN_IN = "sign-in"
    SIGN_OUT = "sign-out"
    #: Of all sessions of somebody.
    SIGN_OUT_EVERYWHERE = "sign-out.everywhere"
    BATCH_DELETE = "batch.delete"
    #: Of a file of requests.
    FILE_DELETE = "file.delete"
    SHARE_ADD = "share.add"
    SHARE_REVOKE = "share.revoke"
    EXPORT = "export"
    #: What belonged to nobody becomes somebody's.
    ADOPT = "adopt"
    #: An admin sees what is another's.
    LOOK = "look"


class Outcome(StrEnum):
    """What came of it."""

    #: It is under way, or whoever did it has died meanwhile: it may be done.
    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"


class Kind(StrEnum):
    """What it is done to."""

    BATCH = "batch"
    JOB = "job"
    #: Of requests, from which batches are made.
    FILE = "file"
    #: By its first characters.
    KEY = "key"
    #: By its id, which opens nothing.
    SHARE = "share"
    #: All of an owner's things.
    OWNER = "owner"
    #: The audit trail itself.
    TRAIL = "audit"


class Target(Kept):
    """What something is done to."""

    kind: Kind
    #: Empty where it is not known, or not yet.
    id: str = Field(default="", max_length=MOST_CHARS)
    #: Whose it is, where that was looked at.
    owner: str | None = None


class Event(Kept):
    """One line of the audit trail."""

    #: A UUIDv7, so that it sorts by time.
    id: str = Field(default_factory=new_id, pattern=ID_PATTERN)
    at: AwareDatetime = Field(default_factory=utc_now)
    #: A caller's name; `command:…` with the user who runs one on the machine; `link` for whoever has a link.
    who: str = Field(max_length=MOST_CHARS)
    #: For whom they speak.
    owner: str | None = None
    #: From where, as web knows it; empty for a command.
    address: str = Field(default="", max_length=MOST_CHARS)
    action: Action
    target: Target | None = None
    outcome: Outcome = Outcome.BEGUN
    #: Why it failed.
    code: Code | None = None
    #: Of the request, as in the log and in its response.
    request_id: str = Field(default="", max_length=MOST_CHARS)
    #: How many more like it came before, and were counted only.
    unwritten: int = Field(default=0, ge=0)


def by_command(action: Action, target: Target | None = None) -> Event:
    """An event of a command on the machine, run by a user of its system."""
    return Event(who=f"command:{_user()}"[:MOST_CHARS], action=action, target=target)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A container's user may have no name.
        return str(os.getuid())
