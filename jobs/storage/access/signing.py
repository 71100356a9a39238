"""The key that sign-ins under way are signed with, where no setting gives one: made once, kept in Redis."""

import secrets
from dataclasses import dataclass
from typing import cast

import redis

from jobs.contract import names


@dataclass(frozen=True)
class SigningKey:
    """One key for all web processes; raises redis.RedisError when Redis is away."""

    _redis: "redis.Redis"

    def get(self) -> str:
        """The key, made by whoever needs it first."""
        if not (key := cast(str | None, self._redis.get(names.SIGNING_KEY))):
            self._redis.set(names.SIGNING_KEY, secrets.token_urlsafe(32), nx=True)
            key = cast(str, self._redis.get(names.SIGNING_KEY))
        return key
