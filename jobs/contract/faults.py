"""What is wrong with a value, as people are told of it."""

from collections.abc import Mapping
from typing import Any

#: What pydantic puts before what a check of ours says.
_BEFORE_OURS = "Value error, "


def fault_of(error: Mapping[str, Any]) -> str:
    """What is wrong, by one of the `errors()` that pydantic tells of.

    >>> fault_of({"type": "value_error", "msg": "Value error, there is no such day"})
    'there is no such day'
    """
    return str(error["msg"]).removeprefix(_BEFORE_OURS)
