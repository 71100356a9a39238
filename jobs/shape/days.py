"""Days and times as patterns, so that answers can be held to those that there are.

llguidance knows how long months are, but not in which years February has 29 days, nor that no minute has a
61st second.
"""

from typing import Any

from jobs.shape.parts import changed

# Python and spreadsheets have no year 0.
_YEAR = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_BY_FOUR = "(?:0[48]|[2468][048]|[13579][26])"
_LEAP_YEAR = f"(?:[0-9]{{2}}{_BY_FOUR}|{_BY_FOUR}00)"
_DAY = (
    f"(?:{_YEAR}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    f"|(?:0[13578]|1[02])-31)|{_LEAP_YEAR}-02-29)"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:[zZ]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
#: What each format is as a pattern (RFC 3339, 5.6).
_PATTERNS = {"date": f"^{_DAY}$", "date-time": f"^{_DAY}[tT]{_TIME}$", "time": f"^{_TIME}$"}


def with_patterns(schema: Any) -> Any:
    """The same schema in which formats of days and times are patterns, in all its parts."""
    return changed(schema, _with_pattern)


def _with_pattern(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("format")
    if not isinstance(kind, str) or kind not in _PATTERNS:
        return schema
    left = {keyword: said for keyword, said in schema.items() if keyword != "format"}
    pattern = _PATTERNS[kind]
    if "pattern" not in left:
        return {**left, "pattern": pattern}
    return {**left, "allOf": [*left.get("allOf", ()), {"pattern": pattern}]}
