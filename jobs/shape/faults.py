"""Where in a schema the fault is for which answers cannot be held to it: the keywords, and their place.

What reads a schema says why it cannot be used, and not where. So its parts are read by themselves, down to
one that is at fault though nothing in it is; of its keywords those are named without which it would do.
"""

from collections.abc import Callable, Iterator
from typing import Any

from jobs.shape.parts import KEPT, inner_of, named_by, step_to

#: Why answers cannot be held to a schema; None when they can.
Reader = Callable[[dict[str, Any]], str | None]
#: Schemas that are read to find a place; where that takes more, the reason is said alone.
_MOST_READ = 3000
#: What a part is read without: it is about the document that it is in.
_OF_A_DOCUMENT = {*KEPT, "$id", "$schema", "$anchor"}

_OF_ANY_TYPE = {"type", "enum", "const", "$ref", "allOf", "anyOf", "oneOf"}


class _Enough(Exception):
    """Raised when as many have been read as may be."""


def placed(schema: dict[str, Any], fault: str, reader: Reader) -> str:
    """A fault of a schema in words: with the keywords and their place, where they are found."""
    try:
        found = _Search(schema, reader).below("#", schema, fault)
    except _Enough:
        found = None
    return found or f"the schema: {fault}"


class _Search:
    """Reads the parts of one schema."""

    def __init__(self, schema: dict[str, Any], reader: Reader) -> None:
        self._whole, self._reader, self._read = schema, reader, 0
        self._document = {"$defs": {"whole": _moved(_by_itself(schema) | _kept(schema))}}
        #: By identity: each part is gone into once, also where it refers to itself.
        self._been = {id(schema)}

    def below(self, place: str, schema: dict[str, Any], fault: str) -> str | None:
        """What is at fault in a part that has a fault; None where that was gone into before."""
        blamed = set()
        for keyword, key, inner in self._parts(schema):
            said = self._fault(inner)
            if said is None or not (said == fault or self._fault(_freed(schema, keyword, key)) != fault):
                continue
            blamed.add(keyword)
            if id(inner) not in self._been:
                self._been.add(id(inner))
                there = schema["$ref"] if keyword == "$ref" else f"{place}/{step_to(keyword, key)}"
                if found := self.below(there, inner, said):
                    return found
        named = _in_words(self._keywords(schema, fault, blamed))
        return f"{named}, at {place} of the schema: {fault}" if named else None

    def _parts(self, schema: dict[str, Any]) -> Iterator[tuple[str, str | int | None, dict[str, Any]]]:
        """The schemas in one, and what it refers to, each with its keyword and its key behind that."""
        for keyword, key, inner in inner_of(schema):
            if isinstance(inner, dict) and keyword not in KEPT:
                yield keyword, key, inner
        if "$ref" in schema and isinstance(inner := named_by(schema["$ref"], self._whole), dict):
            yield "$ref", None, inner

    def _keywords(self, schema: dict[str, Any], fault: str, blamed: set[str]) -> list[str]:
        """The keywords of a part but for which it would do, or have another fault."""
        without = {
            keyword: self._fault(_without(schema, keyword)) for keyword in schema if keyword not in blamed
        }
        named = [keyword for keyword, said in without.items() if said is None]
        return named or [keyword for keyword, said in without.items() if said != fault]

    def _fault(self, schema: dict[str, Any]) -> str | None:
        self._read += 1
        if self._read > _MOST_READ:
            raise _Enough
        alone = _by_itself(schema)
        return self._reader(_moved(alone) | self._document if _refers(alone) else alone)


def _in_words(keywords: list[str]) -> str:
    """Their names; without a type nearly all do, so it is named only with what says values by themselves."""
    named = keywords if _OF_ANY_TYPE.issuperset(keywords) else [one for one in keywords if one != "type"]
    first, *others = [f"`{keyword}`" for keyword in named] or [""]
    return " with ".join([first, *([" and ".join(others)] if others else [])])


def _by_itself(schema: dict[str, Any]) -> dict[str, Any]:
    return {keyword: said for keyword, said in schema.items() if keyword not in _OF_A_DOCUMENT}


def _kept(schema: dict[str, Any]) -> dict[str, Any]:
    return {keyword: said for keyword, said in schema.items() if keyword in KEPT}


def _without(schema: dict[str, Any], left_out: str) -> dict[str, Any]:
    return {keyword: said for keyword, said in schema.items() if keyword != left_out}


def _freed(schema: dict[str, Any], keyword: str, key: str | int | None) -> dict[str, Any]:
    """A schema in which anything may be where one of its schemas was."""
    inner = schema[keyword]
    if keyword == "$ref":
        return _without(schema, keyword)
    if isinstance(key, int):
        return schema | {keyword: [*inner[:key], True, *inner[key + 1 :]]}
    return schema | {keyword: True if key is None else inner | {key: True}}


def _refers(said: Any) -> bool:
    """True where something in it refers to another part of the document."""
    if isinstance(said, dict):
        return isinstance(said.get("$ref"), str) or any(map(_refers, said.values()))
    return isinstance(said, list) and any(map(_refers, said))


def _moved(said: Any) -> Any:
    """The same where the document that it refers to is a part of another one."""
    if isinstance(said, list):
        return [_moved(one) for one in said]
    if not isinstance(said, dict):
        return said
    moved = {name: _moved(one) for name, one in said.items()}
    if isinstance(ref := said.get("$ref"), str):
        moved["$ref"] = ref.replace("#", "#/$defs/whole", 1)
    return moved
