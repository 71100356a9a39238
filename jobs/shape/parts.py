"""The schemas in a schema, and what reading them may cost."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

#: Keywords with a schema, a list of schemas, or an object of schemas behind them.
ONE, LISTS = {"items", "additionalProperties"}, {"anyOf", "oneOf", "allOf", "prefixItems"}
OBJECTS = {"properties", "patternProperties", "$defs", "definitions"}
#: Keywords whose reading takes no longer than their text.
_PLAIN = {
    *("type", "enum", "const", "properties", "required", "additionalProperties", "items"),
    *("format", "minimum", "maximum", "title", "description", "default", "examples", "$schema"),
}
#: Keywords whose schemas do nothing but where something refers to them.
KEPT = ("$defs", "definitions")
#: Keywords whose schemas are about the very value that theirs is about.
_SAME_VALUE = ("anyOf", "oneOf", "allOf")
#: Schemas that one may be when all that it refers to is written out.
MOST = 10_000


def inner_of(schema: dict[str, Any]) -> Iterator[tuple[str, str | int | None, Any]]:
    """What stands right in a schema where schemas do: the keyword, its key behind that, and what is there."""
    for keyword, value in schema.items():
        if keyword in ONE:
            yield keyword, None, value
        elif keyword in LISTS and isinstance(value, list):
            yield from ((keyword, number, one) for number, one in enumerate(value))
        elif keyword in OBJECTS and isinstance(value, dict):
            yield from ((keyword, name, one) for name, one in value.items())


def changed(schema: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """The same schema after a change of it and of all its parts."""
    if not isinstance(schema, dict):
        return schema
    return {keyword: _changed_in(keyword, said, change) for keyword, said in change(schema).items()}


def _changed_in(keyword: str, said: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    if keyword in ONE:
        return changed(said, change)
    if keyword in LISTS and isinstance(said, list):
        return [changed(one, change) for one in said]
    if keyword in OBJECTS and isinstance(said, dict):
        return {name: changed(one, change) for name, one in said.items()}
    return said


def step_to(keyword: str, key: str | int | None) -> str:
    """The end of the JSON Pointer (RFC 6901) of what stands in a schema there; a long name is cut.

    >>> step_to("properties", "a/b"), step_to("anyOf", 1), step_to("items", None)
    ('properties/a~1b', 'anyOf/1', 'items')
    """
    if key is None:
        return keyword
    return f"{keyword}/{str(key)[:100].replace('~', '~0').replace('/', '~1')}"


def named_by(ref: str, whole: dict[str, Any]) -> Any:
    """What a JSON Pointer names in a document (RFC 6901, 6); raises LookupError."""
    found: Any = whole
    for step in unquote(ref).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(name)] if isinstance(found, list) else found[name]
        except (LookupError, TypeError, ValueError) as error:
            raise LookupError(ref) from error
    return found


def is_plain(schema: Any) -> bool:
    """True for one whose reading takes no longer than its text, as of all that are made of fields.

    >>> is_plain({"items": {"enum": ["a", None]}}), is_plain({"const": [[]]}), is_plain({"pattern": "a"})
    (True, False, False)
    """
    if not isinstance(schema, dict):
        return True
    values = [schema.get("const"), *schema.get("enum", ())]
    return (
        schema.keys() <= _PLAIN
        and not any(isinstance(value, dict | list) for value in values)
        and all(is_plain(inner) for _, _, inner in inner_of(schema))
    )


@dataclass(frozen=True)
class Extent:
    """How many schemas one is with all that it refers to written out, once where it comes back to itself."""

    size: int
    comes_back: bool
    #: A part that comes back to itself for the very same value: then it says nothing of it.
    empty: dict[str, Any] | None = None
    #: The innermost part that is more than MOST, where that is known.
    large: dict[str, Any] | None = None

    @property
    def is_light(self) -> bool:
        """True when an answer is compared with it in no time."""
        return self.size <= MOST and not self.comes_back


def extent_of(schema: dict[str, Any]) -> Extent:
    """Raises LookupError where a `$ref` is no JSON Pointer to a part, of it and of what has it."""
    return _Extents(schema).whole()


class _Extents:
    """Those of the parts of a schema."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._whole = schema
        #: By identity; None while it is being written out.
        self._sizes: dict[int, int | None] = {}
        self._comes_back = False
        #: By identity; True while it is being followed.
        self._followed: dict[int, bool] = {}
        self._empty: dict[str, Any] | None = None
        self._large: dict[str, Any] | None = None

    def whole(self) -> Extent:
        try:
            return Extent(self._size(self._whole), self._comes_back, self._empty, self._large)
        except RecursionError:
            return Extent(MOST + 1, self._comes_back)

    def _size(self, schema: Any) -> int:
        if not isinstance(schema, dict):
            return 1
        if id(schema) not in self._sizes:
            self._sizes[id(schema)] = None
            used = [inner for keyword, _, inner in inner_of(schema) if keyword not in KEPT]
            if "$ref" in schema:
                used.append(self._named(schema))
            self._turns_back(schema)
            size = self._sizes[id(schema)] = 1 + sum(map(self._size, used))
            if size > MOST and self._large is None:
                self._large = schema
        known = self._sizes[id(schema)]
        self._comes_back = self._comes_back or known is None
        return known or 1

    def _turns_back(self, schema: Any) -> bool:
        """True where what is said of a value leads to the same schema, for the same value."""
        if not isinstance(schema, dict):
            return False
        if id(schema) not in self._followed:
            self._followed[id(schema)] = True
            same = [inner for keyword, _, inner in inner_of(schema) if keyword in _SAME_VALUE]
            if "$ref" in schema:
                same.append(self._named(schema))
            found = any(map(self._turns_back, same))
            if found and "$ref" in schema and self._empty is None:
                self._empty = schema
            self._followed[id(schema)] = False
            return found
        return self._followed[id(schema)]

    def _named(self, schema: dict[str, Any]) -> Any:
        """What the `$ref` of a part names."""
        ref = schema["$ref"]
        if not isinstance(ref, str) or not (ref == "#" or ref.startswith("#/")) or self._has_inner_id:
            raise LookupError(ref, schema)
        try:
            return named_by(ref, self._whole)
        except LookupError as error:
            raise LookupError(ref, schema) from error

    @cached_property
    def _has_inner_id(self) -> bool:
        """True when a part has an address of its own, by which pointers in it are read."""
        left = [*self._whole.values()]
        while left:
            one = left.pop()
            if isinstance(one, dict):
                if isinstance(one.get("$id"), str):
                    return True
                left += one.values()
            elif isinstance(one, list):
                left += one
        return False
