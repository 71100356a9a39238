"""Parts of a schema that only a value without an end would satisfy, as an object that has to have itself."""

from collections.abc import Iterator
from typing import Any

from jobs.shape.parts import KEPT, inner_of, named_by, step_to


def endless(schema: dict[str, Any]) -> str | None:
    """Where a value would have no end, and by which keyword; None where each part of it may have one.

    Takes a time that may grow with the square of the schema's size (jobs.shape.apart).
    """
    parts = _Parts(schema)
    for place, part in parts.without_end():
        if keyword := parts.keyword_at_fault(part):
            return f"`{keyword}`, at {place} of the schema: no value that ends satisfies it"
    return None


class _Parts:
    """The parts of a schema that answers may come to."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._whole = schema
        self._ends: set[int] = set()
        self._parts = [*self._reached(schema)]
        self._find_ends()

    def without_end(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Those that no value with an end satisfies, with their places."""
        yield from ((place, part) for place, part in self._parts if id(part) not in self._ends)

    def keyword_at_fault(self, part: dict[str, Any]) -> str | None:
        """The keyword that wants a value without an end in each value."""
        if "enum" in part or "const" in part:
            return None
        if part.get("type") in ("object", ["object"]):
            named = [_property(part, name) for name in part.get("required", ())]
            return None if all(map(self._may_end, named)) else "required"
        if part.get("type") in ("array", ["array"]):
            first = part.get("prefixItems", [])
            items = [*first, part.get("items", True)][: int(part.get("minItems", 0))]
            return None if all(map(self._may_end, items)) else "minItems"
        return None

    def _reached(self, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        left, been = [("#", schema)], {id(schema)}
        while left:
            place, part = left.pop()
            yield place, part
            inner = [
                (f"{place}/{step_to(keyword, key)}", one)
                for keyword, key, one in inner_of(part)
                if keyword not in KEPT
            ]
            if "$ref" in part:
                inner.append((part["$ref"], named_by(part["$ref"], self._whole)))
            new = [(there, one) for there, one in inner if isinstance(one, dict) and id(one) not in been]
            been |= {id(one) for _, one in new}
            left += reversed(new)

    def _find_ends(self) -> None:
        """From what ends by itself to what ends because of that, until nothing more does."""
        left = [part for _, part in reversed(self._parts)]
        found = -1
        while len(self._ends) != found:
            found = len(self._ends)
            for part in left:
                if self._has_end(part):
                    self._ends.add(id(part))
            left = [part for part in left if id(part) not in self._ends]

    def _has_end(self, part: dict[str, Any]) -> bool:
        named = [named_by(part["$ref"], self._whole)] if "$ref" in part else []
        return (
            self.keyword_at_fault(part) is None
            and all(map(self._may_end, [*named, *part.get("allOf", ())]))
            and all(any(map(self._may_end, part[either])) for either in ("anyOf", "oneOf") if either in part)
        )

    def _may_end(self, part: Any) -> bool:
        return not isinstance(part, dict) or id(part) in self._ends


def _property(part: dict[str, Any], name: str) -> Any:
    """The schema of a property; True where nothing is said of it, or that takes more than its name."""
    otherwise = True if part.get("patternProperties") else part.get("additionalProperties", True)
    return part.get("properties", {}).get(name, otherwise)
