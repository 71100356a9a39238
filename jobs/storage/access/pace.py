"""How often somebody may do something: each has one small key in Redis, which ends by itself."""

import hashlib

from jobs.storage.store.base import Base


class Pace(Base):
    """Holds up those who do something too often; every method raises redis.RedisError when Redis is away."""

    def wait_s(self, who: str, *, rate_per_s: float, burst: float) -> float:
        """0 when `who` may do it again, which is counted then; else the seconds until they may.

        They may do it `rate_per_s` times a second for ever, and `burst` times at once, at least once.
        """
        digest = hashlib.sha256(who.encode(errors="surrogatepass")).hexdigest()
        return float(self._call("pace", digest, rate_per_s, max(1.0, burst)) or 0)
