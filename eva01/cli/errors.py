"""The command's own errors; those that a server answers with are in eva01/client/errors.py."""


class CommandError(Exception):
    """Raised when the command cannot do what was asked; `code` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
