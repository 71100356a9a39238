"""An answer, once more: it was held to its schema, and is looked at before anybody relies on it."""

import json
from functools import lru_cache
from typing import Any, NoReturn

import jsonschema_rs

from jobs.contract.response_format import ResponseFormat


class NotAsAsked(ValueError):
    """Raised for an answer that is not what was asked for; says why, and nothing of the answer."""


def checked(answer: str, response_format: ResponseFormat) -> Any:
    """What an answer says.

    Raises NotAsAsked when it is no JSON, or does not satisfy its schema.
    """
    try:
        data = json.loads(answer, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise NotAsAsked("it is no JSON") from error
    validator = _validator(json.dumps(response_format.schema_of_answer))
    try:
        validator.validate(data)
    except jsonschema_rs.ValidationError as error:
        keyword = error.schema_path[-1] if error.schema_path else "schema"
        place = "/".join(["#", *map(str, error.instance_path)])
        raise NotAsAsked(f"`{keyword}` is not satisfied at {place}") from error
    return data


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


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
