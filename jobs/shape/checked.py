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

    def __init__(self, reason: str, *, is_whole: bool = False) -> None:
        super().__init__(reason)
        #: True for JSON to which nothing more belongs: then more tokens would not have helped.
        self.is_whole = is_whole


def check_closed(answer: str) -> None:
    """Raises NotAsAsked for JSON that was cut, and to which more may belong: of a number, more digits can."""
    if answer[-1] not in _CLOSED:
        raise NotAsAsked("more may follow")


def checked(answer: str, response_format: ResponseFormat) -> Any:
    """What an answer says.

    Raises NotAsAsked when it is no JSON, has a name twice in an object, or does not satisfy its schema, or
    that takes too much to find out.
    """
    data = parsed(answer)
    schema = json.dumps(response_format.schema_of_answer)
    try:
        reason = mismatch(schema, data) if _is_light(schema) else mismatch_apart(schema, answer)
    except TooMuch as error:
        why = "whether it is takes too long to find out with this schema"
        raise NotAsAsked(why, is_whole=True) from error
    if reason:
        raise NotAsAsked(reason, is_whole=True)
    return data


def parsed(answer: str) -> Any:
    """The JSON of an answer, whatever its schema.

    Raises NotAsAsked, also for an object with the same name twice: of two values one would be lost, and
    which is another matter in each program (RFC 8259, 4).
    """
    objects = _Objects()
    try:
        data = json.loads(answer, parse_constant=_refuse_constant, object_pairs_hook=objects.take)
    except (ValueError, RecursionError) as error:
        raise NotAsAsked("it is no JSON") from error
    if objects.have_lost:
        raise NotAsAsked("an object in it has the same name twice", is_whole=True)
    return data


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


class _Objects:
    """Makes the objects of an answer, and remembers whether one had a name twice."""

    def __init__(self) -> None:
        self.have_lost = False

    def take(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        self.have_lost = self.have_lost or len(made) < len(pairs)
        return made


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
