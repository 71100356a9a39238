"""What can go wrong, in one tree; each class says what kind it is, and its code says the rest.

    Eva01Error                 message, code
    ├── BadInput               the request is wrong: say what and how to mend it
    │   ├── ImageRejected      this one file cannot be answered
    │   ├── TooLarge           a limit, named with its setting
    │   └── UnknownModel       no worker serves, or ever served, this model
    ├── NotSignedIn            nobody knows who asks
    ├── TooManyWrongKeys       an address tries keys
    ├── NotAllowed             who asks may not do this
    ├── Foreign                it is meant for another server, or comes from another website
    ├── NotFound               it never was, or is not any more
    ├── Gone                   what it gave access to is over
    ├── Conflict               the thing is in a state that does not allow this
    ├── Unreadable             what is kept of it cannot be read
    ├── Overloaded             too much waits already: try again when some of it is done
    ├── QuotaExceeded          who asks has taken as much as they may
    ├── Unavailable            Redis or the blob store is away: try again later
    │   └── NoRoom             a disk is full: somebody has to make room
    └── EngineFailure          a model failed on this image

`code` is stable: programs branch on it, and it says the HTTP status and whether a retry helps. `message` is
for people, and names the thing, the value seen and the remedy.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from jobs.contract.codes import Code
from jobs.contract.models import Job


class Eva01Error(Exception):
    """Base of every error that a user may see."""

    def __init__(self, message: str, *, code: Code) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class BadInput(Eva01Error):
    """Raised when a request cannot be understood or is not allowed; `field` may name the part of it.

    `image` is the place of the image that it is about, counted from 0; None where it is about no image.
    """

    def __init__(
        self, message: str, *, code: Code, field: str | None = None, image: int | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.field, self.image = field, image


class ImageRejected(BadInput):
    """Raised when a file is not an image that can be answered; other files are not affected."""

    def __init__(self, message: str, *, code: Code = Code.NOT_AN_IMAGE) -> None:
        super().__init__(message, code=code)


class TooLarge(BadInput):
    """Raised when a limit is passed; the message names the limit's setting."""


class UnknownModel(BadInput):
    """Raised when no worker serves, or ever served, the model asked for."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=Code.UNKNOWN_MODEL, field="model")


class NotSignedIn(Eva01Error):
    """Raised when a request does not say by whom it is, or with a key that is none, or no longer."""


class TooManyWrongKeys(Eva01Error):
    """Raised when an address has sent too many wrong keys; `retry_after_s` is when it may try again."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message, code=Code.TOO_MANY_WRONG_KEYS)
        self.retry_after_s = retry_after_s


class NotAllowed(Eva01Error):
    """Raised when the caller's role does not allow what was asked."""


class Foreign(Eva01Error):
    """Raised when a request was sent to another name than the server's, or by another website's page."""


class NotFound(Eva01Error):
    """Raised when a job, batch or image does not exist (any more)."""


class Gone(Eva01Error):
    """Raised when something was valid once, and is not any more."""


class Conflict(Eva01Error):
    """Raised when the state of a thing forbids what was asked."""


class Unreadable(Eva01Error):
    """Raised when what is kept of one thing, such as `job 018f…`, cannot be read; others can."""

    def __init__(self, thing: str) -> None:
        message = (
            f"What is kept of {thing} cannot be read: another program or a later version has written it."
            " The server's log says more."
        )
        super().__init__(message, code=Code.UNREADABLE_RECORD)


class Unavailable(Eva01Error):
    """Raised when Redis or the blob store does not answer; nothing was lost."""


class NoRoom(Unavailable):
    """Raised when what was sent cannot be kept, because a disk is full."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=Code.NO_ROOM)


class Overloaded(Eva01Error):
    """Raised when the queue is full; nothing of the request was taken.

    `retry_after_s` is when there should be room, in seconds.
    """

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message, code=Code.QUEUE_FULL)
        self.retry_after_s = retry_after_s


class QuotaExceeded(Eva01Error):
    """Raised when a quota of whoever asks would be passed.

    `used` is what its owner has taken of it, and `renews_s` when some of it is free again, in seconds. `made`
    are jobs of the same call that still had room, and stay, each with whether it is new.
    """

    def __init__(
        self, quota: str, limit: float, used: float, *, renews_s: float, made: Sequence[tuple[Job, bool]] = ()
    ) -> None:
        self.quota, self.limit, self.left = quota, limit, max(0.0, limit - used)
        self.renews_s, self.made = renews_s, made
        things, self.window_s, renewal = _QUOTAS[quota]
        at = datetime.now(UTC) + timedelta(seconds=renews_s)
        super().__init__(
            f"Your quota is {_shown(limit)} {things} ({quota}); {_shown(self.left)} of that is left."
            f" {renewal.format(at=at)}",
            code=Code.QUOTA_EXCEEDED,
        )


#: What each quota counts, in how many seconds, and when it renews.
_DAY_S = 24 * 3600
_DAILY = "It renews at {at:%Y-%m-%d %H:%M} UTC."
_QUOTAS: dict[str, tuple[str, int | None, str]] = {
    "requests_per_s": ("requests a second", 1, "Ask again in a second."),
    "open_jobs": ("jobs without an answer", None, "Send the rest when some of them have ended."),
    "images_per_day": ("images a day", _DAY_S, _DAILY),
    "device_s_per_day": ("seconds of the device a day", _DAY_S, _DAILY),
}


def _shown(number: float) -> str:
    return f"{number:,.3f}".rstrip("0").rstrip(".")


class EngineFailure(Eva01Error):
    """Raised when a model fails on one image."""

    def __init__(self, message: str, *, code: Code = Code.ENGINE_FAILED) -> None:
        super().__init__(message, code=code)
