"""Whose turn it is to keep house: one process's, by a lock that runs out when its holder falls silent."""

import logging

import redis
from redis.exceptions import LockError

from jobs.contract import names

_log = logging.getLogger(__name__)


class HousekeepersTurn:
    """The lock of one process; it has to be taken again at least every `silent_s` seconds."""

    def __init__(self, client: "redis.Redis", silent_s: float) -> None:
        # Acquired by one thread, let go by whichever ends the process: its token must not be of one thread.
        self._lock = client.lock(names.HOUSEKEEPER, timeout=silent_s, thread_local=False)

    def take(self) -> bool:
        """Take the turn or keep it; False when it is another's.

        Raises redis.RedisError when Redis is away.
        """
        try:
            return bool(self._lock.reacquire() if self._lock.owned() else self._lock.acquire(blocking=False))
        except LockError:
            return False

    def let_go(self) -> None:
        """Leave it to others."""
        try:
            self._lock.release()
        except (LockError, redis.RedisError):
            _log.debug("The housekeeping lock was another's, or expires by itself.")
