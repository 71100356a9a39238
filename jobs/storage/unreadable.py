"""What is kept and cannot be read: it is counted, said now and then, and passed over; all else goes on.

Another program has written it, or a version that knows more than this one. It is left as it is, unless it is
in the way of work: then it is renamed, or, where nothing but a lock or a list of ours can be meant, removed.
"""

import logging
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import redis
from redis.client import Pipeline

from jobs.contract.faults import fault_of
from jobs.contract.metrics import UNREADABLE_RECORDS
from jobs.contract.refusals import is_wrong_type
from jobs.contract.seldom import PAUSE_S, Seldom

logger = logging.getLogger(__name__)

#: What was said of late, of all kinds.
SAID = Seldom()
#: Errors of reading what may be anything; pydantic's are ValueErrors.
_ERRORS = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)
#: Characters of an error that are said.
_LONGEST = 200
_T = TypeVar("_T")


def readable(kind: str, name: str, read: Callable[[], _T]) -> _T | None:
    """What `read` gives; None, counted and said, where what it reads cannot be read.

    Raises redis.RedisError when Redis is away, or refuses.
    """
    try:
        return read()
    except _ERRORS as error:
        pass_over(kind, name, error)
    except redis.ResponseError as error:
        if not is_wrong_type(error):
            raise
        pass_over(kind, name, error)
    return None


def pass_over(kind: str, name: str, error: Exception) -> None:
    """Count and say that a thing of some kind cannot be read; its values are not said."""
    UNREADABLE_RECORDS.labels(kind).inc()
    if SAID.is_due(kind):
        logger.error(
            "%s cannot be read and is passed over: %s. Further ones of this kind (%s) are counted, and not"
            " said for %d s.",
            name,
            _reason(error),
            kind,
            PAUSE_S,
        )


def moved_aside(kind: str, name: str) -> None:
    """Count and say that what was under a key was of another type than ours, and is now beside it."""
    UNREADABLE_RECORDS.labels(kind).inc()
    if SAID.is_due(name):
        logger.error("%s was of another type than ours: what it held is now in %s:aside.", name, name)


def shaped(kind: str, key: str, pattern: str, texts: Iterable[str]) -> list[str]:
    """Those of a key's members that have the form of what belongs there, such as ids: some become paths."""
    found = []
    for text in texts:
        if re.fullmatch(pattern, text):
            found.append(text)
        else:
            pass_over(kind, key, ValueError("a member is none"))
    return found


def replies(pipe: Pipeline) -> list[Any]:
    """What the commands of a pipeline gave; None for one whose key is of another type than ours.

    Raises redis.RedisError for all else.
    """
    found = pipe.execute(raise_on_error=False)
    for place, reply in enumerate(found):
        if isinstance(reply, redis.RedisError):
            if not is_wrong_type(reply):
                raise reply
            found[place] = None
    return found


def _reason(error: Exception) -> str:
    """What is wrong, without the values that are."""
    errors = getattr(error, "errors", None)
    if errors:
        first = errors(include_url=False, include_input=False, include_context=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {fault_of(first)}"[:_LONGEST]
    return f"{type(error).__name__}"
