"""Whether Redis knows all that the journal has; images that nothing in Redis needs may only go then.

    no mark ──► looking ──► whole
                   └──────► wanting ──► a restore, to its end ──► whole

The mark lies in Redis, and is gone with all else when Redis is wiped. What a look or a restore has found out
is written only if the mark is still the one that it has set, in the same life of Redis: else it holds for a
Redis that was lost meanwhile.
"""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import cast

import redis

from jobs.contract import names
from jobs.contract.models import new_id
from jobs.storage.lives import Lives
from jobs.storage.restarts import RestartWatch
from jobs.storage.store import JobStore
from jobs.storage.unreadable import readable

#: The mark when all is known; the others are one of these words and an id.
_WHOLE, _LOOKING, _WANTING = "whole", "looking", "wanting"


@dataclass(frozen=True)
class Claim:
    """What somebody who looks, or restores, has to find again at the end."""

    mark: str
    life: str


class Knowledge:
    """The mark and its changes; every method raises redis.RedisError when Redis is away."""

    def __init__(self, store: JobStore) -> None:
        client = store.redis
        self._redis = client
        self._lives = Lives(client, "server", "run_id")
        self._watch = RestartWatch(client)

    def is_whole(self) -> bool:
        """True when Redis knows all that the journal has; False as well while a new life is not looked at."""
        return self._mark() == _WHOLE and self._watch.forgotten_since() is None

    def is_wanting(self) -> bool:
        """True when something is only in the journal, or a restore has begun and none has come to its end."""
        return self._mark().startswith(_WANTING)

    def is_open(self) -> bool:
        """True when nobody has looked to the end yet."""
        return not self._mark().startswith((_WHOLE, _WANTING))

    def begin_look(self) -> Claim:
        """Note that somebody looks whether all is known; to be called while that is open."""
        return self._claim(_LOOKING)

    def begin_restore(self) -> Claim:
        """Note that something is missing until a restore has come to its end, unless all is known."""
        return self._claim(_WANTING) if self.is_open() else Claim(self._mark(), self._lives.noted())

    def end(self, claim: Claim, *, is_whole: bool) -> None:
        """Note what was found out, if it still holds for this Redis."""
        found = _WHOLE if is_whole else _new(_WANTING)
        # The connection that watches breaks with this life: so nothing is written into another.
        with suppress(redis.WatchError), self._redis.pipeline() as pipe:
            pipe.watch(names.KNOWLEDGE)  # type: ignore[no-untyped-call]
            if pipe.get(names.KNOWLEDGE) == claim.mark and self._lives.known() == claim.life:
                pipe.multi()
                pipe.set(names.KNOWLEDGE, found)
                pipe.execute()

    def _claim(self, word: str) -> Claim:
        claim = Claim(_new(word), self._lives.noted())
        self._redis.set(names.KNOWLEDGE, claim.mark)
        return claim

    def _mark(self) -> str:
        """The mark; empty where there is none that can be read."""
        read = partial(self._redis.get, names.KNOWLEDGE)
        return cast(str | None, readable("knowledge", names.KNOWLEDGE, read)) or ""


def _new(word: str) -> str:
    return f"{word}:{new_id()}"
