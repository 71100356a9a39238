"""What a Redis that is there refuses and may do later: it is full, a replica, cannot save, or forbids."""

import re
from dataclasses import dataclass
from typing import Self

import redis

from jobs.contract.codes import Code
from jobs.contract.errors import Unavailable

#: How Redis begins to say that the same command may succeed later.
_WORDS = (
    *("OOM", "MISCONF", "READONLY", "LOADING", "BUSY", "NOREPLICAS", "MASTERDOWN", "UNBLOCKED"),
    *("NOAUTH", "WRONGPASS", "NOPERM"),
)
#: redis-py puts the commands of a pipeline before what was said, and a server a script's name and line.
_SAID = re.compile(rf"(?:^|: |-)(?P<code>{'|'.join(_WORDS)})\b(?P<rest>.*)", re.DOTALL)
_AROUND = re.compile(r".* of pipeline caused error: | script: [0-9a-f]{40},.*", re.DOTALL)
#: How a script says that it was forbidden.
_FORBIDDEN = "ACL failure in script"
#: How Redis says that it has not the database that REDIS_URL names.
_NO_DATABASE = ("DB index is out of range", "invalid DB index", "SELECT is not allowed in cluster mode")
#: What it says to one whom it does not know, by the first word.
_STRANGERS = ("NOAUTH", "WRONGPASS")
#: How it says that it has as many connections as it may have; it then closes the new one.
_NO_MORE_CLIENTS = "max number of clients reached"
#: The first word of what has no word of its own.
_ERROR = "ERR"
#: redis-py takes the first word away where it has a class for it.
_CLASSES: dict[type[Exception], str] = {
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.NoPermissionError: "NOPERM",
    redis.exceptions.BusyLoadingError: "LOADING",
    redis.exceptions.MasterDownError: "MASTERDOWN",
    redis.exceptions.AuthenticationError: "NOAUTH",
}
#: Characters of what Redis says that are passed on.
_LONGEST = 200


@dataclass(frozen=True)
class Refusal:
    """What Redis refused a command with."""

    #: The first word of what it said, such as OOM.
    code: str
    #: All that it said, in one line.
    words: str

    @classmethod
    def of(cls, error: BaseException) -> Self | None:
        """The refusal that an error of redis-py is; None when Redis is away, or the command was wrong."""
        if not isinstance(error, redis.RedisError):
            return None
        said = _AROUND.sub("", str(error))
        told = said.removeprefix(f"{_ERROR} ")
        if told.startswith(_NO_DATABASE):
            return cls(_ERROR, _one_line(said))
        if told.startswith(_FORBIDDEN):
            return cls("NOPERM", _one_line(f"NOPERM {told}"))
        if found := _SAID.search(said):
            return cls(found["code"], _one_line(found["code"] + found["rest"]))
        for kind, code in _CLASSES.items():
            if isinstance(error, kind):
                return cls(code, _one_line(f"{code} {said}"))
        return None

    @property
    def has_no_database(self) -> bool:
        """True when it has not the database that is asked for, so that somebody has to name another."""
        return self.code == _ERROR

    @property
    def is_full(self) -> bool:
        """True when it has no memory left, so that somebody has to make room."""
        return self.code == "OOM"


def is_wrong_type(error: BaseException) -> bool:
    """True when Redis says that what is under a key is of another type than ours."""
    return isinstance(error, redis.ResponseError) and "WRONGTYPE" in str(error)


def unavailable(error: "redis.RedisError") -> Unavailable:
    """An error of redis-py as people hear of it."""
    refusal = Refusal.of(error)
    if refusal is None and _NO_MORE_CLIENTS in str(error):
        message = f"Redis says: {_one_line(str(error))}. Raise its maxclients, or run fewer processes."
        return Unavailable(message, code=Code.REDIS_UNAVAILABLE)
    if refusal is None and isinstance(error, redis.ResponseError):
        message = f"Redis answers with an error ({_one_line(str(error))}). The server's log says more."
        return Unavailable(message, code=Code.REDIS_REFUSES)
    if refusal is None:
        return Unavailable("Redis does not answer. Try again in a moment.", code=Code.REDIS_UNAVAILABLE)
    if refusal.is_full:
        message = f"Redis is full ({refusal.words}). Raise its maxmemory, or delete batches."
        return Unavailable(message, code=Code.REDIS_FULL)
    if refusal.has_no_database:
        message = f"Redis does not have the database that REDIS_URL names ({refusal.words}). Name another."
        return Unavailable(message, code=Code.REDIS_REFUSES)
    if refusal.code in _STRANGERS:
        message = f"Redis says: {refusal.words}. Write who we are and the password into REDIS_URL."
        return Unavailable(message, code=Code.REDIS_REFUSES)
    message = f"Redis says: {refusal.words}. Its own log says more."
    return Unavailable(message, code=Code.REDIS_REFUSES)


def _one_line(text: str) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…"
