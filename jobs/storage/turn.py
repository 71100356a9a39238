"""Whose turn it is, say to keep house: one process's, by a lock that runs out when its holder is silent."""

import logging

import redis
from redis.exceptions import LockError

from jobs.contract.refusals import is_wrong_type
from jobs.storage.unreadable import pass_over

_log = logging.getLogger(__name__)


class ProcessTurn:
    """The lock of one process; it has to be taken again at least every `silent_s` seconds."""

    def __init__(self, client: "redis.Redis", silent_s: float, key: str) -> None:
        # Acquired by one thread, let go by whichever ends the process: its token must not be of one thread.
        self._client, self._key = client, key
        self._lock = client.lock(key, timeout=silent_s, thread_local=False)

    def take(self) -> bool:
        """Take the turn or keep it; False when it is another's.

        Raises redis.RedisError when Redis is away.
        """
        try:
            return bool(self._lock.reacquire() if self._lock.owned() else self._lock.acquire(blocking=False))
        except LockError:
            return False
        except redis.ResponseError as error:
            if not is_wrong_type(error):
                raise
            # What is no lock is nobody's, and would keep all others from it for ever.
            pass_over("housekeeping", self._key, error)
            self._client.delete(self._key)
            return False

    def let_go(self) -> None:
        """Leave it to others."""
        try:
            self._lock.release()
        except (LockError, redis.RedisError):
            _log.debug("The lock %s was another's, or expires by itself.", self._key)
