"""Wrong keys by where they came from, within a minute: whoever guesses is held up."""

import redis

from jobs.contract import names
from jobs.contract.owners import digest_of

#: Seconds for which a wrong key counts.
_WINDOW_S = 60


class Attempts:
    """Counts wrong keys; every method raises redis.RedisError when Redis is away."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client

    def note(self, place: str, most: int) -> int:
        """Count one from a place; gives the seconds to wait when there were more than `most`, else 0."""
        key = names.wrong_keys_key(digest_of(place))
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(key, 0, ex=_WINDOW_S, nx=True)
            pipe.incr(key)
            pipe.ttl(key)
            _, count, ttl_s = pipe.execute()
        return max(1, ttl_s) if count > most else 0
