"""Whether a value satisfies a schema."""

import json
from functools import lru_cache
from typing import Any, NoReturn

import jsonschema_rs


def mismatch(schema: str, data: Any) -> str | None:
    """Why a value does not satisfy a schema, which is JSON; None when it does. Says nothing of the value."""
    validator = _validator(schema)
    # What says why keeps each way in which it does not, so it is asked second.
    if validator.is_valid(data):
        return None
    try:
        validator.validate(data)
    except jsonschema_rs.ValidationError as error:
        keyword = error.schema_path[-1] if error.schema_path else "schema"
        place = "/".join(["#", *map(str, error.instance_path)])
        return f"`{keyword}` is not satisfied at {place}"
    return None


def unreadable(schema: str) -> str | None:
    """Why no value can be compared with a schema, such as a pattern that is too large; None when it can."""
    try:
        _validator(schema)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        return str(error)
    return None


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    """A validator; few schemas are in use at a time."""
    said = json.loads(schema)
    said.pop("$schema", None)
    # Its usual patterns go back and forth over an answer; these read it once, as the grammar's do.
    once = jsonschema_rs.RegexOptions()
    return jsonschema_rs.Draft202012Validator(
        said, validate_formats=True, retriever=_retrieve, pattern_options=once
    )


def _retrieve(address: str) -> NoReturn:
    raise ValueError(f"nothing is fetched for a schema ({address[:100]})")
