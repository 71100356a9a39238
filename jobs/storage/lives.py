"""Lives of Redis: each start, and each replica that takes over, begins one, which may lack the last writes.

Redis says by itself in which it is (INFO). Where that is hidden, as some providers do, a script tells it that
is loaded and never run: Redis forgets its scripts when it ends, and gives none of them to its replicas. Which
one it is, is kept like all else: so a server that takes over for the second time is in another life.
"""

import hashlib
import secrets
from typing import cast

import redis

from jobs.contract import names

#: What Redis says of a command that it has under another name, or not at all.
_UNKNOWN = "unknown command"


class Lives:
    """Tells lives apart by a field of INFO, such as `run_id` of the section `server`, or else by a script.

    Every method raises redis.RedisError when Redis is away.
    """

    def __init__(self, client: "redis.Redis", section: str, field: str) -> None:
        self._redis = client
        self._section, self._field = section, field

    def known(self) -> str:
        """The life of now; empty where Redis does not say it, and nobody has noted it."""
        life, _ = self.read()
        return life

    def read(self, *keys: str) -> tuple[str, list[str | None]]:
        """The same, and the texts under some keys, all of the same server."""
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.info(self._section)
            for key in keys:
                pipe.get(key)
            about, *texts = pipe.execute(raise_on_error=False)
        for text in texts:
            if isinstance(text, redis.RedisError):
                raise text
        return self._told(about) or self._of_script(), texts

    def noted(self) -> str:
        """The life of now, which is noted where nobody has done that."""
        if life := self.known():
            return life
        life = secrets.token_hex(16)
        self._redis.script_load(_script(life))
        self._redis.set(names.LIFE, life)
        # Another process may have noted it at the same time: the last one counts.
        return cast(str, self._redis.get(names.LIFE))

    def _told(self, about: object) -> str | None:
        """What Redis says of itself; None where it does not."""
        if isinstance(about, redis.RedisError):
            if not _is_forbidden(about):
                raise about
            return None
        return cast(str | None, cast(dict[str, object], about).get(self._field))

    def _of_script(self) -> str:
        life = cast(str | None, self._redis.get(names.LIFE))
        return life if life and self._redis.script_exists(_digest(life))[0] else ""


def _is_forbidden(error: redis.RedisError) -> bool:
    return isinstance(error, redis.exceptions.NoPermissionError) or _UNKNOWN in str(error)


def _script(life: str) -> str:
    return f"return '{life}'"


def _digest(life: str) -> str:
    """The name by which Redis knows a script."""
    return hashlib.sha1(_script(life).encode(), usedforsecurity=False).hexdigest()
