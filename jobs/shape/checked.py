"""An answer, once more: it was held to its schema, and is looked at before anybody relies on it."""

import json
from functools import lru_cache
from typing import Any, NoReturn

from jobs.contract.asking.response_format import ResponseFormat
from jobs.shape.apart import TooMuch, mismatch_apart
from jobs.shape.parts import extent_of
from jobs.shape.satisfied import mismatch

#: What JSON ends with when nothing more can belong to it.
_CLOSED = '}]"el'


class NotAsAsked(ValueError):
    """Raised for an answer that is not what was asked for; says why, and nothing of the answer."""


def check_closed(answer: str) -> None:
    """Raises NotAsAsked for JSON that was cut, and to which more may belong: of a number, more digits can."""
    if answer[-1] not in _CLOSED:
        raise NotAsAsked("more may follow")


def checked(answer: str, response_format: ResponseFormat) -> Any:
    """What an answer says.

    Raises NotAsAsked when it is no JSON, or does not satisfy its schema, or that takes too much to find out.
    """
    data = parsed(answer)
    schema = json.dumps(response_format.schema_of_answer)
    try:
        reason = mismatch(schema, data) if _is_light(schema) else mismatch_apart(schema, answer)
    except TooMuch as error:
        raise NotAsAsked("whether it is takes too long to find out with this schema") from error
    if reason:
        raise NotAsAsked(reason)
    return data


def parsed(answer: str) -> Any:
    """The JSON of an answer, whatever its schema. Raises NotAsAsked."""
    try:
        return json.loads(answer, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise NotAsAsked("it is no JSON") from error


def is_soon_checked(response_format: ResponseFormat) -> bool:
    """True when an answer is compared with the schema in no time: any other may take seconds of a process."""
    return _is_light(json.dumps(response_format.schema_of_answer))


# It is asked at each answer of a batch.
@lru_cache(maxsize=64)
def _is_light(schema: str) -> bool:
    try:
        return extent_of(json.loads(schema)).is_light
    except LookupError:
        return False


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
