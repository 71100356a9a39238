"""Wrong keys by the address they came from, within a minute: whoever guesses is slowed."""

from typing import cast

import redis

from jobs.contract import names
from jobs.contract.owners import digest_of

#: Seconds for which a wrong key counts.
WINDOW_S = 60


class Attempts:
    """Counts wrong keys; every method raises redis.RedisError when Redis is away."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client

    def note(self, address: str) -> None:
        """Count a wrong key from an address; the count is forgotten a minute after the first."""
        key = names.wrong_keys_key(digest_of(address))
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(key, 0, ex=WINDOW_S, nx=True)
            pipe.incr(key)
            pipe.execute()

    def wait_s(self, address: str, most: int) -> int:
        """Seconds until a key from this address is looked at again; 0 while fewer than `most` were wrong."""
        key = names.wrong_keys_key(digest_of(address))
        if int(cast(str | None, self._redis.get(key)) or 0) < most:
            return 0
        return max(1, self._redis.ttl(key))
