"""Keywords of a schema that look as if they asked for something, and do not: programs write them by habit.

They are taken as they are, and left out of what answers are held to, whose reader knows none of them.
"""

from collections.abc import Callable
from typing import Any

from jobs.shape.parts import changed

#: What each has where it asks for nothing. Of names, that they are texts: all are.
_NOTHING: dict[str, Callable[[Any], bool]] = {
    "uniqueItems": lambda said: said is False,
    "nullable": lambda said: said is False,
    "propertyNames": lambda said: said == {"type": "string"},
    "unevaluatedProperties": lambda said: said is False,
}
#: Formats of texts that say how they are shown or sent, and not what is in them.
_FORMATS = ("binary", "password")
#: Keywords whose schemas say more of the properties of the very same object.
_BESIDE = {"$ref", "anyOf", "oneOf", "allOf"}


def is_idle(keyword: str, schema: dict[str, Any]) -> bool:
    """True for a keyword by which a schema asks for nothing.

    And for `unevaluatedProperties` where it asks just what `additionalProperties` would.
    """
    if keyword == "format":
        return schema[keyword] in _FORMATS
    if keyword == "unevaluatedProperties" and schema.keys() & _BESIDE:
        return False
    return keyword in _NOTHING and _NOTHING[keyword](schema[keyword])


def without_idle(schema: Any) -> Any:
    """The same schema without such keywords in it and in all its parts."""
    return changed(schema, _without_idle)


def _without_idle(schema: dict[str, Any]) -> dict[str, Any]:
    left = {keyword: said for keyword, said in schema.items() if not is_idle(keyword, schema)}
    if "unevaluatedProperties" in schema.keys() - left.keys():
        left.setdefault("additionalProperties", False)
    return left
