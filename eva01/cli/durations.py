"""Times as people write them: `3600`, `90min`, `36h`, `7d`."""

import re

_WRITTEN = re.compile(r"([0-9]{1,9})\s*(s|min|h|d)?")
_SECONDS = {None: 1, "s": 1, "min": 60, "h": 3600, "d": 86_400}


def seconds_in(text: str) -> int:
    """Seconds; raises ValueError for what is no time.

    >>> seconds_in("3600"), seconds_in("90 min"), seconds_in("36h"), seconds_in("7d")
    (3600, 5400, 129600, 604800)
    """
    if not (found := _WRITTEN.fullmatch(text.strip())):
        raise ValueError(f"{text!r} is no time. Write 3600 (seconds), 90min, 36h or 7d.")
    return int(found[1]) * _SECONDS[found[2]]
