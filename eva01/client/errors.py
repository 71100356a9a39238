"""What a call to a server can end with, besides a reply.

ClientError            code, message, status
├── ServerAway         no answer at all, or only "try again later", for as long as we had patience
├── FileUnreadable     a file of ours cannot be sent; the others can
└── Stopped            the caller told the client to stop
"""


class ClientError(Exception):
    """Raised when a call does not succeed.

    `code` is stable, for programs; `message` is for people; `status` is the HTTP status, None when
    there was no response.
    """

    #: Names of the files that were to be sent and were not, or not all, where it has ended a whole upload.
    unsent: tuple[str, ...] = ()

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class ServerAway(ClientError):
    """Raised when the server gives no answer, or only ever says to come back later.

    `retry_after_s` is when it said to come back, if it did.
    """

    retry_after_s: float | None = None


class FileUnreadable(ClientError):
    """Raised when a file cannot be read, or changes while it is sent."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__("file_unreadable", f"{name} cannot be read: {reason}.")
        self.name = name


class Stopped(ClientError):
    """Raised when the client was told to stop in the middle of a call."""

    def __init__(self) -> None:
        super().__init__("stopped", "Stopped before the end.")
