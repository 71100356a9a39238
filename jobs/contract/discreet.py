"""What a stranger may hear of an error that nobody foresaw: its words, and no place of ours."""

import re

#: Addresses on networks and in memory, and absolute paths: between quotes all, else up to the next blank.
_PLACES = re.compile(
    r"""
    (?<=') (?:[a-z][a-z0-9+.-]*:/)?/ [^']+ (?=')
    | (?<=") (?:[a-z][a-z0-9+.-]*:/)?/ [^"]+ (?=")
    | [a-zA-Z][a-zA-Z0-9+.-]*://\S+
    | <[\w.]+\ object\ at\ 0x[0-9a-f]+>
    | (?<![\w./<]) ~?/ [\w.@+-] [^\s'":;,()\[\]]*
    """,
    re.VERBOSE,
)
#: Characters of an error that are passed on.
_LONGEST = 500


def without_places(text: str) -> str:
    """A text, … in place of each address and path.

    >>> without_places("cannot open '/srv/eva01/x.png'")
    "cannot open '…'"
    """
    return _PLACES.sub("…", text)


def discreet(error: BaseException) -> str:
    """An error's kind and words without addresses and paths; what it says in full belongs in the log."""
    words = without_places(str(error).strip())[:_LONGEST]
    kind = type(error).__name__
    return f"{kind}: {words}" if words else kind
