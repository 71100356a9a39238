"""The typed columns that answers make: a table for each schema of an object."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from jobs.contract.asking.response_format import ResponseFormat

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SPECIAL = re.compile(r'[,"\r\n]')
#: How far `$ref` is followed.
_MOST_HOPS = 8


class ColumnType(StrEnum):
    """What stands in a column's cells; where there is nothing, they are empty."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    #: A day, as YYYY-MM-DD.
    DATE = "date"
    #: Values set apart by commas.
    LIST = "list"
    #: Anything else, as JSON.
    JSON = "json"


_TYPES = {
    "string": ColumnType.TEXT,
    "number": ColumnType.NUMBER,
    "integer": ColumnType.INTEGER,
    "boolean": ColumnType.BOOLEAN,
}
#: What values of each type are here.
_PYTHON: dict[ColumnType, type | tuple[type, ...]] = {
    ColumnType.TEXT: str,
    ColumnType.NUMBER: (int, float),
    ColumnType.INTEGER: int,
    ColumnType.BOOLEAN: bool,
}


@dataclass(frozen=True)
class Column:
    """One property of all answers."""

    #: The property.
    field: str
    #: What the column is called: the property, unless another column is called that.
    title: str
    type: ColumnType
    #: Of a list, what its values are.
    of: ColumnType | None = None
    #: The values it may have, where they are named.
    choices: tuple[str, ...] = ()
    description: str = ""

    def value(self, data: Any) -> Any:
        """What an answer has in this column, as a value of its type; None where that does not fit.

        A DATE is a date, a LIST a list of such values, JSON its text.

        >>> Column("a", "a", ColumnType.INTEGER).value({"a": "seven"})
        """
        value = data.get(self.field) if isinstance(data, Mapping) else None
        return None if value is None else _fitting(value, self.type, self.of)

    def cell(self, data: Any) -> Any:
        """The same as text, a number, a boolean, a date, or None.

        >>> Column("a", "a", ColumnType.LIST, of=ColumnType.TEXT).cell({"a": ["x", "y, z"]})
        'x, "y, z"'
        """
        value = self.value(data)
        return joined(value) if isinstance(value, list) else value


def columns_of(response_format: ResponseFormat | None, taken: Collection[str] = ()) -> tuple[Column, ...]:
    """The columns of answers of a format, in the schema's order; none where they have no properties.

    One whose property has a title that is `taken`, in upper or lower case, is called `answer.<property>`.
    """
    if response_format is None or response_format.json_schema is None:
        return ()
    whole = response_format.json_schema.schema_
    schema = _resolved(whole, whole)
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return ()
    columns: list[Column] = []
    used = {title.casefold() for title in taken}
    names = {name.casefold() for name in properties}
    for name, said in properties.items():
        # No file's format has a zero byte in a name.
        title = plain = name.replace("\0", "\N{REPLACEMENT CHARACTER}")
        while title.casefold() in used or (title != plain and title.casefold() in names):
            title = f"answer.{title}"
        used.add(title.casefold())
        columns.append(_column(name, title, _resolved(said, whole), whole))
    return tuple(columns)


def _column(name: str, title: str, schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Column:
    column_type = _type_of(schema)
    of = None
    if column_type is ColumnType.LIST:
        of = _type_of(_resolved(schema.get("items"), whole))
        column_type = ColumnType.LIST if of in _TYPES.values() or of is ColumnType.DATE else ColumnType.JSON
    values = schema.get("enum", ())
    choices = (
        tuple(value for value in values if isinstance(value, str)) if column_type is ColumnType.TEXT else ()
    )
    return Column(name, title, column_type, of, choices, str(schema.get("description", "")))


def _type_of(schema: Mapping[str, Any]) -> ColumnType:
    """The one type that values have besides null; JSON where there are several, or it is not said."""
    said = schema.get("type")
    names = {name for name in (said if isinstance(said, list) else [said]) if name not in ("null", None)}
    if not names and (
        values := [one for one in schema.get("enum", [schema.get("const")]) if one is not None]
    ):
        names = {_name_of(value) for value in values}
    if names == {"integer", "number"}:
        names = {"number"}
    if len(names) != 1:
        return ColumnType.JSON
    name = names.pop()
    if name == "array":
        return ColumnType.LIST
    if name == "string" and schema.get("format") == "date":
        return ColumnType.DATE
    return _TYPES.get(str(name), ColumnType.JSON)


def _name_of(value: Any) -> str:
    """The type of a value, as a schema calls it."""
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string")):
        if isinstance(value, kind):
            return name
    return "object"


def _resolved(schema: Any, whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema, or what its `$ref` names in the same document, or the one thing it may be besides null."""
    for _ in range(_MOST_HOPS):
        if not isinstance(schema, Mapping):
            return {}
        said = schema
        if isinstance(ref := said.get("$ref"), str) and ref.startswith("#"):
            schema = {**_at(whole, ref), **{key: value for key, value in said.items() if key != "$ref"}}
        elif isinstance(either := said.get("anyOf"), list):
            others = [one for one in either if one != {"type": "null"}]
            if len(others) != 1 or not isinstance(others[0], Mapping):
                return said
            schema = {**others[0], **{key: value for key, value in said.items() if key != "anyOf"}}
        else:
            return said
    return {}


def _at(whole: Mapping[str, Any], pointer: str) -> Mapping[str, Any]:
    """What a JSON Pointer names (RFC 6901)."""
    found: Any = whole
    for step in pointer.removeprefix("#").split("/")[1:]:
        if not isinstance(found, Mapping):
            return {}
        found = found.get(step.replace("~1", "/").replace("~0", "~"))
    return found if isinstance(found, Mapping) else {}


def _fitting(value: Any, kind: ColumnType, of: ColumnType | None = None) -> Any:
    """A value of JSON as one of a type; None where it is none."""
    if kind is ColumnType.JSON:
        return json.dumps(value, ensure_ascii=False)
    if kind is ColumnType.LIST:
        return _list_of(value, of or ColumnType.TEXT)
    if kind is ColumnType.DATE:
        return _date_in(value)
    if kind is ColumnType.INTEGER and isinstance(value, float) and value.is_integer():
        return int(value)
    is_boolean = kind is ColumnType.BOOLEAN
    return value if isinstance(value, _PYTHON[kind]) and isinstance(value, bool) is is_boolean else None


def _list_of(value: Any, of: ColumnType) -> list[Any] | None:
    """A list of values that fit, and of null; None for any other."""
    if not isinstance(value, list):
        return None
    values = [None if one is None else _fitting(one, of) for one in value]
    return (
        None
        if any(made is None and one is not None for made, one in zip(values, value, strict=True))
        else values
    )


def _date_in(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) and _DATE.fullmatch(value) else None
    except ValueError:
        return None


def joined(values: Sequence[Any]) -> str:
    """Values set apart by commas; one with a comma, a quote or a line's end in it is quoted (RFC 4180)."""
    return ", ".join(_quoted(_said(one)) for one in values)


def _said(value: Any) -> str:
    """A value of a list as text."""
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    if text and text == text.strip() and not _SPECIAL.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'
