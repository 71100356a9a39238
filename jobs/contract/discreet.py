"""What a stranger may hear of an error that nobody foresaw: its words, and no place of ours."""

import re

#: Addresses, and absolute paths: whole where they stand between quotes, else up to the next blank.
_PLACES = re.compile(
    r"""
    (?<=') (?:[a-z][a-z0-9+.-]*:/)?/ [^']+ (?=')
    | (?<=") (?:[a-z][a-z0-9+.-]*:/)?/ [^"]+ (?=")
    | [a-zA-Z][a-zA-Z0-9+.-]*://\S+
    | (?<![\w./<]) ~?/ [\w.@+-] [^\s'":;,()\[\]]*
    """,
    re.VERBOSE,
)
#: Characters of an error that are passed on.
_LONGEST = 500


def discreet(error: BaseException) -> str:
    """An error's kind and words without addresses and paths; what it says in full belongs in the log.

    >>> discreet(FileNotFoundError(2, "No such file or directory", "/srv/eva01/x.png"))
    "FileNotFoundError: [Errno 2] No such file or directory: '…'"
    """
    words = _PLACES.sub("…", str(error).strip())[:_LONGEST]
    kind = type(error).__name__
    return f"{kind}: {words}" if words else kind
