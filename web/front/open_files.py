"""How many files a process may have open, and so how many connections."""

import logging
import resource

_log = logging.getLogger(__name__)

#: A connection, and the file that its request's body may be in.
_FILES_A_CONNECTION = 2
#: Files for all that is no connection: Redis, the blob store, libraries, logs.
_OTHERS = 256


def connections_within(wanted: int) -> int:
    """How many of the wanted connections the system's limit allows, after raising it as far as we may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard == resource.RLIM_INFINITY:
        return wanted
    allowed = max(1, (hard - _OTHERS) // _FILES_A_CONNECTION)
    if allowed < wanted:
        _log.warning(
            "EVA01_MAX_CONNECTIONS=%d needs %d open files, and the system allows %d (ulimit -Hn):"
            " only %d connections are taken at a time. Raise that limit, or lower the setting.",
            wanted,
            wanted * _FILES_A_CONNECTION + _OTHERS,
            hard,
            allowed,
        )
    return min(wanted, allowed)
