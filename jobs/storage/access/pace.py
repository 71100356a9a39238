"""How often somebody may do something: each has one small key in Redis, which ends by itself."""

import hashlib
from dataclasses import dataclass
from typing import cast

from jobs.storage.store.base import Base


@dataclass(frozen=True)
class Paced:
    """Whether somebody may do something now, and how much of it is left to them."""

    #: 0: they may; else the seconds until they may.
    wait_s: float
    #: How often they may do it besides, at once.
    left: int
    #: Seconds until all that they did of late no longer counts.
    owed_s: float


class Pace(Base):
    """Holds up those who do something too often; every method raises redis.RedisError when Redis is away."""

    def take(self, who: str, *, rate_per_s: float, burst: float) -> Paced:
        """Let `who` do it, if they may; it is counted then.

        They may do it `rate_per_s` times a second for ever, and `burst` times at once, at least once.
        """
        return self._asked(who, rate_per_s, burst, "")

    def look(self, who: str, *, rate_per_s: float, burst: float) -> Paced:
        """The same, and nothing is counted."""
        return self._asked(who, rate_per_s, burst, "look")

    def _asked(self, who: str, rate_per_s: float, burst: float, how: str) -> Paced:
        digest = hashlib.sha256(who.encode(errors="surrogatepass")).hexdigest()
        most = max(1.0, burst)
        said = cast(list[str], self._call("pace", digest, rate_per_s, most, how))
        wait_s, owed_s = map(float, said)
        # A little more than that, since the times are rounded.
        return Paced(wait_s, max(0, int(most - owed_s * rate_per_s + 1e-3)), owed_s)
