"""What can go wrong, in one tree; each class says what to do about it.

    Eva01Error                 code, http_status, is_retryable
    ├── BadInput               400   the request is wrong: say what and how to mend it
    │   ├── ImageRejected      422   this one file cannot be answered
    │   ├── TooLarge           413   a limit, named with its setting
    │   └── UnknownModel       422
    ├── NotFound               404
    ├── Gone                   410   what it gave access to is over
    ├── Conflict               409   the thing is in a state that does not allow this
    ├── Overloaded             429   too much waits already: try again when some of it is done
    ├── Unavailable            503   Redis or the blob store is away: try again later
    │   └── NoRoom             507   a disk is full: somebody has to make room
    └── EngineFailure          500   a model failed on this image

`code` is stable: programs branch on it, and the docs list it. `message` names the thing, the value
seen and the remedy, and is for people.
"""

from typing import ClassVar


class Eva01Error(Exception):
    """Base of every error that a user may see."""

    http_status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal_error"
    #: True when the same call may succeed later, unchanged.
    is_retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code


class BadInput(Eva01Error):
    """Raised when a request cannot be understood or is not allowed."""

    http_status = 400
    default_code = "bad_request"


class ImageRejected(BadInput):
    """Raised when a file is not an image that can be answered; other files are not affected."""

    http_status = 422
    default_code = "not_an_image"


class TooLarge(BadInput):
    """Raised when a limit is passed; the message names the limit's setting."""

    http_status = 413
    default_code = "too_large"


class UnknownModel(BadInput):
    """Raised when no worker serves, or ever served, the model asked for."""

    http_status = 422
    default_code = "unknown_model"


class NotFound(Eva01Error):
    """Raised when a job, batch or image does not exist (any more)."""

    http_status = 404
    default_code = "not_found"


class Gone(Eva01Error):
    """Raised when something was valid once, and is not any more."""

    http_status = 410
    default_code = "gone"


class Conflict(Eva01Error):
    """Raised when the state of a thing forbids what was asked."""

    http_status = 409
    default_code = "conflict"


class Unavailable(Eva01Error):
    """Raised when Redis or the blob store does not answer; nothing was lost."""

    http_status = 503
    default_code = "unavailable"
    is_retryable = True


class NoRoom(Unavailable):
    """Raised when what was sent cannot be kept, because a disk is full."""

    http_status = 507
    default_code = "no_room"


class Overloaded(Eva01Error):
    """Raised when the queue is full; nothing of the request was taken.

    `retry_after_s` is when there should be room, in seconds.
    """

    http_status = 429
    default_code = "queue_full"
    is_retryable = True

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class EngineFailure(Eva01Error):
    """Raised when a model fails on one image."""

    default_code = "engine_failed"
