"""Links that let others read one batch, for some days. A link holds all it says, signed; none is kept."""

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import cast

import redis
from itsdangerous import BadData, URLSafeSerializer

from jobs import names
from jobs.errors import Gone, NotFound

_SALT = "eva01.share"


class Shares:
    """Makes tokens and reads them. They are signed with `secret_key`, or with one that is kept in Redis.

    `clock` gives the time now in Unix seconds. Without a `secret_key` every method raises redis.RedisError
    when Redis is away.
    """

    def __init__(
        self, client: "redis.Redis", secret_key: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._redis = client
        self._secret_key = secret_key
        self._clock = clock

    def make(self, batch_id: str, days: int) -> tuple[str, datetime]:
        """A token for a batch, and when it expires."""
        expires_at = datetime.fromtimestamp(int(self._clock()), UTC) + timedelta(days=days)
        return self._serializer().dumps([batch_id, int(expires_at.timestamp())]), expires_at

    def batch_of(self, token: str) -> str:
        """The id of the batch that a token is for.

        Raises NotFound (`share_not_found`) for one that we have not made, and Gone (`share_expired`).
        """
        try:
            batch_id, expires_s = self._serializer().loads(token)
        except BadData as error:
            raise NotFound(
                "This link to a shared batch is not valid. Ask for a new one.", code="share_not_found"
            ) from error
        if self._clock() >= expires_s:
            expired = datetime.fromtimestamp(expires_s, UTC).isoformat()
            raise Gone(f"This link has expired at {expired}. Ask for a new one.", code="share_expired")
        return str(batch_id)

    def _serializer(self) -> URLSafeSerializer:
        key = self._secret_key or self._kept_key()
        return URLSafeSerializer(key, salt=_SALT, signer_kwargs={"digest_method": sha256})

    def _kept_key(self) -> str:
        """The key in Redis, made by whoever needs it first."""
        if not (key := cast(str | None, self._redis.get(names.SIGNING_KEY))):
            self._redis.set(names.SIGNING_KEY, secrets.token_urlsafe(32), nx=True)
            key = cast(str, self._redis.get(names.SIGNING_KEY))
        return key
