"""What is wrong with a value, as people are told of it."""

from collections.abc import Mapping
from typing import Any

#: What speaks of Python in pydantic's words, in ours.
_PLAIN = {
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "should be an object"),
    "sequence_str": "should be a list",
    "union_tag_not_found": "has no `type`, or is no object",
    "union_tag_invalid": "its `type` should be {expected_tags}",
}
#: What pydantic puts before what a check of ours says.
_BEFORE_OURS = "Value error, "


def fault_of(error: Mapping[str, Any]) -> str:
    """What is wrong, by one of the `errors()` that pydantic tells of.

    >>> fault_of({"type": "value_error", "msg": "Value error, there is no such day"})
    'there is no such day'
    >>> fault_of({"type": "model_type", "msg": "Input should be a valid dictionary or instance of Text"})
    'should be an object'
    """
    if said := _PLAIN.get(error["type"]):
        return said.format_map(error.get("ctx", {}))
    return str(error["msg"]).removeprefix(_BEFORE_OURS)
