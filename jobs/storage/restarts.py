"""Notices that Redis was started anew, and since when it may have forgotten something.

A note of the time lies in Redis itself, and is renewed at every look. An append-only file that was cut off
has lost its end, never its middle: what was written before the note that survived has survived too. The same
holds when a replica has become the master.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

import redis

from jobs.contract import names
from jobs.storage.lives import Lives
from jobs.storage.unreadable import readable

#: Seconds by which the clocks of several web processes may differ.
_MARGIN_S = 30.0


class RestartWatch:
    """Compares the Redis of now with that of the last look; raises redis.RedisError when it is away."""

    def __init__(self, client: "redis.Redis", clock: Callable[[], float] = time.time) -> None:
        self._redis = client
        self._lives = Lives(client, "server", "run_id")
        self._clock = clock

    def is_blank(self) -> bool:
        """True when this Redis was never looked at: it is new, or was wiped."""
        return not self._redis.exists(names.SEEN)

    def forgotten_since(self) -> datetime | None:
        """Since when something may be lost; None when it is the same Redis as at the last look."""
        seen = cast(dict[str, str], self._redis.hgetall(names.SEEN))
        if not seen or seen.get("run_id") == self._lives.known():
            return None
        return readable(
            "seen", names.SEEN, lambda: datetime.fromtimestamp(float(seen["at_s"]) - _MARGIN_S, UTC)
        )

    def note(self) -> None:
        """Remember this Redis, and that all is well until now."""
        self._redis.hset(names.SEEN, mapping={"run_id": self._lives.noted(), "at_s": self._clock()})
