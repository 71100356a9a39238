"""Responses remembered under an `Idempotency-Key`, so that a request sent twice is done once."""

from dataclasses import dataclass
from typing import cast

import redis

from jobs.contract import names

_RUNNING = "running"
#: Seconds for which a request that died with its server keeps others away.
_RUNNING_S = 120


@dataclass(frozen=True)
class Responses:
    """Remembers responses by a digest of their request; raises redis.RedisError when Redis is away."""

    _redis: "redis.Redis"

    def begin(self, digest: str) -> bool:
        """Note that a request is being answered; False when another one under the same digest is, or was."""
        return bool(self._redis.set(names.idempotency_key(digest), _RUNNING, nx=True, ex=_RUNNING_S))

    def earlier(self, digest: str) -> str | None:
        """The response that was kept; None while the first request is still being answered."""
        kept = cast(str | None, self._redis.get(names.idempotency_key(digest)))
        return None if kept == _RUNNING else kept

    def keep(self, digest: str, response: str, keep_s: int) -> None:
        """Remember a response for `keep_s` seconds."""
        self._redis.set(names.idempotency_key(digest), response, ex=keep_s)

    def forget(self, digest: str) -> None:
        """Let the same request be done again."""
        self._redis.delete(names.idempotency_key(digest))
