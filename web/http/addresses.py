"""Addresses that are secrets themselves: whoever knows a link to a shared batch can read the batch."""

import re

_TOKEN = re.compile(r"(?<=/shared/)[^/]+")


def is_secret(path: str) -> bool:
    """True when a path has the token of a link in it."""
    return _TOKEN.search(path) is not None
