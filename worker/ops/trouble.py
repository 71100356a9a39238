"""What keeps Redis from doing its part, as the parts of a worker meet it.

It is said once in the log when it begins, and once when it is over.
"""

import logging
import threading

import redis

from jobs.contract.refusals import Refusal

logger = logging.getLogger(__name__)

_AWAY = "away"


class Trouble:
    """What each part of a worker has met and not got over; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Part of the worker → the kind of trouble, and what others hear of it: not where Redis is.
        self._met: dict[str, tuple[str, str]] = {}

    @property
    def words(self) -> str:
        """What was said last; empty when all is well."""
        with self._lock:
            return next((words for _, words in reversed(self._met.values())), "")

    def meet(self, part: str, error: redis.RedisError) -> None:
        """Note what a part has met; a kind that is known already is not said again."""
        kind, words = _told(error)
        with self._lock:
            is_known = any(kind == known for known, _ in self._met.values())
            self._met[part] = (kind, "Redis does not answer." if kind == _AWAY else words)
        if is_known:
            return
        if kind == _AWAY:
            logger.warning("Redis is away (%s): waiting until it is back.", words)
        else:
            logger.error("Redis refuses (%s): keeping the model and what is held until it does not.", words)

    def get_over(self, part: str) -> None:
        """Note that a part goes on."""
        with self._lock:
            kind, _ = self._met.pop(part, ("", ""))
            is_over = not self._met
        if kind and is_over:
            logger.info("Redis is back." if kind == _AWAY else "Redis takes writes again.")


def _told(error: redis.RedisError) -> tuple[str, str]:
    """The kind of trouble that an error is, and what was said."""
    if refusal := Refusal.of(error):
        return refusal.code, refusal.words
    kind = type(error).__name__ if isinstance(error, redis.ResponseError) else _AWAY
    return kind, str(error)
